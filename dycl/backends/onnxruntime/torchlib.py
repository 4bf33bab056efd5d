"""torchlib: the ONNX functions that torch's exporter has for ATen overloads, called one by one.

This file alone knows torch's and onnxscript's internals, which have no types. A function is run under the exporter's
recorder on stand-ins for the graph's values, and what it records is added to the graph.
"""

# pyright: basic, reportPrivateImportUsage=false

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import onnx_ir as ir

from dycl.backends.onnxruntime.graph import OPSET, Graph, Type, set_type
from dycl.backends.onnxruntime.lowerings import Argument, Lowered

if TYPE_CHECKING:
    from torch._ops import OpOverload

TORCHLIB_OPSET = 18

_DEFAULT = object()

_LEFT_OUT = frozenset(["embedding_bag", "_embedding_bag", "_embedding_bag_forward_only"])
"""Overload packets whose functions ONNX Runtime crashes on while it loads them."""


def has_function(overload: "OpOverload") -> bool:
    """Whether torchlib has a function for an overload on real numbers."""
    return _function(overload) is not None


def lower(graph: Graph, overload: "OpOverload", arguments: Sequence[Argument], results: Sequence[Type]) -> Lowered:
    """Add to the graph what torchlib makes of a call; None where it cannot.

    Nodes of a function that failed half-way are not added.
    """
    from onnxscript import evaluator, values
    from torch.onnx._internal.exporter import _building, _tensors

    function = _function(overload)
    if function is None:
        return None
    opset = values.Opset("", TORCHLIB_OPSET)
    stand_ins: dict[ir.Value, ir.Value] = {}

    def stand_in(value: ir.Value) -> ir.Value:
        if value not in stand_ins:
            stand_ins[value] = _tensors.SymbolicTensor(
                opset, shape=value.shape, type=value.type, const_value=value.const_value
            )
        return stand_ins[value]

    prepared = _promoted(graph, overload, _scalars_cast(graph, overload, arguments, results))
    positional, keywords = _convert(overload, function, prepared, stand_in)
    recorder = _building.OpRecorder(opset, {})
    try:
        # Of an empty list the recorder has to say that it takes it for one of integers, which all of torchlib's are.
        with evaluator.default_as(recorder), _errors_only("onnx_ir._convenience"):
            found: Any = function(*positional, **keywords)
    except Exception as error:
        logging.getLogger(__name__).debug("torchlib cannot take %s: %s", overload, error)
        return None
    outputs = list(found) if isinstance(found, Sequence) else [found]
    originals = {stand_in: value for value, stand_in in stand_ins.items()}
    if len(outputs) != len(results) or not all(isinstance(output, ir.Value) for output in outputs):
        return None
    if any(isinstance(output.type, ir.SequenceType) or _makes_sequence(output) for output in outputs):
        return None
    for node in recorder.nodes:
        for index, value in enumerate(node.inputs):
            if value in originals:
                node.replace_input_with(index, originals[value])
    graph.nodes.extend(recorder.nodes)
    functions: dict[ir.OperatorIdentifier, Any] = recorder.functions
    for identifier, called in functions.items():
        if identifier not in graph.functions:
            function = ir.serde.deserialize_function(called.to_function_proto())
            function.opset_imports[""] = OPSET
            graph.functions[identifier] = function
    lowered = [originals.get(output, output) for output in outputs]
    for output, result in zip(lowered, results, strict=True):
        assert output is not None
        if output not in stand_ins and (output.dtype is None or output.shape is None):
            set_type(output, result)
    return lowered


def _makes_sequence(output: ir.Value) -> bool:
    node = output.producer()
    return node is not None and "Sequence" in node.op_type and node.op_type != "SequenceAt"


@cache
def _registry() -> Any:
    from torch.onnx._internal.exporter import _registration

    # It warns of torchvision's functions where torchvision is not installed.
    with _errors_only(_registration.__name__):
        return _registration.ONNXRegistry.from_torchlib(TORCHLIB_OPSET)


