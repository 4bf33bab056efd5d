"""What programs return: containers of every kind, and exits that return different things."""

# ruff: noqa: RET502, RET503
# The programs are as people write them.

import enum
from collections import OrderedDict, defaultdict, namedtuple
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn
from xdsl.ir import Block, Operation

from dycl.errors import an
from dycl.frontends.torch import CaptureError
from dycl.frontends.torch.capture import Exit
from dycl.frontends.torch.results.outputs import Container, Held, Stacked, Tree
from dycl.frontends.torch.results.results import finish
from dycl.ir.ops import ReturnOp
from dycl.ir.text import parse_module
from dycl.runtime.structure import Fixed, Group, Leaf, Number, Series, Structure, Variants
from tests.frontend.capturing import ALL, NEG, POS, SMALL, capture, check, program, refuse


class Early(NamedTuple):
    logits: torch.Tensor
    number: int
    reason: str = "sure"


Pair = namedtuple("Pair", "first second")


@dataclass
class Output:
    logits: torch.Tensor
    exit: int | None = None
    hidden: list[torch.Tensor] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Frozen:
    x: torch.Tensor
    scale: float


@dataclass
class Doubling:
    """Its `__post_init__` changes what it was given: the result is what it has made of that, once."""

    x: torch.Tensor

    def __post_init__(self):
        self.x = self.x * 2


class ModelOutput(OrderedDict):
    """As transformers has it: a dataclass whose fields that are not None are items."""

    def __post_init__(self):
        for item in fields(self):
            value = getattr(self, item.name)
            if value is not None:
                self[item.name] = value

    def __getitem__(self, key):
        return dict(self.items())[key] if isinstance(key, str) else self.to_tuple()[key]

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        super().__setattr__(key, value)

    def to_tuple(self):
        return tuple(self[key] for key in self.keys())


@dataclass
class Classified(ModelOutput):
    loss: torch.Tensor | None = None
    logits: torch.Tensor | None = None
    exit: int | None = None


# Containers


def test_nested_containers():
    def forward(self, x):
        return {"a": [x, (x + 1, 3)], "b": {"c": None, 7: "text"}, 1: (), "d": [[], {}]}, True, 2.5

    check(forward, POS)


def test_named_tuples():
    def forward(self, x):
        return Early(x, 3), [Pair(x, None), Early(number=x.shape[1], logits=x * 2, reason="no")]

    check(forward, POS)


def test_a_tuple_of_torchs_with_names():
    def forward(self, x):
        return x.max(1), torch.sort(x, dim=-1)

    captured = check(forward, POS)
    assert captured.structure.items[0].keys == ("values", "indices")


def test_dataclasses():
    def forward(self, x):
        return Output(x, 2, [x, x + 1]), Frozen(x * 2, 0.5), Output(x)

    check(forward, POS)


def test_a_dataclass_is_returned_as_it_is_and_not_made_again():
    def forward(self, x):
        out = Doubling(x)
        out.x = out.x + 1
        return out

    check(forward, POS)


def test_model_outputs():
    def forward(self, x):
        return Classified(logits=x * 2, exit=1), Classified(x.sum(), x)

    captured = check(forward, POS)
    assert captured.structure.items[0].kind == "model_output"


def test_ordered_dicts_and_dicts_with_defaults():
    def forward(self, x):
        groups = defaultdict(list)
        groups["a"].append(x)
        return OrderedDict(b=x, a=x + 1), groups

    check(forward, POS)


def test_sizes_and_numpys_numbers_come_as_pythons():
    def forward(self, x):
        return x.shape, x.size(1), self.scale, np.int64(3), self.flag

    captured = check(forward, POS, scale=np.float32(0.5), flag=np.bool_(True))
    assert captured.structure.items[2:] == (Fixed(0.5), Fixed(3), Fixed(True))


def test_classes_of_one_name_are_told_apart():
    def make(extra):
        @dataclass
        class Output:
            x: torch.Tensor
            y: Any = extra

        return Output

    first, second = make(1), make(2)

    def forward(self, x):
        return first(x), second(x), first(x + 1)

    captured = check(forward, POS)
    assert captured.classes == {"Output": first, "Output#2": second}


# Exits that differ


def test_an_int_against_none():
    def forward(self, x):
        if x.sum() > 0:
            return x, 3
        return x * 2, None

    captured = check(forward, POS, NEG)
    assert captured.structure == Group("tuple", (Leaf(0), Variants(1, (Fixed(3), Fixed(None)))))


