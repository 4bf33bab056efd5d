"""What is refused: the line, the carets, the reason, the way out."""

# ruff: noqa: RET504
# The programs are as people write them.

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dycl.errors import UsageError
from dycl.frontends.signature import parse_signature
from dycl.frontends.torch import import_module, signature_of
from tests.frontend.capturing import NEG, POS, capture, program, refuse


def test_numpy_of_a_traced_tensor():
    def forward(self, x):
        y = x.detach().numpy()
        return x + y.std()

    text = refuse(forward, POS, r"`\.std` of a numpy array of a traced tensor", "y.std")
    assert "because its content exists only when the compiled program runs" in text
    assert "instead: use the torch operation" in text


def test_numpy_functions_on_traced_tensors():
    def forward(self, x):
        return x * np.tanh(x)

    refuse(forward, POS, "a traced tensor reaches `tanh`|a traced tensor reaches", "np.tanh(x)")


def test_random_numbers():
    def rand(self, x):
        return x + torch.rand(3)

    def bernoulli(self, x):
        return torch.bernoulli(x)

    def seeded(self, x):
        torch.manual_seed(0)
        return x

    refuse(rand, POS, "the random operation `rand`", "torch.rand(3)")
    refuse(bernoulli, POS, "the random operation `bernoulli`", "torch.bernoulli(x)")
    refuse(seeded, POS, "random numbers in a forward", "torch.manual_seed(0)")


def test_training_mode():
    def forward(self, x):
        return self.layer(x)

    dropout = program(forward, layer=nn.Dropout()).train()
    norm = program(forward, layer=nn.BatchNorm1d(3)).train()
    assert "call `.eval()`" in refuse(dropout, POS, "dropout in training mode", "self.layer(x)")
    assert "call `.eval()`" in refuse(
        norm, (torch.cat([POS, NEG]),), "a normalisation in training mode", "self.layer(x)"
    )

    text = refuse(
        nn.MultiheadAttention(2, 1, dropout=0.5), (torch.zeros(1, 1, 2),) * 3, "dropout", "MultiheadAttention()"
    )
    assert "instead: call `.eval()`" in text


def test_dropout_that_evaluation_mode_does_not_turn_off():
    def functional(self, x):
        return F.dropout(x, 0.5)

    text = refuse(functional, POS, "dropout in training mode", "F.dropout(x, 0.5)")
    assert "instead: pass `training`, as in `F.dropout(x, training=self.training)`" in text

    def channels(self, x):
        return F.dropout2d(x[None, ..., None])

    text = refuse(channels, POS, "dropout in training mode", "F.dropout2d(x[None, ..., None])")
    assert "`F.dropout2d(x, training=self.training)`" in text

    def attention(self, x):
        return F.scaled_dot_product_attention(x, x, x, dropout_p=self.p)

    at = "F.scaled_dot_product_attention(x, x, x, dropout_p=self.p)"
    text = refuse(attention, POS, "dropout in `scaled_dot_product_attention`", at, p=0.5)
    assert "instead: pass `dropout_p=p if self.training else 0.0`" in text
    capture(program(attention, p=0.0), POS)


def test_dropout_between_layers_of_a_recurrent_network():
    def forward(self, x):
        return self.layer(x)[0]

    for kind in (nn.LSTM, nn.GRU, nn.RNN):
        module = program(forward, layer=kind(3, 3, num_layers=2, dropout=0.5))
        capture(module, POS)
        refuse(module.train(), POS, "dropout in `(lstm|gru|rnn_tanh)`", "self.layer(x)")


def test_complex_numbers():
    def spectrum(self, x):
        return torch.fft.rfft(x).abs()

    text = refuse(spectrum, POS, "which gives a tensor of complex numbers", "torch.fft.rfft(x)")
    assert "because a program has no complex numbers" in text
    assert "instead: compute with the real and the imaginary part as two real tensors" in text

    def rotated(self, x):
        return torch.view_as_real(self.table[0]) * x[0, :2]

    table = torch.polar(torch.ones(3), torch.ones(3))
    refuse(rotated, POS, "a tensor that the model holds, of complex numbers", "self.table[0]", table=table)

    def number(self, x):
        return (x * 1j).real

    refuse(number, POS, "`mul`, which gives a tensor of complex numbers", "x * 1j")


def test_other_dtypes_that_a_program_cannot_hold():
    def forward(self, x):
        return x.to(torch.uint16)

    text = refuse(forward, POS, "`to`, which gives a tensor of torch.uint16", "x.to(torch.uint16)")
    assert "it takes bool, uint8, int8" in text


def test_torch_s_own_forwards_are_shown_by_the_parts_of_the_model():
    layers = nn.Sequential(nn.Linear(3, 4), nn.Sequential(nn.ReLU(), nn.Linear(5, 4)))
    line = "(1.1): Linear(in_features=5, out_features=4, bias=True)"
    text = refuse(layers.eval(), POS, "the model raised RuntimeError", line)
    assert text.startswith("<Sequential>:5: ")

    class Block(nn.Module):
        def forward(self, x):
            return x @ x

    text = refuse(nn.Sequential(nn.ReLU(), Block()).eval(), POS, "the model raised RuntimeError", "x @ x")
    assert text.splitlines()[-1] == "  called from <Sequential>:3"
    refuse(nn.Linear(4, 4).eval(), POS, "RuntimeError", "Linear(in_features=4, out_features=4, bias=True)")


