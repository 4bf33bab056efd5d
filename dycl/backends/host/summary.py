"""What a host program takes and gives, in words: the docstring of its file."""

import textwrap
from collections.abc import Mapping, Sequence

from xdsl.ir import Attribute

from dycl.ir.types import DTYPE_NAMES, element_of, f64, i1, i64, is_tensor, shape_of
from dycl.program import Program
from dycl.runtime.structure import Fixed, Group, Leaf, Structure

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
        case Fixed(value):
            return repr(value)
        case Group(kind, items, keys, type_name):
            parts = [_arranged(item, results) for item in items]
            if kind == "dict":
                return "{" + ", ".join(f"{key!r}: {part}" for key, part in zip(keys, parts, strict=True)) + "}"
            if kind == "namedtuple":
                return f"{type_name}({', '.join(f'{key}={part}' for key, part in zip(keys, parts, strict=True))})"
            return f"[{', '.join(parts)}]" if kind == "list" else f"({', '.join(parts)})"


def _type_name(type: Attribute) -> str:
    if not is_tensor(type):
        return _SCALAR_NAMES[type]
    sizes = ", ".join("?" if size is None else str(size) for size in shape_of(type))
    return f"{DTYPE_NAMES[element_of(type)]}[{sizes}]"