def test_a_text_an_exit():
    def forward(self, x):
        if x.sum() > 2:
            return x, "early"
        if x.sum() > 0:
            return x + 1, "late"
        return x - 1, "late"

    captured = check(forward, POS, SMALL, NEG)
    assert captured.structure == Group("tuple", (Leaf(0), Variants(1, (Fixed("early"), Fixed("late")))))


def test_a_tensor_against_none_and_a_text():
    def forward(self, x):
        if x.sum() > 2:
            return x * 2, None
        if x.sum() > 0:
            return x, "nothing"
        return x - 1, x

    check(forward, POS, SMALL, NEG)


def test_a_tensor_against_a_tuple_shares_its_result():
    def forward(self, x):
        if x.sum() > 2:
            return x * 2
        if x.sum() > 0:
            return x, 3
        return {"logits": x - 1, "exit": -1}

    captured = check(forward, POS, SMALL, NEG)
    assert captured.structure == Variants(
        0,
        (
            Leaf(1),
            Group("tuple", (Leaf(1), Fixed(3))),
            Group("dict", (Leaf(1), Fixed(-1)), ("logits", "exit")),
        ),
    )
    assert len(captured.main.function_type.outputs) == 2


def test_variants_that_go_together_share_an_index():
    def forward(self, x):
        if x.sum() > 0:
            return x, 1, "early", [x]
        return x, None, "late", x

    captured = check(forward, POS, NEG)
    assert [item.index for item in captured.structure.items if isinstance(item, Variants)] == [1, 1, 1]
    assert len(captured.main.function_type.outputs) == 3


def test_only_what_differs_varies():
    def forward(self, x):
        if x.sum() > 0:
            return {"out": (x, [1, {"why": None}]), "n": 1}
        return {"out": (x + 1, [1, {"why": x}]), "n": 2}

    captured = check(forward, POS, NEG)
    out = captured.structure.items[0]
    assert out == Group(
        "tuple",
        (Leaf(0), Group("list", (Fixed(1), Group("dict", (Variants(1, (Fixed(None), Leaf(2))),), ("why",))))),
    )
    assert captured.structure.items[1] == Leaf(3)


def test_lists_of_differing_lengths():
    def forward(self, x):
        seen = []
        for i in range(4):
            x = torch.tanh(x * 1.5 + 0.1)
            seen.append(x)
            if x.max() > 0.5 + i * 0.05:
                return seen
        return seen

    check(forward, *ALL, 3 * SMALL, 0.3 * NEG, all_sides=False)


def test_tensors_of_differing_dtypes_and_ranks():
    def forward(self, x):
        if x.sum() > 2:
            return x.argmax(1), x
        if x.sum() > 0:
            return x.double(), x[0]
        return x > 0, x.sum()

    check(forward, POS, SMALL, NEG)


def test_numbers_of_differing_kinds():
    def forward(self, x):
        if x.sum() > 2:
            return 1
        if x.sum() > 1:
            return 2
        if x.sum() > 0:
            return True
        if x.sum() < -2:
            return x.sum().item()
        return 2**70

    check(forward, POS, 0.4 * POS, SMALL, NEG, -SMALL)


def test_a_number_known_only_at_run_time_against_a_tensor():
    def forward(self, x):
        if x.sum() > 0:
            return x.max()
        return x.max().item()

    check(forward, POS, NEG)


def test_keys_in_another_order():
    def forward(self, x):
        if x.sum() > 0:
            return {"a": x, "b": x + 1}
        return {"b": x - 1, "a": x * 2}

    check(forward, POS, NEG)


def test_keys_that_are_equal_but_not_the_same():
    def forward(self, x):
        if x.sum() > 0:
            return {1: x}
        return {True: x}

    captured = check(forward, POS, NEG)
    assert isinstance(captured.structure, Variants)


def test_records_of_differing_classes():
    def forward(self, x):
        if x.sum() > 2:
            return Output(x, 1)
        if x.sum() > 0:
            return Early(x, 1)
        if x.max() > -0.2:
            return Frozen(x, 1)
        return Classified(logits=x)

    check(forward, POS, SMALL, -SMALL, NEG)


