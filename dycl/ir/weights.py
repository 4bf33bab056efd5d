"""The weights of a program, by key, outside the IR.

A weight's bytes lie in memory, or in a safetensors file that is mapped: opening a file of any size takes about a
millisecond, and a page is read when a weight on it is used. Nothing here changes a weight once it is there.
"""

import hashlib
import json
import math
import mmap
import os
import secrets
import struct
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dycl.errors import DyclError, UsageError
from dycl.runtime.signature import ARRAY_DTYPES

if TYPE_CHECKING:
    import numpy as np
    import torch

_FILE_DTYPES = {
    "bool": "BOOL",
    "u8": "U8",
    "i8": "I8",
    "i16": "I16",
    "i32": "I32",
    "i64": "I64",
    "f16": "F16",
    "bf16": "BF16",
    "f32": "F32",
    "f64": "F64",
}
_DTYPE_OF_FILE = {name: dtype for dtype, name in _FILE_DTYPES.items()}
_DTYPE_OF_ARRAY = {name: dtype for dtype, name in ARRAY_DTYPES.items()}

ITEM_BYTES = {"bool": 1, "u8": 1, "i8": 1, "i16": 2, "i32": 4, "i64": 8, "f16": 2, "bf16": 2, "f32": 4, "f64": 8}
"""Bytes of one element, by dtype."""


class MissingWeight(DyclError, KeyError):
    """A weight that a program names and its store lacks."""

    def __init__(self, key: str, store: Mapping[str, "Weight"]):
        known = f"it holds {len(store)} others" if store else "it is empty: give the program's weights with --weights"
        super().__init__(f"the weight store has no '{key}'; {known}")

    def __str__(self) -> str:
        return str(self.args[0])


class Weight:
    """A tensor's dtype (a name of `dycl.runtime.signature.DTYPES`), shape and bytes."""

    def __init__(self, dtype: str, shape: tuple[int, ...], data: "np.ndarray"):
        """`data` holds the elements in row-major order as one dimension of `uint8`."""
        self.dtype = dtype
        self.shape = shape
        self._data = data

    def __repr__(self) -> str:
        return f"Weight({self.dtype}[{', '.join(map(str, self.shape))}])"

    @property
    def nbytes(self) -> int:
        return self._data.nbytes

    @property
    def data(self) -> memoryview:
        """The elements' bytes, in row-major order."""
        return self._data.data.toreadonly()

    @cached_property
    def digest(self) -> str:
        """The sha256, in hex, of dtype, shape and bytes: equal for equal weights, whatever their keys."""
        digest = hashlib.sha256(f"{self.dtype}{list(self.shape)}".encode())
        digest.update(self.data)
        return digest.hexdigest()

    def numpy(self) -> "np.ndarray":
        """Return the weight as a read-only array over the same memory.

        Raises:
            DyclError: the dtype is bf16, which numpy lacks, and ml_dtypes is not installed
        """
        array = self._data.view(_numpy_dtype(self.dtype)).reshape(self.shape)
        array.flags.writeable = False
        return array

    def torch(self) -> "torch.Tensor":
        """Return the weight as a tensor, always the same one; it is not to be written to."""
        return self._tensor

    @cached_property
    def _tensor(self) -> "torch.Tensor":
        import torch

        dtype: torch.dtype = getattr(torch, ARRAY_DTYPES[self.dtype])
        # A tensor made in inference mode could not be used outside of it, and this one is kept.
        with torch.inference_mode(False):
            if not self._data.size:
                return torch.empty(self.shape, dtype=dtype)
            return torch.from_numpy(self._data).view(dtype).reshape(self.shape)

    def equals(self, other: "Weight") -> bool:
        """Whether dtype, shape and bytes are equal: two NaNs with equal bits are."""
        return (
            (self.dtype, self.shape) == (other.dtype, other.shape)
            and self._data.nbytes == other._data.nbytes
            and bool((self._data == other._data).all())
        )


