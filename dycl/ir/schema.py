"""ATen overloads behind `dycl.aten` ops: look-up, calls, and verification against torch's schemas.

torch is imported when one of these functions is first called, so that a program without ATen ops never needs it. What
a schema says is read once per overload.
"""

import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, TypeAlias, TypeGuard

from xdsl.dialects.builtin import f64, i1, i64
from xdsl.ir import Attribute, SSAValue
from xdsl.utils.exceptions import VerifyException

from dycl.errors import DyclError, an
from dycl.ir.ops.aten import AtenOp, Bound
from dycl.ir.types import DTYPE_NAMES, ELEMENT_TYPES, ElementType, is_tensor
from dycl.runtime.signature import ARRAY_DTYPES

if TYPE_CHECKING:
    import torch
    from torch._ops import OpOverload

Result: TypeAlias = "torch.Tensor | bool | int | float"

_TRAINING_FLAGS: Mapping[str, str] = {
    "batch_norm.default": "training",
    "cudnn_batch_norm.default": "training",
    "instance_norm.default": "use_input_stats",
    "miopen_batch_norm.default": "training",
    "native_batch_norm.default": "training",
}
"""Overloads that, where this argument is true, write to their running statistics though their schema hides it."""

_HOST_ONLY = ("Device", "Layout", "MemoryFormat", "Generator")
"""Kinds of argument that a program leaves out: they say where or how, never what."""


@dataclass(frozen=True)
class Kind:
    """What an argument or result may be, as the schema writes it: `Tensor?[]` is a list of optional tensors."""

    name: str
    optional: bool = False
    element: "Kind | None" = None
    takes_one: bool = False
    """Whether one element may stand for the list."""

    def __str__(self) -> str:
        return (f"{self.element}[]" if self.element else self.name) + ("?" if self.optional else "")


@dataclass(frozen=True)
class Parameter:
    name: str
    kind: Kind
    keyword_only: bool
    is_size: bool = False
    """Whether it is a size or an index, which torch lets be known only at run time, unlike an axis."""


@dataclass(frozen=True)
class Schema:
    """An overload's parameters and results, in torch's order."""

    overload: "OpOverload"
    parameters: tuple[Parameter, ...]
    results: tuple[Kind, ...]
    is_mutable: bool

    @property
    def result_count(self) -> int | None:
        """How many values it gives; None where that depends on the arguments."""
        return None if any(kind.element for kind in self.results) else len(self.results)


def overload_of(name: str) -> "OpOverload":
    """Return the ATen overload `name`, such as `add.Tensor`.

    Raises:
        DyclError: there is none
    """
    return schema_of(name).overload


_SIZES = re.compile(r"SymInt(?:\[\d*\])?\??\s+(\w+)")


@cache
def schema_of(name: str) -> Schema:
    """Return what torch's schema says of the ATen overload `name`.

    Raises:
        DyclError: there is none
    """
    import torch
    from torch._ops import OpOverload

    packet, _, variant = name.partition(".")
    overload = getattr(getattr(torch.ops.aten, packet, None), variant, None) if variant else None
    if not isinstance(overload, OpOverload):
        functional = [known for known in _overload_names() if "_." not in known and not known.endswith("out")]
        first = [f"{packet}.default"] if f"{packet}.default" in functional and not variant else []
        near = first or difflib.get_close_matches(name, functional, n=3)
        hint = f"; did you mean {' or '.join(near)}" if near else ""
        raise DyclError(f"torch has no ATen overload {name!r}{hint}")
    schema = overload._schema  # pyright: ignore[reportPrivateUsage]: torch has no public name for it
    # The parsed types say `int` of a size as of an axis; the schema's text tells them apart.
    sizes = set(_SIZES.findall(str(schema)))
    return Schema(
        overload,
        tuple(
            Parameter(
                argument.name,
                _kind(str(argument.real_type), getattr(argument, "N", None) is not None),
                argument.kwarg_only,
                argument.name in sizes,
            )
            for argument in schema.arguments
        ),
        tuple(_kind(str(result.real_type)) for result in schema.returns),
        schema.is_mutable,
    )


def torch_dtype(element: Attribute) -> "torch.dtype":
    """Return torch's name for an element type.

    Raises:
        DyclError: it is not an element type of a program
    """
    import torch

    if element not in DTYPE_NAMES:
        raise DyclError(f"{element} is not the element type of a tensor")
    return getattr(torch, ARRAY_DTYPES[DTYPE_NAMES[element]])


def element_type(dtype: "torch.dtype") -> ElementType:
    """Return the element type of a torch dtype.

    Raises:
        DyclError: a program cannot hold tensors of that dtype
    """
    found = _element_types().get(dtype)
    if found is None:
        raise DyclError(f"a program cannot hold tensors of {dtype}; it takes {', '.join(ARRAY_DTYPES.values())}")
    return found


def call(op: AtenOp, value_of: "Callable[[SSAValue], Result]") -> list[Result]:
    """Call the op's overload on the values of its operands, tensors (fake ones too) or Python numbers.

    Returns one value per result; what torch raises is raised.
    """
    schema = schema_of(op.overload.data)
    positional: list[object] = []
    keywords: dict[str, object] = {}
    for parameter, argument in zip(schema.parameters, op.bind(value_of), strict=True):
        value = _python_value(argument)
        if value is None and parameter.kind.name in _HOST_ONLY and not parameter.kind.optional:
            if parameter.kind.name == "Device":
                value = _cpu()
            elif parameter.keyword_only:
                continue  # its default: a program says nothing of layouts
        if parameter.keyword_only:
            keywords[parameter.name] = value
        else:
            positional.append(value)
    found: object = schema.overload(*positional, **keywords)
    return _flatten(found)


