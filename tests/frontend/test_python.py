"""Python itself, over Python objects: evaluated, not captured."""

# ruff: noqa: B010
# The programs are as people write them.

import functools
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F

from dycl.ir.ops import AtenOp, IfOp
from tests.frontend.capturing import NEG, POS, SMALL, check, count, refuse

Point = namedtuple("Point", ["left", "right"])


def test_loops_over_modules_lists_and_ranges():
    def forward(self, x):
        for i, (layer, scale) in enumerate(zip(self.layers, [1, 2, 3], strict=True)):
            x = layer(x) * scale + i
        for name, layer in self.named.items():
            x = layer(x) + len(name)
        for i in reversed(range(0, 4, 2)):
            x = x - i
        return x

    layers = nn.ModuleList(nn.Linear(3, 3) for _ in range(3))
    check(forward, POS, layers=layers, named=nn.ModuleDict({"a": nn.Linear(3, 3), "bc": nn.ReLU()}))


def test_loops_over_tensors():
    def forward(self, x):
        total = 0
        for row in x:
            for value in row:
                total = total + value
        a, *rest = x[0]
        return total, a, len(rest), len(x), [r * 2 for r in rest]

    check(forward, POS)


def test_comprehensions():
    def forward(self, x):
        parts = [x * i for i in range(4) if i % 2]
        pairs = [(i, j) for i in range(2) for j in range(i + 1)]
        named = {f"k{i}": part for i, part in enumerate(parts)}
        kinds = {i % 2 for i in range(5)}
        return torch.cat([p + 1 for p in parts], 0), named, len(pairs), len(kinds), sum(i for i in range(3))

    check(forward, POS)


def test_comprehension_names_stay_inside():
    def forward(self, x):
        i = 5
        parts = [x + i for i in range(2)]
        return parts[1] * i

    check(forward, POS)


def test_closures_lambdas_and_nested_functions():
    offset = 3

    def forward(self, x):
        scale = 2

        def inner(y, power=2, *rest, extra=1, **named):
            nonlocal scale
            scale = scale + 1
            return y**power * scale + offset + extra + len(rest) + len(named)

        twice = lambda f, y: f(f(y))  # noqa: E731
        z = twice(inner, x)
        return inner(z, 1, 5, 6, extra=7, a=1), scale, (lambda v: v - 1)(x)

    check(forward, POS)


def test_lambdas_on_one_line_are_told_apart():
    def forward(self, x):
        fs = self.fs
        return fs[0](x), fs[1](x)

    check(forward, POS, fs=(lambda v: v + 1, lambda v: v * 10))