def test_a_record_whose_field_is_none_at_one_exit():
    def forward(self, x):
        if x.sum() > 0:
            return Classified(logits=x, exit=2)
        return Classified(loss=x.sum(), logits=x * 2)

    captured = check(forward, POS, NEG)
    assert captured.structure.kind == "model_output"


def test_variants_inside_variants():
    def forward(self, x):
        if x.sum() > 2:
            return x, (x, 1)
        if x.sum() > 0:
            return x, (x, None)
        if x.max() > -0.2:
            return x, x
        return [x]

    check(forward, POS, SMALL, -SMALL, NEG)


def test_nothing_against_something():
    def forward(self, x):
        if x.sum() > 0:
            return
        return [x]

    check(forward, POS, NEG)


def test_falling_off_the_end():
    def forward(self, x):
        if x.sum() > 0:
            return x

    check(forward, POS, NEG)


def test_exits_of_a_loop_with_heads_of_differing_widths():
    class Heads(nn.Module):
        def __init__(self):
            super().__init__()
            self.heads = nn.ModuleList(nn.Linear(3, width) for width in (2, 5, 7))

        def forward(self, x):
            for i, head in enumerate(self.heads):
                logits = head(x)
                if logits.softmax(-1).max() > 0.6 - 0.1 * i:
                    return {"logits": logits, "exit": i, "sure": True}
            return {"logits": logits, "exit": None, "sure": False}

    torch.manual_seed(0)
    samples = [torch.randn(1, 3) * scale for scale in (0.1, 0.5, 1, 3) for _ in range(8)]
    check(Heads().eval(), *samples, all_sides=False)


def test_hundreds_of_exits_that_differ():
    def forward(self, x):
        for i in self.limits:
            if x.max() > i:
                return (x, i) if i % 2 else {"x": x, "exit": f"number {i % 3}"}
        return None

    inputs = (torch.full((1, 3), value) for value in (-1.0, 0.5, -100.5, -298.5, -500.0))
    check(forward, *inputs, all_sides=False, limits=list(range(0, -300, -1)))


def test_one_of_several_containers_by_an_index():
    def forward(self, x):
        return [("a", x), ("b", None), "c"][int(x.argmax())]

    captured = check(forward, *torch.eye(3).split(1))
    assert isinstance(captured.structure, Variants)


def test_one_of_several_texts_where_another_exit_has_one_of_its_own():
    def forward(self, x):
        if x.sum() > 2:
            return x, "b"
        return x * 2, ["a", "b", None, "a"][int(x.argmax())]

    captured = check(forward, torch.full((1, 4), 9.0), *torch.eye(4).split(1))
    assert captured.structure.items[1] == Variants(1, (Fixed("b"), Fixed("a"), Fixed(None), Fixed("a")))


# Series


def series(*trees: Tree) -> tuple[Structure, list[str], list[Operation]]:
    """Return the structure of a program with an exit for each tree, its results' types, and the first exit's values."""
    exits = [Exit(ReturnOp([]), tree) for tree in trees]
    blocks = [Block([exit.op]) for exit in exits]
    results = finish(exits)
    return results.structure, list(map(str, results.types)), list(blocks[0].ops)


def stacked(text: str, is_number: bool = False) -> Held:
    """A tensor of this type, which holds the items of a series."""
    type = parse_module(f"func.func private @f() -> {text}").body.block.first_op.function_type.outputs.data[0]
    return Held(Block(arg_types=[type]).args[0], is_number)


def test_a_list_that_grows_in_a_loop():
    def forward(self, x):
        steps = []
        if x.sum() > 20:
            return x, steps
        n = 0
        while x.sum() < 10:
            x = x + 1
            n = n + 1
            steps.append((x, [n, x.sum().item(), bool(x.max() > 4)], "step"))
        return x, steps

    captured = check(forward, POS, NEG, 4 * POS, 10 * POS, all_sides=False)
    _, steps = captured.structure.items
    assert [type(variant) for variant in steps.structures] == [Group, Series]


def test_a_list_of_numbers_that_grows_in_a_loop():
    def forward(self, x):
        tokens, sure = [], []
        while x.sum() < 10:
            tokens.append(int(x.argmax()))
            sure.append((x > 1).any().item())
            x = x * 1.5 + 0.1
        return {"tokens": tokens, "sure": sure}

    captured = check(forward, POS, SMALL, 10 * POS, all_sides=False)
    assert captured.structure.items == (Series("list", Number(0)), Series("list", Number(1)))