def test_hooks():
    def forward(self, x):
        return self.layer(x)

    layer = nn.Linear(3, 3)
    layer.register_forward_hook(lambda *args: None)
    refuse(forward, POS, "a Linear with hooks", "self.layer(x)", layer=layer)


def test_expressions_without_meaning():
    async def coroutine(x):
        return x

    def calls(self, x):
        return coroutine(x)

    refuse(calls, POS, "a call of the async function `coroutine`", "coroutine(x)")


def test_unsupported_operators():
    def forward(self, x):
        return torch.ops.prims.sin(x) if False else torch.fft.fft(x).real

    refuse(forward, POS, "complex|torch.complex64", "torch.fft.fft(x)")


def test_membership_of_tensors():
    def forward(self, x):
        if x[0, 0] in [1.0, 2.0]:
            return x
        return -x

    refuse(forward, POS, "`in` with a tensor", "x[0, 0] in [1.0, 2.0]")


def test_lists_of_tensors_are_not_searched():
    def forward(self, x):
        return [x, x + 1].index(x + 1)

    refuse(forward, POS, r"`\.index\(\)` on a list of values known only at run time", "[x, x + 1].index(x + 1)")


def test_changes_to_the_model():
    def forward(self, x):
        self.layer.eval()
        return self.layer(x)

    def makes(self, x):
        return nn.Linear(3, 3)(x)

    def writes_grad(self, x):
        x.requires_grad = True
        return x

    refuse(forward, POS, r"`\.eval\(\)` on a module", "self.layer.eval()", layer=nn.Linear(3, 3))
    refuse(makes, POS, "a new Linear in a forward", "nn.Linear(3, 3)")
    refuse(writes_grad, POS, "a write to the attribute `requires_grad` of a tensor", "x.requires_grad")


def test_model_errors_are_reported_where_they_arise():
    def shape(self, x):
        y = torch.cat([x, torch.zeros(1, 4)], 0)
        return y

    def inside(self, x):
        return self.layer(x)

    def name(self, x):
        return undefined + x  # noqa: F821

    def attribute(self, x):
        return self.layers(x)

    def arguments(self, x):
        def f(a, b):
            return a

        return f(x)

    refuse(shape, POS, "the model raised RuntimeError: .*[Ss]izes", "torch.cat([x, torch.zeros(1, 4)], 0)")
    refuse(inside, POS, "the model raised RuntimeError", "self.layer(x)", layer=nn.Linear(4, 4))
    refuse(name, POS, "the model raised NameError: name 'undefined' is not defined", "undefined")
    refuse(attribute, POS, "the model raised AttributeError", "self.layers")
    refuse(arguments, POS, r"the model raised TypeError: f\(\) missing arguments: 'b'", "f(x)")


def test_call_chain_is_shown():
    def inner(x):
        return x.numpy().std()

    def forward(self, x):
        return inner(x * 2)

    text = refuse(forward, POS, "numpy", "x.numpy().std")
    assert f"called from {capture_line(forward, 1)}" in text


def capture_line(function, offset):
    from dycl.frontends.torch.syntax.source import shown_name

    return f"{shown_name(__file__)}:{function.__code__.co_firstlineno + offset}"


def test_functions_without_source():
    namespace = {}
    exec("def f(x):\n    return x + 1", namespace)

    def forward(self, x):
        return self.f(x)

    refuse(forward, POS, "reaches `f`|has no source", "self.f(x)", f=namespace["f"])


def test_results_that_are_no_values():
    def forward(self, x):
        return x, self

    def choice(self, x):
        return [nn.ReLU(), nn.Identity()] if x.sum() > 0 else None

    refuse(forward, POS, "a Program as a result", "return x, self")


def test_signatures_that_do_not_fit():
    def forward(self, x, y):
        return x + y

    module = program(forward)
    for text, message in (
        ("x: f32[1, 3]", "lacks an input 'y'"),
        ("x: f32[1, 3], z: f32[1]", "names an input 'z'"),
    ):
        with pytest.raises(UsageError, match=message):
            import_module(module, parse_signature(text))
    with pytest.raises(UsageError, match="example input 'y' must be a tensor"):
        signature_of(module, (POS, 3))
    with pytest.raises(UsageError, match="3 example inputs"):
        signature_of(module, (POS, POS, POS))
    assert str(signature_of(module, (POS, POS.long()))) == "x: f32[1, 3], y: i64[1, 3]"


def test_module_is_left_as_it_was_after_a_refusal():
    def forward(self, x):
        self.h = x
        self.parts = [x]
        return x.numpy().std()

    module = program(forward, h=5)
    with pytest.raises(Exception, match="numpy"):
        capture(module, POS)
    assert module.h == 5
    assert not hasattr(module, "parts")


def test_dtypes_that_an_operation_does_not_mix():
    def forward(self, x):
        return self.layer(x)

    ints = torch.ones(1, 4, dtype=torch.int64)
    refuse(
        forward, ints, r"linear needs tensors of one dtype, not of torch\.int64", "self.layer(x)", layer=nn.Linear(4, 4)
    )