@contextmanager
def _errors_only(name: str) -> Generator[None]:
    """Inside, a logger leaves out what is no error."""
    logger = logging.getLogger(name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _function(overload: "OpOverload") -> Any:
    if overload._schema.name.removeprefix("aten::") in _LEFT_OUT:
        return None
    found = [meta for meta in _registry().get_decomps(overload) if not meta.is_complex]
    return found[0].onnx_function if found else None


def _convert(
    overload: "OpOverload", function: Any, arguments: Sequence[Argument], stand_in: Any
) -> tuple[list[Any], dict[str, Any]]:
    """Return the arguments as the exporter passes them: no trailing defaults, and none without a name there."""
    signature = getattr(function, "_pt_onnx_signature", None)
    known = None if signature is None else {parameter.name for parameter in signature.params}
    positional: list[Any] = []
    keywords: dict[str, Any] = {}
    defaults: list[bool] = []
    for parameter, argument in zip(overload._schema.arguments, arguments, strict=True):
        value = _onnx_argument(argument, stand_in)
        if parameter.kwarg_only:
            if value is not None and (known is None or parameter.name in known):
                keywords[parameter.name] = value
            continue
        default = parameter.default_value if parameter.has_default_value() else _DEFAULT
        positional.append(value)
        defaults.append(argument is default or (not isinstance(argument, ir.Value) and argument == default))
    while positional and defaults[-1]:
        positional.pop()
        defaults.pop()
    return positional, keywords


def _onnx_argument(argument: Argument, stand_in: Any) -> Any:
    if isinstance(argument, ir.Value):
        return stand_in(argument)
    if isinstance(argument, ir.DataType):
        return int(argument)
    if isinstance(argument, list):
        return [_onnx_argument(item, stand_in) for item in argument]
    return argument


def _scalars_cast(
    graph: Graph, overload: "OpOverload", arguments: Sequence[Argument], results: Sequence[Type]
) -> list[Argument]:
    """Host scalars are f64 or i64: as an operand beside tensors they take the result's dtype."""
    cast: list[Argument] = []
    for parameter, argument in zip(overload._schema.arguments, arguments, strict=True):
        if isinstance(argument, ir.Value) and str(parameter.real_type) in ("number", "float") and results:
            argument = graph.cast(argument, results[0].dtype)
        cast.append(argument)
    return cast


@cache
def _promotions() -> Any:
    from torch.onnx._internal.fx.passes.type_promotion import TypePromotionTable

    return TypePromotionTable()


def _promoted(graph: Graph, overload: "OpOverload", arguments: list[Argument]) -> list[Argument]:
    """Cast tensors to the dtype in which torch computes, as the exporter does before it calls torchlib."""
    rule = _promotions().get_rule(overload.overloadpacket)
    if rule is None:
        return arguments
    try:
        snapshot = rule.preview_type_promotion(tuple(map(_meta, arguments)), {})
    except Exception:
        return arguments  # The rule wants keywords, or does not take these arguments.
    promoted = list(arguments)
    for index, dtype in snapshot.args_dtypes.items():
        argument = promoted[index]
        if isinstance(argument, ir.Value) and dtype is not None:
            promoted[index] = graph.cast(argument, onnx_dtype(dtype))
    return promoted


def _meta(argument: Argument) -> Any:
    import torch

    if isinstance(argument, ir.Value):
        assert argument.dtype is not None and argument.shape is not None
        return torch.empty([1] * len(argument.shape), dtype=torch_dtype(argument.dtype), device="meta")
    if isinstance(argument, list):
        return [_meta(item) for item in argument]
    return argument


@cache
def _dtypes() -> tuple[dict[ir.DataType, Any], dict[Any, ir.DataType]]:
    import torch

    pairs = {
        ir.DataType.BOOL: torch.bool,
        ir.DataType.UINT8: torch.uint8,
        ir.DataType.INT8: torch.int8,
        ir.DataType.INT16: torch.int16,
        ir.DataType.INT32: torch.int32,
        ir.DataType.INT64: torch.int64,
        ir.DataType.FLOAT16: torch.float16,
        ir.DataType.BFLOAT16: torch.bfloat16,
        ir.DataType.FLOAT: torch.float32,
        ir.DataType.DOUBLE: torch.float64,
    }
    return pairs, {torch_dtype: dtype for dtype, torch_dtype in pairs.items()}


def torch_dtype(dtype: ir.DataType) -> Any:
    return _dtypes()[0][dtype]


def onnx_dtype(dtype: Any) -> ir.DataType:
    return _dtypes()[1][dtype]