def test_functions_from_elsewhere():
    def double(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            return f(*args, **kwargs) * 2

        return wrapper

    @double
    def g(x):
        return x + 1 if x.sum() > 0 else x - 1

    @torch.no_grad()
    def h(x, scale):
        return x * scale

    def forward(self, x):
        return h(g(x), scale=3) + functools.partial(h, scale=4)(x)

    check(forward, POS, NEG)


def test_classes_and_methods():
    class Counter:
        kind = "counter"

        def __init__(self, start):
            self.n = start

        def add(self, x):
            if x.sum() > 0:
                self.n = self.n + x
            return self

        @property
        def total(self):
            return self.n * 2

        @staticmethod
        def shift(x):
            return x + 1

        @classmethod
        def name(cls):
            return cls.kind

        def __getitem__(self, i):
            return self.n[i]

        def __call__(self, x):
            return x - self.n

    @dataclass
    class Pair:
        a: torch.Tensor
        b: int = 3

    def forward(self, x):
        counter = Counter(x * 0)
        counter.add(x).add(x - 1)
        pair = Pair(x)
        return counter.total, Counter.shift(x), len(counter.name()), pair.a * pair.b, counter[0], counter(x)

    check(forward, POS, NEG, SMALL)


def test_inheritance_and_super():
    class Base(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc = nn.Linear(3, 3)

        def forward(self, x):
            return self.head(self.fc(x))

        def head(self, x):
            return x + 1

    class Child(Base):
        def forward(self, x):
            y = super().forward(x)
            return y if y.sum() > 0 else -y

        def head(self, x):
            return super().head(x) * 2

    torch.manual_seed(0)
    check(Child().eval(), POS, 50 * NEG, 50 * POS, *(torch.randn(1, 3) * 50 for _ in range(9)))


def test_forward_replaced_on_the_instance():
    class Block(nn.Module):
        def __init__(self, plain):
            super().__init__()
            self.fc = nn.Linear(3, 3)
            if plain:
                self.forward = self.only

        def forward(self, x):
            return self.fc(x), 1

        def only(self, x):
            return self.fc(x) * 2, 0

    def forward(self, x):
        total = 0
        for block in self.blocks:
            x, flag = block(x)
            if flag:
                total += flag
        return x, total

    check(forward, POS, blocks=nn.ModuleList([Block(True), Block(False)]).eval())


def test_lists_dicts_and_tuples():
    def forward(self, x):
        stack = [x]
        stack.append(x + 1)
        stack.extend([x + 2, x + 3])
        stack.insert(0, x - 1)
        last = stack.pop()
        first = stack.pop(0)
        stack.reverse()
        stack += [x * 7]
        del stack[0]
        names = {"a": x}
        names["b"] = last
        names.update(c=first)
        names.setdefault("d", x)
        n = names.get("zzz", 5)
        order = OrderedDict(one=x)
        swapped = dict(reversed(list(names.items())))
        a, (b, c) = 1, (2, 3)
        joined = (a,) + (b, c) * 2
        return stack, names, n, list(order), swapped, joined, stack[-1], stack[:2], "a" in names, sorted([3, 1, 2])

    check(forward, POS)


def test_structured_outputs():
    def forward(self, x):
        if x.sum() > 0:
            return {"out": [x, (x + 1, None)], "n": 1, "point": Point(x, 2), "same": "text"}
        return {"out": [-x, (x - 1, None)], "n": 2, "point": Point(x * 3, 2), "same": "text"}

    check(forward, POS, NEG)


def test_shapes_and_attributes():
    def forward(self, x):
        b, n = x.shape
        y = x.view(b, -1).reshape(x.size(0), n, 1)
        if x.dim() == 2 and x.shape[-1] == 3 and x.dtype == torch.float32 and not x.is_cuda:
            y = y * x.numel()
        return y.squeeze(-1), x.ndim, x.T, tuple(x.shape), len(x.shape)

    check(forward, POS)


def test_getattr_setattr_hasattr_and_names():
    def forward(self, x):
        for i in range(2):
            x = getattr(self, f"fc{i}")(x)
        if hasattr(self, "fc5"):
            x = x * 100
        extra = getattr(self, "missing", None)
        if extra is None:
            x = x + 1
        setattr(self, "kept", x)
        return self.kept * self.__scale()

    def scale(self):
        return 3

    module = type("Program", (nn.Module,), {"forward": forward, "__scale": scale})()
    module.fc0, module.fc1 = nn.Linear(3, 3), nn.Linear(3, 3)
    check(module.eval(), POS)


def test_private_names_are_mangled():
    class Secret(nn.Module):
        def __init__(self):
            super().__init__()
            self.__scale = 4

        def forward(self, x):
            return self.__double(x) * self.__scale

        def __double(self, x):
            return x * 2

    check(Secret().eval(), POS)


def test_walrus_f_strings_and_print():
    def forward(self, x):
        if (n := len(x)) > 0:
            y = x + n
        name = f"{n:03d}-{x.dtype}-{'a'!r}"
        print("sum", x.sum(), f"value {x.sum()}")
        return y, name, str(n)

    check(forward, POS)


def test_while_over_python_values():
    def forward(self, x):
        i = 0
        while i < 3:
            i += 1
            if i == 2:
                continue
            x = x * i
        while True:
            x = x + 1
            if i == 3:
                break
        return x

    check(forward, POS)


def test_training_flag_none_checks_and_isinstance():
    def forward(self, x, mask=None):
        if self.training:
            raise RuntimeError("training")
        if mask is not None:
            x = x * mask
        if isinstance(x, torch.Tensor) and type(x) is torch.Tensor and not isinstance(self.layer, nn.Conv2d):
            x = self.layer(x)
        return x

    check(forward, POS, layer=nn.Identity())
    check(forward, (POS, NEG), layer=nn.Linear(3, 2))


def test_leaf_modules_and_functions_of_torch():
    def forward(self, x):
        y = self.seq(x.view(1, 3, 1, 1).expand(1, 3, 8, 8))
        y = F.interpolate(y, scale_factor=2) if y.shape[-1] < 8 else y
        y = F.adaptive_avg_pool2d(y, 1).flatten(1)
        out, (h, c) = self.lstm(y.unsqueeze(0))
        return self.norm(out), h, c, F.scaled_dot_product_attention(out, out, out)

    seq = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.5), nn.MaxPool2d(2), nn.Identity()
    )
    captured = check(forward, POS, NEG, seq=seq, lstm=nn.LSTM(4, 5), norm=nn.LayerNorm(5))
    names = {op.overload.data for op in captured.module.walk() if isinstance(op, AtenOp)}
    assert {"conv2d.default", "batch_norm.default", "lstm.input", "layer_norm.default"} <= names


def test_sizes_that_depend_on_data():
    def forward(self, x):
        i, j = torch.where(x > 0)
        kept = x[x > 0]
        if len(kept) > 1:
            kept = kept * 2
        k = (x < 0).nonzero()
        return x[i, j], i, j, kept, kept.shape[0] + 1, x.flatten()[k[:, 1]] * k.size(0), i.numel()

    check(forward, POS, NEG, torch.zeros(1, 3), torch.tensor([[1.0, -1.0, -2.0]]))


