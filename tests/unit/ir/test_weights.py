"""The weight store: what goes in comes out, from memory and from a mapped file."""

import json
import stat
import struct

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from dycl.errors import DyclError, UsageError
from dycl.ir.weights import ITEM_BYTES, WeightStore
from dycl.runtime.signature import DTYPES

TORCH_DTYPES = {
    "bool": torch.bool,
    "u8": torch.uint8,
    "i8": torch.int8,
    "i16": torch.int16,
    "i32": torch.int32,
    "i64": torch.int64,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "f32": torch.float32,
    "f64": torch.float64,
}


def tensor_of(dtype):
    return torch.tensor([[0.0, 1.0, 100.0], [3.0, 0.0, 5.5]]).to(TORCH_DTYPES[dtype])


@pytest.fixture
def store():
    store = WeightStore()
    for dtype in DTYPES:
        store.add(f"weight.{dtype}", tensor_of(dtype))
    store.add("scalar", torch.tensor(2.5))
    store.add("empty", torch.empty(0, 3))
    return store


def reopened(store, tmp_path):
    store.save(tmp_path / "weights.safetensors")
    return WeightStore.open(tmp_path / "weights.safetensors")


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_every_dtype(store, tmp_path, dtype, mapped):
    weight = (reopened(store, tmp_path) if mapped else store)[f"weight.{dtype}"]
    assert (weight.dtype, weight.shape, weight.nbytes) == (dtype, (2, 3), 6 * ITEM_BYTES[dtype])
    assert weight.torch().dtype == TORCH_DTYPES[dtype]
    assert torch.equal(weight.torch(), tensor_of(dtype))
    array = weight.numpy()
    assert array.shape == (2, 3)
    assert array.astype(np.float32).tolist() == tensor_of(dtype).float().tolist()


def test_scalars_and_empty_weights(store, tmp_path):
    for candidate in (store, reopened(store, tmp_path)):
        assert candidate["scalar"].torch().item() == 2.5 and candidate["scalar"].shape == ()
        assert candidate["empty"].torch().shape == (0, 3) and candidate["empty"].numpy().shape == (0, 3)


def test_a_mapping_in_order(store, tmp_path):
    again = reopened(store, tmp_path)
    assert list(again) == list(store) and len(again) == len(store) == 12
    assert "scalar" in again and "nothing" not in again and 3 not in again
    with pytest.raises(KeyError):
        again["nothing"]


def test_other_programs_read_the_file(store, tmp_path):
    store.save(tmp_path / "w.safetensors")
    found = load_file(tmp_path / "w.safetensors")
    assert found.keys() == set(store)
    assert all(torch.equal(found[key], store[key].torch()) for key in store)


def test_files_of_other_programs_are_read(tmp_path):
    tensors = {"a": torch.arange(5, dtype=torch.uint8), "b": torch.randn(3), "c": torch.randn(2, dtype=torch.float64)}
    save_file(tensors, tmp_path / "w.safetensors", metadata={"format": "pt"})
    store = WeightStore.open(tmp_path / "w.safetensors")
    assert all(torch.equal(store[key].torch(), value) for key, value in tensors.items())
    assert len(store) == 3


def test_elements_at_odd_offsets(tmp_path):
    header = json.dumps(
        {
            "a": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]},
            "b": {"dtype": "F32", "shape": [2], "data_offsets": [1, 9]},
        }
    ).encode()
    header += b" " * (-len(header) % 8)
    path = tmp_path / "odd.safetensors"
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\7" + struct.pack("<ff", 1.5, -2.0))
    assert WeightStore.open(path)["b"].torch().tolist() == [1.5, -2.0]


def test_digests_tell_content_dtype_and_shape_apart(store, tmp_path):
    again = reopened(store, tmp_path)
    assert all(store[key].digest == again[key].digest for key in store)
    others = WeightStore()
    for key, array in {
        "zeros": np.zeros((2, 3), np.float32),
        "same": np.zeros((2, 3), np.float32),
        "turned": np.zeros((3, 2), np.float32),
        "integers": np.zeros((2, 3), np.int32),
        "one": np.eye(2, 3, dtype=np.float32),
    }.items():
        others.add(key, array)
    assert others["zeros"].digest == others["same"].digest
    assert len({others[key].digest for key in others}) == 4


