"""An ONNX graph under construction, whose values know their dtypes and, where the program does, their shapes.

Three rules keep the graph small. A reshape of a reshape reads the first one's source, and one that changes nothing is
its source. An elementwise op on reshaped values works on what they are reshapes of, and its result is reshaped, so that
reshapes wander down to where a shape matters. Equal constants are one initializer.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Number: TypeAlias = bool | int | float
Scalar: TypeAlias = Number | ir.Value
"""A number known at compile time, or a value without dimensions."""

Size: TypeAlias = int | ir.Value
Attribute: TypeAlias = int | float | str | Sequence[int] | Sequence[float]

OPSET = 20
"""torchlib's functions are written against opset 18; from 20 on ReduceMax takes bools and Gelu is an op."""

BOOL = ir.DataType.BOOL
INT64 = ir.DataType.INT64
DOUBLE = ir.DataType.DOUBLE


_ELEMENTWISE = frozenset(
    [
        "Abs",
        "Add",
        "And",
        "Cast",
        "Ceil",
        "Clip",
        "Div",
        "Equal",
        "Erf",
        "Exp",
        "Floor",
        "Greater",
        "GreaterOrEqual",
        "HardSigmoid",
        "HardSwish",
        "Less",
        "LessOrEqual",
        "Log",
        "Max",
        "Min",
        "Mul",
        "Neg",
        "Not",
        "Or",
        "Pow",
        "Reciprocal",
        "Relu",
        "Round",
        "Sigmoid",
        "Sign",
        "Sqrt",
        "Sub",
        "Tanh",
        "Where",
        "Xor",
    ]
)
"""ONNX ops each of whose elements is made of the elements at the same place."""


@dataclass(frozen=True)
class Type:
    """A tensor's dtype and sizes, None for one known only at run time."""

    dtype: ir.DataType
    shape: tuple[int | None, ...]

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """The sizes, where all of them are known."""
        known = tuple(size for size in self.shape if size is not None)
        return known if len(known) == len(self.shape) else None