def verify_aten(op: AtenOp) -> None:
    """Check an op against its overload's schema.

    Raises:
        VerifyException: there is no such overload, it writes to its arguments, or arguments or results do not agree
    """
    name = op.overload.data
    try:
        schema = schema_of(name)
    except DyclError as error:
        raise VerifyException(str(error)) from error
    if schema.is_mutable:
        raise VerifyException(f"{name} writes to its arguments; a program holds only functional overloads")
    parameters, count = schema.parameters, len(op.arguments)
    if count != len(parameters):
        names = ", ".join(f"{parameter.name}: {parameter.kind}" for parameter in parameters)
        raise VerifyException(f"{name} takes {len(parameters)} arguments ({names}), not {count}")
    arguments = op.bind(_same)
    for index, (parameter, argument) in enumerate(zip(parameters, arguments, strict=True)):
        if not _accepts(parameter.kind, argument):
            raise VerifyException(
                f"argument {index} ({parameter.name!r}) of {name} must be {parameter.kind}, not {_describe(argument)}"
            )
    flag = _TRAINING_FLAGS.get(name)
    if flag is not None:
        by_name = {parameter.name: argument for parameter, argument in zip(parameters, arguments, strict=True)}
        if by_name[flag] is not False and by_name["running_mean"] is not None:
            raise VerifyException(f"{name} writes to its running statistics where {flag!r} is true; it must be false")
    _verify_results(op, schema)


def _verify_results(op: AtenOp, schema: Schema) -> None:
    name = op.overload.data
    if not schema.results:
        raise VerifyException(f"{name} gives no value")
    count = schema.result_count
    if count is None:
        kinds = [schema.results[0].element or schema.results[0]] * len(op.results)
    elif count != len(op.results):
        raise VerifyException(f"{name} gives {count} {'value' if count == 1 else 'values'}, not {len(op.results)}")
    else:
        kinds = schema.results
    for index, (kind, type) in enumerate(zip(kinds, op.result_types, strict=True)):
        if not (is_tensor(type) if kind.name == "Tensor" else type in _SCALAR_RESULTS.get(kind.name, ())):
            raise VerifyException(f"result {index} of {name} is {kind}, which cannot have type {type}")


_SCALAR_RESULTS: Mapping[str, Sequence[Attribute]] = {
    "bool": (i1,),
    "int": (i64,),
    "float": (f64,),
    "Scalar": (i1, i64, f64),
}

_SCALAR_OPERANDS: Mapping[str, Sequence[Attribute]] = {
    "bool": (i1,),
    "int": (i64,),
    "float": (f64, i64),
    "Scalar": (f64, i64, i1),
}

_CONSTANTS: Mapping[str, tuple[type, ...]] = {
    "bool": (bool,),
    "int": (int,),
    "float": (float, int),
    "Scalar": (float, int, bool),
    "str": (str,),
}


def _accepts(kind: Kind, argument: Bound[SSAValue]) -> bool:
    if argument is None:
        return kind.optional or kind.name in _HOST_ONLY
    if kind.element is not None:
        if isinstance(argument, list):
            return all(_accepts(kind.element, item) for item in argument)
        return kind.takes_one and _accepts(kind.element, argument)
    if isinstance(argument, SSAValue):
        return (
            is_tensor(argument.type) if kind.name == "Tensor" else argument.type in _SCALAR_OPERANDS.get(kind.name, ())
        )
    if isinstance(argument, bool):
        return bool in _CONSTANTS.get(kind.name, ())
    if isinstance(argument, int | float | str):
        return isinstance(argument, _CONSTANTS.get(kind.name, ()))
    return kind.name == "ScalarType" and argument in DTYPE_NAMES


def _describe(argument: Bound[SSAValue]) -> str:
    if isinstance(argument, list):
        return f"[{', '.join(map(_describe, argument))}]"
    if isinstance(argument, SSAValue):
        return an(str(argument.type))
    if argument is None or isinstance(argument, bool):
        return str(argument).lower()
    return repr(argument) if isinstance(argument, int | float | str) else str(argument)


def _kind(text: str, fixed_size: bool = False) -> Kind:
    """Read a JIT type's text, such as `Optional[List[int]]`."""
    if text.startswith("Optional["):
        inner = _kind(text[len("Optional[") : -1], fixed_size)
        return Kind(inner.name, True, inner.element, inner.takes_one)
    if text.startswith("List["):
        return Kind("List", element=_kind(text[len("List[") : -1]), takes_one=fixed_size)
    return Kind({"number": "Scalar", "SymInt": "int"}.get(text, text))


def _same(value: SSAValue) -> SSAValue:
    return value


def _python_value(argument: Bound[Result]) -> object:
    if isinstance(argument, list):
        return [_python_value(item) for item in argument]
    return torch_dtype(argument) if isinstance(argument, Attribute) else argument


def _flatten(found: object) -> list[Result]:
    if isinstance(found, tuple | list):
        return [item for part in found for item in _flatten(part)]
    if _is_result(found):
        return [found]
    raise DyclError(f"it gives {an(type(found).__name__)}, which a program cannot hold")


def _is_result(found: object) -> TypeGuard[Result]:
    import torch

    return isinstance(found, torch.Tensor | bool | int | float)


@cache
def _cpu() -> "torch.device":
    import torch

    return torch.device("cpu")


@cache
def _element_types() -> "dict[torch.dtype, ElementType]":
    return {torch_dtype(element): element for element in ELEMENT_TYPES.values()}


@cache
def _overload_names() -> list[str]:
    import torch

    found: list[str] = torch._C._dispatch_get_all_op_names()  # pyright: ignore[reportPrivateUsage]: has no public name
    names = [name.removeprefix("aten::") for name in found if name.startswith("aten::")]
    return [name if "." in name else f"{name}.default" for name in names]