def test_experts_with_the_tokens_that_chose_them():
    def forward(self, x):
        out = torch.zeros_like(x)
        chosen = x.argmax(1)
        for e, expert in enumerate(self.experts):
            tokens = torch.where(chosen == e)[0]
            if tokens.numel() == 0:
                continue
            out[tokens] += expert(x[tokens])
        return out

    torch.manual_seed(0)
    inputs = [torch.randn(4, 3), *(torch.eye(3)[i].expand(4, 3) for i in range(3))]
    check(forward, *inputs, experts=nn.ModuleList(nn.Linear(3, 3) for _ in range(3)))


def test_equality_of_whole_tensors():
    def forward(self, x):
        if torch.equal(x, x.abs()) or x.allclose(-x.abs()):
            return x
        return x * 2 if not x.equal(x[0]) else x, torch.equal(x, x[0])

    check(forward, POS, NEG, SMALL, all_sides=False)


def test_weights_are_parameters_by_name_and_constants_are_kept():
    def forward(self, x):
        return self.fc(x) * self.alpha + self.table + torch.tensor([1.0, 2.0, 3.0]) + self.big[:3]

    captured = check(
        forward,
        POS,
        fc=nn.Linear(3, 3),
        alpha=nn.Parameter(torch.rand(1)),
        table=[torch.rand(3)][0],
        big=[torch.rand(1000)][0],
    )
    assert {"fc.weight", "fc.bias", "alpha", "constant"} == set(captured.weights)


def test_shared_weights_are_one_parameter():
    def forward(self, x):
        return self.a(x) + self.b(x)

    layer = nn.Linear(3, 3)
    assert set(check(forward, POS, a=layer, b=layer).weights) == {"a.weight", "a.bias"}


def test_real_tensors_are_known():
    def forward(self, x):
        if self.flag:
            x = x * self.steps.item()
        for _ in range(int(self.steps)):
            x = x + 1
        return x

    captured = check(forward, POS, flag=torch.tensor(True), steps=torch.tensor(3))
    assert count(captured, IfOp) == 0


def test_hidden_state_set_in_the_call():
    def forward(self, x):
        self.hidden = None
        outs = []
        for _ in range(2):
            out, self.hidden = self.rnn(x.unsqueeze(0), self.hidden)
            outs.append(out)
        return torch.cat(outs)

    check(forward, POS, rnn=nn.GRU(3, 4), hidden=None)


def test_state_between_calls_is_refused():
    def reads_first(self, x):
        y = x + self.h
        self.h = y
        return y

    def written_on_one_path(self, x):
        if x.sum() > 0:
            self.h = x
        return x + self.h

    def appends(self, x):
        self.seen.append(x)
        return x

    def counts(self, x):
        self.calls += 1
        return x * self.calls

    refuse(reads_first, POS, "the attribute `h` of a Program is state carried from call to call", "self.h", h=0)
    refuse(written_on_one_path, POS, "the attribute `h` of a Program is state", "self.h", h=0)
    refuse(appends, POS, "a change to a list that outlives the call", "self.seen.append(x)", seen=[])
    refuse(counts, POS, "the attribute `calls` of a Program is state", "self.calls", calls=0)


def test_list_cleared_in_the_call_is_no_state():
    def forward(self, x):
        self.seen.clear()
        for i in range(3):
            self.seen.append(x * i)
        return torch.cat(self.seen)

    check(forward, POS, seen=[])


def test_no_grad_and_imports_inside():
    def forward(self, x):
        import math
        from math import pi as number

        with torch.no_grad():
            y = x * math.pi
        return y + number

    check(forward, POS)


def test_locations_carry_the_call_chain():
    from dycl.ir.locations import frames

    def inner(x):
        return x.exp()

    def forward(self, x):
        return inner(x)

    captured = check(forward, POS)
    (op,) = [op for op in captured.module.walk() if isinstance(op, AtenOp)]
    chain = frames(op.location)
    assert [frame.file.endswith("test_python.py") for frame in chain] == [True, True]
    assert chain[0].line == inner.__code__.co_firstlineno + 1
    assert chain[1].line == forward.__code__.co_firstlineno + 1
    assert op.res[0].name_hint is None


def test_variables_name_their_values():
    def forward(self, x):
        hidden = x + 1
        if x.sum() > 0:
            logits = hidden * 2
        else:
            logits = hidden * 3
        return logits

    from dycl.ir.text import print_module

    text = print_module(check(forward, POS, NEG).module)
    assert "%hidden = " in text and "%logits = dycl.if" in text


def test_modules_without_weights_made_in_a_forward():
    def forward(self, x):
        y = nn.Softmax(dim=1)(x)
        if y.max() > 0.5:
            y = nn.ReLU()(y - 0.5)
        return y

    check(forward, POS, SMALL)


def test_modules_with_weights_or_randomness_made_in_a_forward():
    def weights(self, x):
        return nn.Linear(3, 3)(x)

    def randomness(self, x):
        return nn.Dropout(0.5)(x)

    refuse(weights, POS, "a new Linear in a forward", "nn.Linear(3, 3)")
    refuse(randomness, POS, "dropout in training mode", "nn.Dropout(0.5)(x)")
