"""What a host program takes and gives, in words: the docstring of its file."""

import textwrap
from collections.abc import Mapping, Sequence

from xdsl.ir import Attribute

from dycl.ir.types import DTYPE_NAMES, element_of, f64, i1, i64, is_tensor, shape_of
from dycl.program import Program
from dycl.runtime.structure import DICTS, RECORDS, Fixed, Group, Leaf, Number, Series, Structure, Variants

_WIDTH = 100

_SCALAR_NAMES: Mapping[Attribute, str] = {i1: "bool", i64: "int", f64: "float"}


def summary(program: Program, title: str) -> list[str]:
    """Return the lines of a docstring."""
    inputs = ", ".join(map(str, program.signature.inputs)) or "nothing"
    results = [_type_name(type) for type in program.main.function_type.outputs]
    outputs = _arranged(program.structure, results)
    return [
        f'"""{_plain(title)}: the branches are taken here, the tensors are computed in kernels.',
        "",
        *textwrap.wrap(_plain(f"Takes {inputs}"), _WIDTH, subsequent_indent="    "),
        *textwrap.wrap(_plain(f"Gives {outputs}"), _WIDTH, subsequent_indent="    "),
        '"""',
    ]


def _plain(text: str) -> str:
    """Return text that ends no docstring."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def _arranged(structure: Structure, results: Sequence[str]) -> str:
    """Return an output structure as Python would write it, with types for the results."""
    match structure:
        case Leaf(index):
            return results[index]
        case Number(index):
            return _number_name(results[index])
        case Fixed(value):
            return repr(value)
        case Variants(_, structures):
            return " or ".join(dict.fromkeys(_arranged(variant, results) for variant in structures))
        case Series(kind, item):
            return f"{kind} of {_arranged(item, [_without_axis(result) for result in results])}"
        case Group(kind, items, keys, type_name):
            parts = [_arranged(item, results) for item in items]
            if kind in DICTS:
                return "{" + ", ".join(f"{key!r}: {part}" for key, part in zip(keys, parts, strict=True)) + "}"
            if kind in RECORDS:
                named = ", ".join(f"{key}={part}" for key, part in zip(keys, parts, strict=True))
                return f"{type_name.partition('#')[0]}({named})"
            listed = ", ".join(parts)
            return f"[{listed}]" if kind == "list" else f"({listed},)" if len(parts) == 1 else f"({listed})"


def _number_name(tensor: str) -> str:
    """Return what Python calls an element of a tensor."""
    dtype = tensor.partition("[")[0]
    return "bool" if dtype == "bool" else "float" if "f" in dtype else "int"


def _without_axis(tensor: str) -> str:
    """Return the type of a tensor's items along axis 0; that of a host scalar is its own."""
    dtype, bracket, sizes = tensor.partition("[")
    return f"{dtype}[{sizes.partition(', ')[2] or ']'}" if bracket else dtype


def _type_name(type: Attribute) -> str:
    if not is_tensor(type):
        return _SCALAR_NAMES[type]
    sizes = ", ".join("?" if size is None else str(size) for size in shape_of(type))
    return f"{DTYPE_NAMES[element_of(type)]}[{sizes}]"
