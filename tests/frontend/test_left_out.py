"""What a compiled program leaves out, or reads once while it is compiled: each says so in one warning."""

# The programs are as people write them.

import logging
import os
import time
import warnings

import pytest
import torch

from tests.frontend.capturing import NEG, POS, capture, check, program, refuse

logger = logging.getLogger(__name__)


def warned(forward, **attributes):
    module = program(forward, **attributes)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        capture(module, POS)
    return [str(warning.message) for warning in found]


def test_output_is_left_out_with_one_warning():
    def forward(self, x):
        print("a", x)
        logger.info("s %s", x.sum())
        logger.warning(f"{x.sum().item():.3f}")
        warnings.warn("careful", stacklevel=1)
        logging.warning("w %s", x)
        return x * 2

    (text,) = warned(forward)
    line = forward.__code__.co_firstlineno + 1
    assert f"test_left_out.py:{line}:" in text
    assert text.endswith("`print`, logging and warnings are left out of the compiled program")


def test_clocks_may_be_read_and_printed():
    def forward(self, x):
        start = time.time()
        y = x * 2
        took = (time.time() - start) * 1000
        self.last = time.perf_counter() - took
        if x.sum() > 0:
            took = took + 1
        print(f"{took:.3f}", round(took, 2))
        return y

    texts = warned(forward)
    assert len(texts) == 2
    assert any("readings of the clock are left out" in text for text in texts)


def test_clocks_reach_no_result_and_no_branch():
    def returned(self, x):
        return x, time.time()

    def computed(self, x):
        return x * time.time()

    def tested(self, x):
        if time.time() > 3:
            return x
        return -x

    def made(self, x):
        return x + torch.tensor(time.time())

    refuse(returned, POS, "a reading of the clock", "return x, time.time()")
    refuse(computed, POS, "arithmetic of a tensor and a reading of the clock", "x * time.time()")
    refuse(tested, POS, "a comparison with a reading of the clock", "time.time() > 3")
    refuse(made, POS, "a reading of the clock", "torch.tensor(time.time())")


def test_environment_is_read_once():
    def forward(self, x):
        n = len(os.environ.get("NOT_THERE", "ab")) + len(os.getenv("NOT_THERE", "abc"))
        return x * n if os.environ["PATH"] else x

    (text,) = warned(forward)
    assert f"test_left_out.py:{forward.__code__.co_firstlineno + 1}:" in text
    assert "the environment is read now, once" in text


def test_numbers_of_small_arrays():
    def forward(self, x):
        a = x.numpy()[0]
        b = x.cpu().detach().numpy().tolist()
        c = float(x.sum().numpy())
        d = x.data.cpu().numpy()[0, 1]
        e = x[0].numpy()
        if d > 1 and a[2] < 0.6 and e.max() > 0.0:
            x = x + 1
        n = int(e.argmax())
        return b[0][1] * x, c, float(d), e[1] * x, n, len(e), e.shape[0], [float(v) for v in a], e.sum().item()

    check(forward, POS, NEG, all_sides=False)


def test_arrays_as_tensors_again():
    def forward(self, x):
        a = x.numpy()
        return torch.from_numpy(a) * 2, torch.tensor(a[0]) + 1, torch.as_tensor(a), isinstance(a[0, 0], float)

    check(forward, POS)


def test_arrays_of_numpy_are_refused_where_its_code_would_run():
    import numpy as np

    def function(self, x):
        return torch.from_numpy(np.tanh(x.numpy()))

    def mixed(self, x):
        return float(x.argmax(1).numpy()[0] * 0.5)

    def written(self, x):
        a = x.numpy()
        a[0, 0] = 1
        return x

    def returned(self, x):
        return x.numpy()

    refuse(
        function, POS, r"a numpy array of a traced tensor reaches `tanh`|`numpy\.tanh`|reaches", "np.tanh(x.numpy())"
    )
    refuse(mixed, POS, "arithmetic of a numpy number of a traced tensor and a float", "x.argmax(1).numpy()[0] * 0.5")
    refuse(written, POS, "a write to an item of a numpy array", "a[0, 0]")
    refuse(returned, POS, "numpy array", "return x.numpy()")


def test_data_of_a_tensor():
    def forward(self, x):
        y = x.clone()
        z = y
        y.data = x * 2
        y.data[0, 0] = 5
        if x.sum() > 0:
            z.data = x * 3
        return y, z

    check(forward, POS, NEG)


def test_data_of_another_size_is_refused():
    def forward(self, x):
        y = x.clone()
        y.data = x[:, :2]
        return y

    refuse(forward, POS, "a write to the `.data` of a tensor of another type or size", "y.data")


def test_checkpointed_functions_are_called():
    from torch.utils.checkpoint import checkpoint

    def forward(self, x):
        return checkpoint(lambda v, k: v * k if v.sum() > 0 else v, x, 3, use_reentrant=False)

    check(forward, POS, NEG)


def test_static_questions():
    def forward(self, x):
        if torch.jit.is_scripting() or torch.jit.is_tracing() or torch.is_grad_enabled() or self.training:
            return x
        if torch.onnx.is_in_onnx_export() or torch.compiler.is_compiling() or torch.is_autocast_enabled():
            return x
        return x * 2 if x.device.type == "cpu" and not x.is_cuda else x

    check(forward, POS)


def test_conversions():
    def forward(self, x):
        y = x.to("cpu").cpu().contiguous().type(torch.float64).type_as(x).to(x.device).to(torch.float32).to(x)
        z = y.detach().data.float().double().half().float()
        w = x.to(dtype=torch.float64, device=x.device)
        v = x.new_zeros(2).to(x.device, torch.int64) + x.new_tensor([1, 2])
        return y, z, w, v, x.is_cuda, str(x.device), x.type()

    check(forward, POS)


@pytest.mark.parametrize("name", ["register_forward_hook", "register_forward_pre_hook"])
def test_hooks_are_refused(name):
    def forward(self, x):
        return self.layer(x)

    layer = torch.nn.Linear(3, 3)
    getattr(layer, name)(lambda *args: None)
    text = refuse(forward, POS, "a Linear with hooks", "self.layer(x)", layer=layer)
    assert "instead: remove the hooks" in text


def test_a_write_to_an_input_warns_that_the_caller_does_not_see_it():
    def forward(self, x):
        rows = x.view(-1)
        rows.add_(1)
        x[0, 0] = 3
        return x * 2

    (text,) = warned(forward)
    line = forward.__code__.co_firstlineno + 2
    assert f"test_left_out.py:{line}:" in text
    assert text.endswith("a write to the input `x` does not reach the caller's tensor: return what has been written")
    check(forward, POS, NEG)


def test_a_write_to_a_copy_of_an_input_warns_of_nothing():
    def forward(self, x):
        y = x.clone()
        y.add_(1)
        return y

    assert warned(forward) == []


def test_what_only_one_way_raises_is_warned_of_as_little_as_other_exceptions():
    def forward(self, x):
        kept = []
        for index in range(3):
            if x[0, index] <= 0:
                continue
            kept.append(x[0, index:])
        if x.max() <= 0:
            return x
        return torch.cat(kept)

    assert warned(forward) == []
    check(forward, POS, NEG, all_sides=False)


def test_what_every_way_raises_that_has_not_returned_is_warned_of():
    def forward(self, x):
        kept = []
        if x.sum() <= 0:
            return x
        return torch.cat(kept)

    (text,) = warned(forward)
    assert "always raises ValueError: torch.cat" in text