def test_items_stacked_with_constants_and_numbers():
    tree = Stacked("list", Container("tuple", (stacked("tensor<?x3xf32>"), stacked("tensor<?xi64>", True), Held("a"))))
    structure, types, _ = series(tree)
    assert structure == Series("list", Group("tuple", (Leaf(0), Number(1), Fixed("a"))))
    assert types == ["tensor<?x3xf32>", "tensor<?xi64>"]


def test_a_list_that_grew_against_one_of_known_length():
    rows = stacked("tensor<?x3xf32>")
    structure, types, ops = series(Container("list", ()), Stacked("list", rows))
    assert structure == Variants(0, (Group("list", ()), Series("list", Leaf(1))))
    assert types == ["i64", "tensor<?x3xf32>"]
    assert [op.name for op in ops] == ["arith.constant", "dycl.constant", "dycl.return"]


def test_series_whose_constants_differ_are_told_apart():
    rows, more = stacked("tensor<?x3xf32>"), stacked("tensor<4x3xf32>")
    trees = [Stacked("list", Container("tuple", (tensor, Held(text)))) for tensor, text in ((rows, "a"), (more, "b"))]
    structure, types, _ = series(*trees)
    item = [Series("list", Group("tuple", (Leaf(1), Fixed(text)))) for text in "ab"]
    assert structure == Variants(0, tuple(item))
    assert types == ["i64", "tensor<?x3xf32>"]


def test_a_series_of_constants_has_its_length_as_a_result():
    structure, types, _ = series(Stacked("tuple", Held(None), 3), Stacked("tuple", Held(None), 4))
    assert structure == Series("tuple", Fixed(None), 0)
    assert types == ["i64"]


# Refusals


def test_a_forward_that_never_returns_is_refused():
    def forward(self, x):
        while True:
            x = x + 1

    with pytest.raises(CaptureError, match=r"test_results.py:\d+: a forward that never returns"):
        capture(program(forward), POS)


def test_a_set_is_refused():
    def forward(self, x):
        return x, {1, 2}

    assert "instead: return a list" in refuse(forward, POS, "a set as a result", "return x, {1, 2}")


def test_an_object_is_refused():
    class Box:
        def __init__(self, x):
            self.x = x

    def forward(self, x):
        return {"box": Box(x)}

    text = refuse(forward, POS, "a .*Box as a result", 'return {"box": Box(x)}')
    assert "instead: return its parts, or make the class a dataclass" in text


def test_a_key_that_is_no_text_or_number_is_refused():
    def forward(self, x):
        return {(1, 2): x}

    refuse(forward, POS, r"a dict with the key \(1, 2\) as a result", "return {(1, 2): x}")


def test_a_subclass_of_a_container_is_refused():
    class Attributes(dict):
        pass

    def forward(self, x):
        found = Attributes()
        found["x"] = x
        return found

    text = refuse(forward, POS, "a .*Attributes as a result", "return found")
    assert "instead: return a plain dict" in text


def test_an_enum_is_refused():
    class Reason(enum.IntEnum):
        SURE = 1

    def forward(self, x):
        return x, Reason.SURE

    text = refuse(forward, POS, "a .*Reason as a result", "return x, Reason.SURE")
    assert "instead: return its `value`" in text


def test_an_attribute_that_is_no_field_is_refused():
    def forward(self, x):
        out = Output(x)
        out.extra = x
        return out

    assert "make it a field" in refuse(forward, POS, "an Output with the attribute `extra`", "return out")


def test_a_list_that_holds_itself_is_refused():
    def forward(self, x):
        found = [x]
        found.append(found)
        return found

    refuse(forward, POS, "a list that holds itself", "return found")


@pytest.mark.parametrize(
    ("found", "advice"),
    [
        (range(3), "return a list of its elements"),
        ({}.keys(), "return a list of its elements"),
        (torch.float32, "return tensors, numbers or text"),
        (1j, "return tensors, numbers or text"),
        (np.ones(2), "return a tensor"),
    ],
)
def test_what_no_caller_can_be_given_is_refused(found, advice):
    def forward(self, x):
        return x, self.found

    text = refuse(forward, POS, f"{an(type(found).__name__)} as a result", "return x, self.found", found=found)
    assert text.endswith(f"instead: {advice}")
