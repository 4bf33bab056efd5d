"""Data sets: a .npz file with the samples of each input, and with their labels as `label` where they have any."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from dycl.cli.run import named_outputs, read_inputs
from dycl.errors import UsageError
from dycl.runtime.inputs import InputBinder

if TYPE_CHECKING:
    from dycl.runtime.signature import Input, Signature

LABEL = "label"


@dataclass
class Data:
    """Samples by input name, and the label of each; no labels where the file has none."""

    samples: list[Mapping[str, Any]]
    labels: np.ndarray | None = None


def read_data(path: str, signature: "Signature", limit: int | None = None) -> Data:
    """Read the first `limit` samples of a file; without a limit, all.

    An input's array has the samples on its first axis, then the input's own; all samples of a file so have one value
    of a size with a name. Where the input is a batch of one, its own first axis may be left out.

    Raises:
        UsageError: an input is missing or of another shape or dtype, or the arrays have different numbers of samples
    """
    names = [input.name for input in signature.inputs]
    arrays = read_inputs([path], names)
    if missing := [name for name in names if name not in arrays]:
        raise UsageError(f"{path} lacks the input {', '.join(missing)}")
    samples = {input.name: _samples(path, arrays[input.name], input) for input in signature.inputs}
    labels = arrays.get(LABEL) if LABEL not in names else None
    counts = {len(array) for array in samples.values()} | (
        {len(np.atleast_1d(labels))} if labels is not None else set()
    )
    if len(counts) != 1:
        held = "inputs" if labels is None else "inputs and labels"
        raise UsageError(f"the {held} in {path} have different numbers of samples: {sorted(counts)}")
    if labels is not None and labels.dtype.kind not in "iu":
        raise UsageError(f"{path}: {LABEL} must be integers, the classes, not {labels.dtype}")
    count = min(counts.pop(), limit) if limit is not None else counts.pop()
    if not count:
        raise UsageError(f"{path} holds no samples")
    found: list[Mapping[str, Any]] = [{name: array[index] for name, array in samples.items()} for index in range(count)]
    try:
        # All samples have the shapes and dtypes of the first.
        InputBinder(signature).bind([], found[0])
    except (TypeError, ValueError) as error:
        raise UsageError(f"{path}: {error}") from error
    return Data(found, None if labels is None else labels[:count])


def _samples(path: str, array: np.ndarray, input: "Input") -> np.ndarray:
    samples = array[:, None] if array.ndim == len(input.shape) and input.shape[:1] == (1,) else array
    if samples.ndim != 1 + len(input.shape) or any(
        isinstance(wanted, int) and size != wanted for size, wanted in zip(samples.shape[1:], input.shape, strict=True)
    ):
        raise UsageError(
            f"{path}: {input.name} must be [samples, {', '.join(map(str, input.shape))}], not {list(array.shape)}"
        )
    return samples


def answer(output: Any) -> np.ndarray:
    """Return the classes i64[n] that an output stands for.

    They are the largest along the last axis of the first tensor of floats that has several there, or else the first
    integers.

    Raises:
        UsageError: the output has neither
    """
    leaves = [np.asarray(leaf) for leaf in named_outputs(output).values()]
    for leaf in leaves:
        if leaf.dtype.kind == "f" and leaf.ndim and leaf.shape[-1] > 1:
            return leaf.argmax(axis=-1).reshape(-1)
    for leaf in leaves:
        if leaf.dtype.kind in "iu":
            return leaf.reshape(-1)
    raise UsageError("cannot tell the model's answer: no output is logits or an integer; leave the labels out")
