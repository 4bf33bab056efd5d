"""What of exported programs is refused: the message, the node's place in the source, and the way out."""

import logging
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.export import Dim

from dycl.compiler import import_program
from dycl.errors import DyclError, UsageError
from dycl.frontends.exported import load_exported
from tests.frontend.exporting import export, refuse

X = torch.ones(2, 3)


def module(forward, **attributes):
    made = type("Program", (nn.Module,), {"forward": forward})()
    for name, value in attributes.items():
        if isinstance(value, torch.Tensor):
            made.register_buffer(name, value)
        else:
            setattr(made, name, value)
    return made


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        self.calls.add_(1)
        return x * self.calls


def test_a_buffer_that_is_written():
    text = refuse(export(Counts(), (X,)), "a program that writes to `calls`", at="self.calls.add_(1)")
    assert "pass it in again as an input" in text


class WritesInput(nn.Module):
    def forward(self, x):
        x.mul_(2)
        return x + 1


def test_an_input_that_is_written():
    refuse(export(WritesInput(), (X,)), "a program that writes to `x`", at="x.mul_(2)")


class Trains(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(3)
        self.drop = nn.Dropout()

    def forward(self, x):
        return self.drop(self.norm(x))


def test_a_normalisation_in_training_mode():
    exported = torch.export.export(Trains(), (X,))
    text = refuse(exported, "a normalisation in training mode", at="self.drop(self.norm(x))")
    assert "call `.eval()` on the model before exporting it" in text


def test_dropout_in_training_mode_and_random_operations():
    training = Trains()
    training.norm.eval()
    refuse(torch.export.export(training, (X,)), "the random operation `dropout`", at="self.drop(self.norm(x))")


class Random(nn.Module):
    def forward(self, x):
        return torch.cond(x.sum() > 0, lambda a: a + torch.rand_like(a), lambda a: a.sin(), (x,))


def test_a_random_operation_in_a_branch_is_placed_at_the_branch():
    text = refuse(export(Random(), (X,)), "the random operation `rand_like`", at="torch.cond(x.sum() > 0")
    assert "pass the random tensor in as an input" in text


class Strided(nn.Module):
    def forward(self, x):
        return x.as_strided((2, 2), (1, 2))


def test_what_depends_on_memory():
    refuse(export(Strided(), (X,)), "`as_strided`", at="x.as_strided((2, 2), (1, 2))")


@torch.library.custom_op("dycl_tests::twice", mutates_args=())
def twice(x: torch.Tensor) -> torch.Tensor:
    return x * 2


@twice.register_fake
def _(x: torch.Tensor) -> torch.Tensor:
    return torch.empty_like(x)


class Custom(nn.Module):
    def forward(self, x):
        return twice(x) + 1


def test_a_custom_operator():
    text = refuse(export(Custom(), (X,)), "the operator `dycl_tests.twice.default`", at="return twice(x) + 1")
    assert "node `twice` of the exported graph" in text


class Associative(nn.Module):
    def forward(self, x):
        from torch._higher_order_ops.associative_scan import associative_scan

        return associative_scan(lambda a, b: a + b, x, 0, combine_mode="generic")


def test_another_higher_order_operator_names_those_that_are_taken():
    graph = export(Associative(), (X,))
    if any("associative_scan" in node.name for node in graph.graph.nodes):
        assert "while_loop" in refuse(graph, "the higher-order operator `associative_scan`", at="associative_scan(")


class Scaled(nn.Module):
    def forward(self, x, k):
        return x * k


def test_an_input_that_is_a_number_known_only_at_run_time():
    exported = export(Scaled(), (X, 3), dynamic_shapes={"x": None, "k": Dim.DYNAMIC})
    assert "as a tensor" in refuse(exported, "the input `k`, a number known only at run time")


class Complex(nn.Module):
    def forward(self, x):
        return torch.fft.fft(x).abs()


def test_complex_numbers():
    refuse(
        export(Complex(), (X,)), r"gives a tensor of complex numbers \(torch.complex64\)", at="torch.fft.fft(x).abs()"
    )


def test_weights_without_values():
    with torch.device("meta"):
        linear = nn.Linear(3, 3)
    exported = torch.export.export(linear, (torch.empty(2, 3, device="meta"),))
    refuse(exported, "a weight without values")


def test_example_inputs_for_an_exported_program():
    with pytest.raises(UsageError, match="states its own inputs"):
        import_program(export(Custom(), (X,)), (X,))  # pyright: ignore[reportCallIssue, reportArgumentType]: what is tested
    with pytest.raises(UsageError, match="say what the module takes"):
        import_program(Custom())  # pyright: ignore[reportCallIssue, reportArgumentType]: what is tested


def test_files_that_are_no_exported_programs(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    path = tmp_path / "model.pt2"
    with pytest.raises(UsageError, match=r"no file .*model\.pt2"):
        load_exported(path)
    path.write_bytes(b"no zip")
    with pytest.raises(DyclError, match=r"model\.pt2 is not a whole \.pt2 file"):
        load_exported(path)
    torch.save({"weight": X}, path)
    with pytest.raises(DyclError, match=r"model\.pt2 holds no exported program: .*torch\.export\.save"):
        load_exported(path)
    torch.export.save(export(Scaled(), (X, 2)), path)
    assert load_exported(path)
    whole = path.read_bytes()
    for part in (len(whole) // 3, len(whole) - 1000, len(whole) - 10):
        path.write_bytes(whole[:part])
        with pytest.raises(DyclError, match=r"model\.pt2 is not a whole \.pt2 file|model\.pt2 .* it is damaged"):
            load_exported(path)
    assert b'"aten' in whole or b"torch.ops.aten" in whole
    path.write_bytes(whole.replace(b"torch.ops.aten.mul.Tensor", b"torch.ops.aten.mul.Tenser"))
    with pytest.raises(DyclError, match=r"model\.pt2 is damaged: its part .*model\.json has changed"):
        load_exported(path)
    with caplog.at_level(logging.WARNING):
        rewritten(path, whole, b"torch.ops.aten.mul.Tensor", b"torch.ops.aten.mul.Tenser")
        with pytest.raises(DyclError, match=r"torch cannot load .*model\.pt2: \w+: .*it may be damaged, or saved by"):
            load_exported(path)


def rewritten(path: Path, whole: bytes, old: bytes, new: bytes) -> None:
    """Write the archive with other contents, and with checksums that hold."""
    import io
    import zipfile

    with zipfile.ZipFile(io.BytesIO(whole)) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            target.writestr(name, source.read(name).replace(old, new))