class Graph:
    def __init__(self) -> None:
        self.nodes: list[ir.Node] = []
        self.initializers: list[ir.Value] = []
        self.sources: dict[ir.Value, ir.Value] = {}
        """What each reshaped value is a reshape of."""
        self.wide: dict[ir.Value, ir.Value] = {}
        """The f32 value of one element that each f64 host scalar was read from: it may be compared in its place."""
        self.never_negative: Callable[[ir.Value], bool] = lambda value: False
        """Whether it is known of an input that none of its elements is negative."""
        self.functions: dict[ir.OperatorIdentifier, ir.Function] = {}
        """What nodes outside ONNX's own domain call."""
        self._constants: dict[tuple[ir.DataType, tuple[int, ...], bytes], ir.Value] = {}
        self._weights: dict[str, ir.Value] = {}

    def op(
        self,
        op_type: str,
        *inputs: ir.Value | None,
        dtype: ir.DataType | None = None,
        shape: Sequence[int | None] | None = None,
        **attributes: Attribute,
    ) -> ir.Value:
        """Add a node with one output, by default of its first input's dtype."""
        if op_type in _ELEMENTWISE and (found := self._sources_of(inputs)) is not None:
            sources, source_shape, view_shape = found
            result = self.ops(op_type, [dtype], *sources, shape=source_shape, **attributes)[0]
            return self.reshape(result, view_shape) or result
        return self.ops(op_type, [dtype], *inputs, shape=shape, **attributes)[0]

    def ops(
        self,
        op_type: str,
        dtypes: Sequence[ir.DataType | None],
        *inputs: ir.Value | None,
        shape: Sequence[int | None] | None = None,
        **attributes: Attribute,
    ) -> Sequence[ir.Value]:
        """Add a node with an output for each of `dtypes`."""
        while inputs and inputs[-1] is None:  # ONNX Runtime's SkipLayerNormFusion crashes on one that is left.
            inputs = inputs[:-1]
        node = ir.Node(
            "",
            op_type,
            inputs,
            ir.convenience.convert_attributes(attributes),
            num_outputs=len(dtypes),
            version=OPSET,
        )
        self.nodes.append(node)
        first = inputs[0].dtype if inputs and inputs[0] is not None else None
        for output, dtype in zip(node.outputs, dtypes, strict=True):
            found = dtype or first
            if found is not None:
                output.dtype = found
            if shape is not None:
                output.shape = ir.Shape(shape)
        return node.outputs

    def _sources_of(
        self, inputs: Sequence[ir.Value | None]
    ) -> tuple[list[ir.Value | None], tuple[int, ...], tuple[int, ...]] | None:
        """Return what the inputs are reshapes of, where all that have dimensions agree in both shapes."""
        tensors = [value for value in inputs if value is not None and known_shape(value) != ()]
        shapes = {(known_shape(self.sources.get(value, value)), known_shape(value)) for value in tensors}
        if len(shapes) != 1:
            return None
        ((source_shape, view_shape),) = shapes
        if source_shape == view_shape or source_shape is None or view_shape is None:
            return None
        return [value and self.sources.get(value, value) for value in inputs], source_shape, view_shape

    def axis_in_source(self, value: ir.Value, axis: int) -> tuple[ir.Value, int]:
        """Return what `value` is a reshape of, and where its axis is there, if only axes of size one came or went;
        else `value` and `axis`."""
        source = self.sources.get(value, value)
        sizes, source_sizes = known_shape(value), known_shape(source)
        if source is value or not sizes or source_sizes is None or sizes[axis] == 1:
            return value, axis
        if [size for size in sizes if size != 1] != [size for size in source_sizes if size != 1]:
            return value, axis
        number = sum(size != 1 for size in sizes[: axis % len(sizes)])
        return source, [index for index, size in enumerate(source_sizes) if size != 1][number]

    def constant(self, value: "Array | Number | Sequence[int]", dtype: ir.DataType = INT64) -> ir.Value:
        """Return the initializer of a constant; equal constants share one."""
        array = np.asarray(value).astype(dtype.numpy())
        key = (dtype, array.shape, array.tobytes())
        if key not in self._constants:
            self._constants[key] = self._initializer(f"constant_{len(self._constants)}", array, dtype)
        return self._constants[key]

    def weight(self, key: str, array: Array) -> ir.Value:
        """Return the initializer of a weight."""
        if key not in self._weights:
            self._weights[key] = self._initializer(key, array, ir.DataType.from_numpy(array.dtype))
        return self._weights[key]

    def _initializer(self, name: str, array: Array, dtype: ir.DataType) -> ir.Value:
        tensor = ir.Tensor(array, dtype=dtype, name=name)
        value = ir.Value(name=name, shape=ir.Shape(array.shape), type=ir.TensorType(dtype), const_value=tensor)
        self.initializers.append(value)
        return value

    def cast(self, value: ir.Value, dtype: ir.DataType) -> ir.Value:
        """Return `value` in another dtype."""
        if value.dtype == dtype:
            return value
        cast = self.op("Cast", value, dtype=dtype, to=int(dtype))
        cast.shape = value.shape
        return cast

    def scalar(self, value: Scalar, dtype: ir.DataType) -> ir.Value:
        """Return a number as a value of `dtype`."""
        return self.cast(value, dtype) if isinstance(value, ir.Value) else self.constant(value, dtype)

    def sizes(self, sizes: Sequence[Size]) -> ir.Value:
        """Return a list of sizes as a 1-D tensor."""
        constants = [size for size in sizes if not isinstance(size, ir.Value)]
        if len(constants) == len(sizes):
            return self.constant(constants)
        parts = [
            self.op("Reshape", size, self.constant([1])) if isinstance(size, ir.Value) else self.constant([size])
            for size in sizes
        ]
        return self.op("Concat", *parts, axis=0) if len(parts) > 1 else parts[0]

    def reshape(self, value: ir.Value, shape: Sequence[int | None]) -> ir.Value | None:
        """Return `value` in another shape; None where more than one size is unknown."""
        if list(shape).count(None) > 1 or (None in shape and 0 in shape):
            return None
        source = self.sources.get(value, value)
        if None not in shape and known_shape(source) == tuple(shape):
            return source
        target = [-1 if size is None else size for size in shape]
        reshaped = self.op("Reshape", source, self.constant(target), shape=shape, allowzero=int(0 in target))
        self.sources[reshaped] = source
        return reshaped

    def size(self, value: ir.Value, axis: int) -> ir.Value:
        """Return a size of `value` as a host scalar."""
        assert value.shape is not None
        axis %= len(value.shape)
        known = value.shape[axis]
        if isinstance(known, int):
            return self.constant(known)
        listed = self.op("Shape", value, dtype=INT64, shape=[1], start=axis, end=axis + 1)
        size = self.reshape(listed, ())
        assert size is not None
        return size

    def array(self, value: ir.Value) -> Array | None:
        """Return a value's content where it is a constant or a weight."""
        return None if value.const_value is None else value.const_value.numpy()


def known_shape(value: ir.Value) -> tuple[int, ...] | None:
    """Return a value's sizes, where all of them are known."""
    if value.shape is None:
        return None
    sizes = tuple(size for size in value.shape if isinstance(size, int))
    return sizes if len(sizes) == len(value.shape) else None


def rank(value: ir.Value) -> int:
    assert value.shape is not None
    return len(value.shape)


def set_type(value: ir.Value, type: Type) -> None:
    value.dtype = type.dtype
    value.shape = ir.Shape(type.shape)


def element_count(shape: Sequence[int]) -> int:
    return math.prod(shape)
