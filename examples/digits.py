"""What the programs trained on handwritten digits share: their checkpoints, which `train_digits.py` writes.

The data are the 1797 images of 8 x 8 pixels that ship with scikit-learn (Alpaydin and Kaynak, "Optical Recognition of
Handwritten Digits", UCI Machine Learning Repository, 1998). `checkpoints/digits_test.npz` holds the 540 images that no
training saw, `x` f32[540, 1, 8, 8] in [-1, 1], and their `label` i64[540].
"""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

CHECKPOINTS = Path(__file__).parent / "checkpoints"


def load_checkpoint(model: nn.Module, name: str) -> dict[str, Tensor]:
    """Load the weights of `model`; return what else `name`.npz holds."""
    with np.load(CHECKPOINTS / f"{name}.npz") as file:
        arrays = {key: torch.from_numpy(array) for key, array in file.items()}
    expected = model.state_dict().keys()
    model.load_state_dict({key: arrays.pop(key) for key in expected})
    return arrays


def save_checkpoint(model: nn.Module, name: str, **other: object) -> None:
    arrays = {key: value.numpy() for key, value in model.state_dict().items()}
    arrays |= {key: np.asarray(value) for key, value in other.items()}
    np.savez_compressed(CHECKPOINTS / f"{name}.npz", allow_pickle=False, **arrays)


def load_test_set() -> tuple[Tensor, Tensor]:
    """The images f32[540, 1, 8, 8] and labels i64[540] that no training saw."""
    with np.load(CHECKPOINTS / "digits_test.npz") as file:
        return torch.from_numpy(file["x"]), torch.from_numpy(file["label"])
