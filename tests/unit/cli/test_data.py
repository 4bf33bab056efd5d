"""Data sets: what a file may hold, and what is said of one that does not fit."""

from pathlib import Path

import numpy as np
import pytest
import torch

from dycl.cli.data import answer, read_data
from dycl.errors import UsageError
from dycl.runtime.signature import Input, Signature

ONE = Signature((Input("x", "f32", (1, 4)),))
TWO = Signature((Input("x", "f32", (1, 4)), Input("label", "i64", ())))


def saved(folder: Path, **arrays: object) -> str:
    path = folder / "data.npz"
    np.savez(path, **{name: np.asarray(array) for name, array in arrays.items()})
    return str(path)


def test_samples_are_on_the_first_axis(tmp_path: Path) -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 1, 4)
    data = read_data(saved(tmp_path, x=x, label=[2, 0, 1]), ONE)
    assert [sample["x"].tolist() for sample in data.samples] == x.tolist()
    assert data.labels is not None
    assert data.labels.tolist() == [2, 0, 1]


def test_a_batch_of_one_may_lack_its_own_axis(tmp_path: Path) -> None:
    x = np.arange(12, dtype=np.float32).reshape(3, 4)
    data = read_data(saved(tmp_path, x=x), ONE)
    assert [sample["x"].tolist() for sample in data.samples] == x[:, None].tolist()
    assert data.labels is None


def test_a_limit_takes_the_first(tmp_path: Path) -> None:
    data = read_data(saved(tmp_path, x=np.zeros((3, 4), np.float32), label=[2, 0, 1]), ONE, 2)
    assert len(data.samples) == 2
    assert data.labels is not None
    assert data.labels.tolist() == [2, 0]


def test_a_size_with_a_name_is_one_for_all_samples_and_within_its_bounds(tmp_path: Path) -> None:
    signature = Signature((Input("x", "f32", ("n", 4)), Input("y", "i64", ("n",))), {"n": (1, 3)})

    def read(n: int, m: int, kind: type = np.float32) -> list[tuple[int, ...]]:
        path = saved(tmp_path, x=np.zeros((2, n, 4), kind), y=np.zeros((2, m), np.int64))
        return [sample["x"].shape for sample in read_data(path, signature).samples]

    assert read(3, 3) == [(3, 4), (3, 4)]
    for sizes, message in (((5, 5), "1 <= n <= 3"), ((3, 2), "n is 3 by axis 0 of x")):
        with pytest.raises(UsageError, match=message):
            read(*sizes)
    with pytest.raises(UsageError, match="float64"):
        read(3, 3, np.float64)


def test_an_input_named_label_is_an_input(tmp_path: Path) -> None:
    data = read_data(saved(tmp_path, x=np.zeros((2, 4), np.float32), label=[5, 6]), TWO)
    assert [int(sample["label"]) for sample in data.samples] == [5, 6]
    assert data.labels is None


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"y": np.zeros((3, 4))}, "lacks the input x"),
        ({"x": np.zeros((3, 5))}, r"x must be \[samples, 1, 4\], not \[3, 5\]"),
        ({"x": np.zeros((3, 2, 4))}, r"x must be \[samples, 1, 4\], not \[3, 2, 4\]"),
        ({"x": np.zeros(4)}, r"x must be \[samples, 1, 4\], not \[4\]"),
        ({"x": np.zeros((3, 4)), "label": [0, 1]}, r"inputs and labels .* different numbers of samples: \[2, 3\]"),
        ({"x": np.zeros((3, 4)), "label": [0.5, 1, 2]}, "label must be integers, the classes, not float64"),
        ({"x": np.zeros((0, 4))}, "holds no samples"),
    ],
)
def test_data_that_do_not_fit_are_refused(tmp_path: Path, arrays: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        read_data(saved(tmp_path, **arrays), ONE)


@pytest.mark.parametrize(
    ("output", "classes"),
    [
        (np.array([[0.1, 0.9, 0.5], [2.0, 1.0, 0.0]]), [1, 0]),
        ((np.array([0.3]), {"logits": torch.tensor([[1.0, 3.0]])}, 7), [1]),
        (([5, 6], None), [5]),
        ((torch.tensor([4, 2]), torch.tensor(0.5)), [4, 2]),
    ],
    ids=["logits", "nested logits behind a float", "first integer", "integers"],
)
def test_the_answer_is_the_largest_logit_or_else_the_first_integers(output: object, classes: list[int]) -> None:
    assert answer(output).tolist() == classes


def test_an_output_without_an_answer_is_refused() -> None:
    with pytest.raises(UsageError, match="no output is logits or an integer"):
        answer((np.array([0.5]), "none", True))