def test_strided_tensors_and_parameters_are_copied_in_row_major_order():
    store = WeightStore()
    base = torch.arange(6.0).reshape(2, 3)
    store.add("t", base.T)
    store.add("p", torch.nn.Parameter(base))
    store.add("n", np.arange(6.0).reshape(2, 3).T)
    base.zero_()
    assert store["t"].torch().tolist() == store["n"].numpy().tolist() == [[0, 3], [1, 4], [2, 5]]
    assert store["p"].torch().tolist() == [[0, 1, 2], [3, 4, 5]]
    assert not store["p"].torch().requires_grad


def test_a_key_has_one_weight():
    store = WeightStore()
    assert store.add("w", torch.ones(2)) == "w"
    assert store.add("w", np.ones(2, np.float32)) == "w"
    with pytest.raises(DyclError, match="weight 'w' is added twice"):
        store.add("w", torch.zeros(2))
    with pytest.raises(DyclError, match="weight 'w' is added twice"):
        store.add("w", torch.ones(2, dtype=torch.float64))
    assert store["w"].torch().tolist() == [1.0, 1.0]


def test_equal_nans_are_equal():
    store = WeightStore()
    store.add("w", torch.tensor([torch.nan]))
    store.add("w", torch.tensor([torch.nan]))


def test_new_keys():
    store = WeightStore()
    store.add("constant.1", torch.zeros(1))
    keys = [store.add_unique("constant", torch.full((1,), float(value))) for value in range(3)]
    assert keys == ["constant", "constant.2", "constant.3"]
    assert [store[key].torch().item() for key in keys] == [0.0, 1.0, 2.0]


def test_numpy_views_cannot_change_a_weight():
    store = WeightStore()
    store.add("w", torch.ones(2))
    with pytest.raises(ValueError, match="read-only"):
        store["w"].numpy()[0] = 5.0
    with pytest.raises(TypeError):
        store["w"].data[0] = 1


def test_writing_to_a_mapped_tensor_leaves_the_file_alone(store, tmp_path):
    again = reopened(store, tmp_path)
    again["scalar"].torch().fill_(-1.0)
    assert WeightStore.open(tmp_path / "weights.safetensors")["scalar"].torch().item() == 2.5


def test_a_store_can_be_saved_over_its_own_file(store, tmp_path):
    again = reopened(store, tmp_path)
    again.add("more", torch.ones(3))
    again.save(tmp_path / "weights.safetensors")
    found = WeightStore.open(tmp_path / "weights.safetensors")
    assert list(found) == [*store, "more"]
    assert torch.equal(found["weight.f32"].torch(), tensor_of("f32"))
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]


def test_the_file_is_readable_by_others(store, tmp_path):
    store.save(tmp_path / "w")
    (tmp_path / "plain").touch()
    assert stat.S_IMODE((tmp_path / "w").stat().st_mode) == stat.S_IMODE((tmp_path / "plain").stat().st_mode)


def test_an_unwritable_path_leaves_nothing_behind(store, tmp_path):
    with pytest.raises(DyclError, match=r"cannot write weights to .*: No such file"):
        store.save(tmp_path / "missing" / "w")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DyclError, match=r"cannot write weights to .*: Is a directory"):
        store.save(tmp_path / "folder")
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_unknown_dtypes_are_refused(tmp_path):
    with pytest.raises(DyclError, match="weight 'w' has dtype complex64"):
        WeightStore().add("w", torch.zeros(1, dtype=torch.complex64))
    with pytest.raises(DyclError, match="weight 'w' has dtype str"):
        WeightStore().add("w", np.array(["a"]))
    save_file({"w": torch.zeros(1, dtype=torch.uint16)}, tmp_path / "w.safetensors")
    with pytest.raises(DyclError, match="weight 'w' has dtype U16"):
        WeightStore.open(tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:4],
        lambda content: content[:20],
        lambda content: content[:-1],
        lambda content: content + b"x",
        lambda content: b"\xff" * len(content),
        lambda content: content.replace(b"F32", b"F64", 1),
        lambda content: content.replace(b"[2,3]", b"[2,4]", 1),
    ],
)
def test_a_damaged_file_is_refused(store, tmp_path, damage):
    store.save(tmp_path / "w")
    (tmp_path / "damaged").write_bytes(damage((tmp_path / "w").read_bytes()))
    with pytest.raises(DyclError, match="damaged is not a whole safetensors file"):
        WeightStore.open(tmp_path / "damaged")


def test_a_missing_file(tmp_path):
    with pytest.raises(UsageError, match=r"no weights file .*nothing"):
        WeightStore.open(tmp_path / "nothing")


def test_an_empty_store(tmp_path):
    assert len(reopened(WeightStore(), tmp_path)) == 0
