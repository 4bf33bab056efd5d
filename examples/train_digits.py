"""Train the programs on handwritten digits and write their checkpoints and the test set: `python train_digits.py`.

Needs scikit-learn, and takes about 80 seconds of one core. Thresholds are chosen on images held out from training; the
test set is used for nothing but the figures that are printed.
"""

# scikit-learn is no dependency of the project, and has no types.
# pyright: basic, reportMissingImports=false, reportIndexIssue=false

import time
from collections.abc import Callable

import numpy as np
import torch
from digits import CHECKPOINTS, load_test_set, save_checkpoint
from digits_branchynet import DigitsBranchyNet, entropy
from digits_skipnet import DigitsSkipNet
from torch import Tensor, nn
from torch.nn import functional as F

EPOCHS = {"BranchyNet": 50, "SkipNet": 80}
GATE_RATE = 0.6
"""Of SkipNet: the share of images that a block shall run for."""
ACCURACY_DROP = 0.002
"""Of BranchyNet: how much of the accuracy on held-out images a branch may cost."""


def split_digits() -> tuple[Tensor, ...]:
    """Write the test set; return images and labels for training, and those to choose thresholds on."""
    from sklearn.datasets import load_digits

    images, labels = map(np.asarray, load_digits(return_X_y=True))
    order = np.random.default_rng(0).permutation(len(images))
    x = (images[order] / 8 - 1).astype(np.float32).reshape(-1, 1, 8, 8)
    y = labels[order].astype(np.int64)
    np.savez_compressed(CHECKPOINTS / "digits_test.npz", x=x[:540], label=y[:540])
    held, trained = slice(540, 790), slice(790, None)
    return tuple(map(torch.from_numpy, (x[trained], y[trained], x[held], y[held])))


def shifted(x: Tensor) -> Tensor:
    """Images moved by up to a pixel each way."""
    padded = F.pad(x, (1, 1, 1, 1), value=-1)
    top, left = torch.randint(3, (2,)).tolist()
    return padded[:, :, top : top + 8, left : left + 8]


def cross_entropy(logits: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(logits, y, label_smoothing=0.1)


def train(model: nn.Module, loss_of: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor, epochs: int) -> None:
    model.requires_grad_(True).train()
    batch = 64
    steps = epochs * (len(x) // batch)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=6e-3, total_steps=steps)
    for _ in range(epochs):
        order = torch.randperm(len(x))
        for chosen in order[: len(x) // batch * batch].view(-1, batch):
            optimizer.zero_grad()
            loss_of(shifted(x[chosen]), y[chosen]).backward()
            optimizer.step()
            schedule.step()
    model.requires_grad_(False).eval()


def all_branches(model: DigitsBranchyNet, x: Tensor) -> list[Tensor]:
    logits = []
    for stage, branch in zip(model.stages, model.branches, strict=True):
        x = stage(x)
        logits.append(branch(x))
    return logits


def choose_thresholds(model: DigitsBranchyNet, x: Tensor, y: Tensor) -> None:
    """Per branch, exit as often as it can while accuracy on the images that reach it stays what the trunk gives."""
    branches = all_branches(model, x)
    running = torch.ones(len(x), dtype=torch.bool)
    for i, logits in enumerate(branches[:-1]):
        entropies = entropy(logits)
        right, trunk_right = logits.argmax(dim=1) == y, branches[-1].argmax(dim=1) == y
        for threshold in torch.linspace(0.8, 0.01, 80).tolist():
            leaving = running & (entropies < threshold)
            if int((trunk_right & leaving).sum() - (right & leaving).sum()) <= ACCURACY_DROP * len(x):
                break
        model.thresholds[i] = threshold
        running = running & (entropies >= threshold)


def train_branchynet(x: Tensor, y: Tensor, x_held: Tensor, y_held: Tensor) -> None:
    torch.manual_seed(0)
    model = DigitsBranchyNet(trained=False)

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        return torch.stack([cross_entropy(logits, y) for logits in all_branches(model, x)]).sum()

    train(model, loss_of, x, y, EPOCHS["BranchyNet"])
    choose_thresholds(model, x_held, y_held)
    save_checkpoint(model, "digits_branchynet", thresholds=model.thresholds)

    images, labels = load_test_set()
    outputs = [model(image[None]) for image in images]
    exits = np.bincount([exit for _, exit in outputs], minlength=3) / len(images)
    print(f"  accuracy by branch: {[round(accuracy(logits, labels), 4) for logits in all_branches(model, images)]}")
    print(f"  accuracy with exits: {accuracy(torch.cat([logits for logits, _ in outputs]), labels):.4f}")
    print(f"  thresholds: {model.thresholds}, share of images per exit: {exits.round(3).tolist()}")


def with_all_blocks(model: DigitsSkipNet, x: Tensor) -> tuple[Tensor, Tensor]:
    """The forward of SkipNet for a batch in which each image has its own gates: logits and masks f32[blocks, n]."""
    x = model.relu(model.bn1(model.conv1(x)))
    masks = []
    for g in range(3):
        for i in range(model.num_layers[g]):
            gate = getattr(model, f"group{g + 1}_gate{i}")(x)
            masks.append(gate.flatten())
            skipped = (getattr(model, f"group{g + 1}_ds{i}") or nn.Identity())(x)
            x = gate * getattr(model, f"group{g + 1}_layer{i}")(x) + (1 - gate) * skipped
    return model.fc(model.avgpool(x).flatten(1)), torch.stack(masks)


def train_skipnet(x: Tensor, y: Tensor) -> None:
    torch.manual_seed(0)
    model = DigitsSkipNet(trained=False)

    def loss_of(x: Tensor, y: Tensor) -> Tensor:
        logits, masks = with_all_blocks(model, x)
        # A target for each gate, as in Veit and Belongie, "Convolutional Networks with Adaptive Inference Graphs", ECCV
        # 2018: SkipNet's loss, the mean of the masks alone, soon has each gate decide the same for all images.
        return cross_entropy(logits, y) + ((masks.mean(dim=1) - GATE_RATE) ** 2).mean() * 3

    train(model, loss_of, x, y, EPOCHS["SkipNet"])
    save_checkpoint(model, "digits_skipnet")

    images, labels = load_test_set()
    outputs = [model(image[None]) for image in images]
    ran = torch.stack([torch.stack(masks) for _, masks in outputs]).mean(dim=0)
    print(f"  accuracy: {accuracy(torch.cat([logits for logits, _ in outputs]), labels):.4f}")
    print(f"  share of images per block: {[round(share, 3) for share in ran.tolist()]}")


def accuracy(logits: Tensor, labels: Tensor) -> float:
    return float((logits.argmax(dim=1) == labels).float().mean())


def main() -> None:
    torch.set_num_threads(1)  # the networks are too small to gain by more
    start = time.perf_counter()
    x, y, x_held, y_held = split_digits()
    print("BranchyNet")
    train_branchynet(x, y, x_held, y_held)
    print("SkipNet")
    train_skipnet(x, y)
    print(f"{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