class WeightStore(Mapping[str, Weight]):
    """Weights by key, in the order in which they were added."""

    def __init__(self) -> None:
        self._weights: dict[str, Weight] = {}
        self._next_suffix: dict[str, int] = {}

    def __getitem__(self, key: str) -> Weight:
        try:
            return self._weights[key]
        except KeyError:
            raise MissingWeight(key, self) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._weights)

    def __len__(self) -> int:
        return len(self._weights)

    def __contains__(self, key: object) -> bool:
        return key in self._weights

    def add(self, key: str, array: "torch.Tensor | np.ndarray") -> str:
        """Add a copy of `array` under `key`, and return the key; adding what is already there changes nothing.

        Raises:
            DyclError: another weight has the key, or the dtype is not one that a program may use
        """
        weight = _copy(array, key)
        present = self._weights.setdefault(key, weight)
        if present is not weight and not present.equals(weight):
            raise DyclError(f"weight {key!r} is added twice: first as {present}, then as another {weight}")
        return key

    def add_unique(self, prefix: str, array: "torch.Tensor | np.ndarray") -> str:
        """Add a copy of `array` under a new key, `prefix` or `prefix.N`, and return the key."""
        key, suffix = prefix, self._next_suffix.get(prefix, 1)
        while key in self._weights:
            key, suffix = f"{prefix}.{suffix}", suffix + 1
        self._next_suffix[prefix] = suffix
        self._weights[key] = _copy(array, key)
        return key

    @staticmethod
    def open(path: str | os.PathLike[str]) -> "WeightStore":
        """Open a safetensors file without reading its weights.

        Raises:
            UsageError: there is no such file
            DyclError: it is not a whole safetensors file, or has dtypes that a program may not use
        """
        store = WeightStore()
        store._weights = _map_file(Path(path))
        return store

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write a safetensors file: beside `path` first, then renamed, so that `path` is never half written.

        Raises:
            DyclError: the file cannot be written
        """
        target = Path(path)
        beside = target.with_name(f".{target.name}.{secrets.token_hex(8)}")
        try:
            try:
                with beside.open("xb") as file:
                    _write_file(self._weights, file)
                beside.replace(target)
            finally:
                beside.unlink(missing_ok=True)
        except OSError as error:
            raise DyclError(f"cannot write weights to {target}: {error.strerror}") from error


def _copy(array: "torch.Tensor | np.ndarray", key: str) -> Weight:
    import numpy as np

    if isinstance(array, np.ndarray):
        flat = np.ascontiguousarray(array).reshape(-1)
        data = flat.view(np.uint8).copy() if flat.size else np.empty(0, np.uint8)
        name = flat.dtype.name
    else:
        import torch

        tensor = array.detach().cpu().contiguous().reshape(-1)
        # torch's copy: numpy asks for huge pages, which a virtual machine may be slow to give.
        data = tensor.view(torch.uint8).clone().numpy() if tensor.numel() else np.empty(0, np.uint8)
        name = str(tensor.dtype).removeprefix("torch.")
    dtype = _DTYPE_OF_ARRAY.get(name)
    if dtype is None:
        raise DyclError(f"weight {key!r} has dtype {name}; a program takes {', '.join(ARRAY_DTYPES.values())}")
    return Weight(dtype, tuple(array.shape), data)


def _write_file(weights: Mapping[str, Weight], file: BinaryIO) -> None:
    """Write the safetensors format: the header's length, the header (JSON), the bytes of every weight."""
    # Larger elements first, so that each weight starts at a multiple of its element's size.
    order = sorted(weights.values(), key=lambda weight: -ITEM_BYTES[weight.dtype])
    ends = list(accumulate(weight.nbytes for weight in order))
    end_of = {id(weight): end for weight, end in zip(order, ends, strict=True)}
    entries = {
        key: {
            "dtype": _FILE_DTYPES[weight.dtype],
            "shape": list(weight.shape),
            "data_offsets": [end_of[id(weight)] - weight.nbytes, end_of[id(weight)]],
        }
        for key, weight in weights.items()
    }
    header = json.dumps(entries, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    file.write(struct.pack("<Q", len(header)) + header)
    for weight in order:
        file.write(weight.data)


def _map_file(path: Path) -> dict[str, Weight]:
    import numpy as np
    from safetensors import SafetensorError, safe_open

    try:
        # safe_open checks the header: JSON, dtypes, shapes, and offsets that fill the file without gap or overlap.
        with safe_open(str(path), framework="numpy"):
            pass
        with path.open("rb") as file:
            # Copy on write: torch takes only writable memory without a warning, and the file must not change.
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except FileNotFoundError as error:
        raise UsageError(f"no weights file {path}") from error
    except (SafetensorError, OSError, ValueError) as error:
        raise DyclError(f"{path} is not a whole safetensors file: {error}") from error
    (header_bytes,) = struct.unpack_from("<Q", data)
    header: dict[str, dict[str, object]] = json.loads(data[8 : 8 + header_bytes])
    base = 8 + header_bytes
    weights: dict[str, Weight] = {}
    for key, entry in header.items():
        match entry:
            case {"dtype": str(name), "shape": [*sizes], "data_offsets": [int(start), int(end)]}:
                dtype = _DTYPE_OF_FILE.get(name)
                if dtype is None:
                    raise DyclError(f"{path}: weight {key!r} has dtype {name}; known are {', '.join(_DTYPE_OF_FILE)}")
                shape = tuple(int(str(size)) for size in sizes)
                assert end - start == math.prod(shape) * ITEM_BYTES[dtype]
                view = np.frombuffer(data, np.uint8, end - start, base + start)
                # torch wants elements at multiples of their size, which other writers do not promise.
                weights[key] = Weight(dtype, shape, view if (base + start) % ITEM_BYTES[dtype] == 0 else view.copy())
            case _:
                continue
    return weights


def _numpy_dtype(dtype: str) -> "np.dtype":
    import numpy as np

    if dtype != "bf16":
        return np.dtype(ARRAY_DTYPES[dtype])
    try:
        from ml_dtypes import bfloat16
    except ImportError as error:
        raise DyclError("numpy has no bf16: install ml_dtypes, or take the weight as a torch tensor") from error
    return np.dtype(bfloat16)
