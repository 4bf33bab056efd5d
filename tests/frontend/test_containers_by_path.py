"""Dicts, sets and lists that have other keys, members or lengths on each path."""

# ruff: noqa: PERF401
# The programs are as people write them.

import collections

import torch
from torch import nn

from tests.frontend.capturing import ALL, MIXED, NEG, POS, check, refuse


def test_key_that_one_side_sets_is_returned():
    def forward(self: nn.Module, x: torch.Tensor) -> dict[str, torch.Tensor]:
        found = {"out": x * 2}
        if x.sum() > 0:
            found["positive"] = x + 1
        return found

    check(forward, POS, NEG)


def test_key_that_one_side_sets_is_asked_for():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, int]:
        found = {}
        if x.sum() > 0:
            found["a"] = x + 1
        if x.max() > 1:
            found["b"] = x * 3
        total = x * 0
        for key, value in found.items():
            total = total + (value if key == "a" else value * 2)
        return total, len(found), "a" in found, found.get("b", x)

    check(forward, *ALL, all_sides=False)


def test_key_that_one_side_removes():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        parts = {"a": x, "b": x + 1}
        if x.sum() > 0:
            del parts["a"]
        else:
            parts.pop("b")
        return sum(parts.values()) * len(parts)

    check(forward, POS, NEG)


def test_set_whose_members_depend_on_the_path():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        taken = set()
        for index, layer in enumerate(self.layers):
            if x.sum() > 0:
                taken.add(index)
                x = layer(x)
            else:
                x = x + 0.5
        if taken:
            x = x * len(taken)
        return x if 1 in taken else x - 1

    torch.manual_seed(0)
    check(forward, *ALL, all_sides=False, layers=nn.ModuleList(nn.Linear(3, 3) for _ in range(3)))


def test_list_of_unlike_items_whose_length_depends_on_the_path():
    def forward(self: nn.Module, x: torch.Tensor) -> list[torch.Tensor]:
        scales = [x]
        if x.sum() > 0:
            scales.append(torch.cat([x, x], 1))
        if x.max() > 1:
            scales.append(x[0])
        scales[-1] = scales[-1] + 1
        return scales

    check(forward, *ALL, all_sides=False)


def test_list_of_unlike_items_is_looped_over():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        scales = [x]
        if x.sum() > 0:
            scales.append(torch.cat([x, x], 1))
        total = x.sum()
        for scale in scales:
            total = total + scale.mean()
        return total

    check(forward, POS, NEG)


def test_container_that_each_side_makes():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 0:
            options = {"scale": 2.0, "shift": x}
        else:
            options = {"scale": 3.0}
        return x * options["scale"] + options.get("shift", 1)

    check(forward, POS, NEG)


def test_keyword_arguments_that_depend_on_the_path():
    def scaled(x: torch.Tensor, scale: float = 1.0, shift: float = 0.0) -> torch.Tensor:
        return x * scale + shift

    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        options = {"scale": 2.0}
        if x.sum() > 0:
            options["shift"] = 1.0
        return scaled(x, **options)

    check(forward, POS, NEG)


def test_default_dict_and_deque():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        groups, recent = collections.defaultdict(list), collections.deque(maxlen=2)
        for index in range(3):
            if x.sum() > index:
                groups["high"].append(x * index)
                recent.append((x, index))
            else:
                groups["low"].append(x - index)
                recent.append((x, index))
        return sum(groups["high"], x) - sum(groups["low"], x), len(groups), recent[-1][0]

    check(forward, *ALL, all_sides=False)


def test_missing_key_is_raised_where_it_is_missing():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        found = {}
        if x.sum() > 0:
            found["a"] = x
        try:
            return found["a"] * 2
        except KeyError:
            return x - 1

    check(forward, POS, NEG)


def test_missing_key_fails_the_program_where_it_is_missing():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        found = {}
        if x.sum() > 0:
            found["a"] = x
        return found["a"] * 2

    check(forward, POS, NEG)


def test_container_that_one_side_changes_in_a_loop_of_the_program():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        seen = {}
        while x.sum() > 1:
            if x.max() > 1.5:
                seen["large"] = x.max()
            x = x * 0.5
        return x + seen.get("large", 0.0)

    check(forward, *ALL, all_sides=False)


def test_refuses_contents_of_too_many_kinds():
    def forward(self: nn.Module, x: torch.Tensor) -> int:
        found = {}
        for index in range(9):
            if x.sum() > index:
                found[index] = x
        return len(found)

    refuse(forward, POS, "a dict whose length or keys depend on the path, in too many ways,", at="found")


def test_container_that_is_one_of_two_is_asked_for_its_items():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[object, ...]:
        short, long = [x], [x, x + 1, x * 2]
        taken = long if x.sum() > 0 else short
        total = sum(part.sum() for part in taken)
        first, *rest = taken
        return total, len(taken), first, [part * 2 for part in taken], len(rest)

    check(forward, POS, NEG)


def test_list_that_a_loop_replaces_and_makes_longer():
    def forward(self: nn.Module, x: torch.Tensor) -> list[int]:
        ids = []
        for _ in range(3):
            ids = [1 for _ in ids]
            try:
                if x.sum() > 0:
                    raise ValueError
            except ValueError:
                ids.append(1)
        return ids

    for loops in ("auto", "keep", "unroll"):
        check(forward, POS, NEG, all_sides=False, loops=loops)


def test_item_of_one_of_three_lists():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[object, ...]:
        groups = [[x], [x, x + 1], [x, x + 2, x + 3]]
        group = groups[int(x.argmax())]
        group.append(x * 5)
        return group[-1], len(group), len(groups[0]), torch.stack(groups[2]).sum()

    check(forward, POS, torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([[1.0, 2.0, 3.0]]), all_sides=False)


def test_write_to_the_item_that_the_run_tells():
    def forward(self, x):
        items, numbers = [x, x + 1, x + 2], [0, 1, 2]
        k = x.argmax().item()
        items[k] = x * 10
        items[-1 - k] = items[k] + 1
        numbers[int(x.argmax())] = 7
        numbers[x.argmin()] += 5
        return items, numbers

    check(forward, *ALL, all_sides=False)

    def names(self, x):
        items = [x.clone(), x + 1, x + 2]
        old, new = items[0], x * 3
        items[x.argmax()] = new
        new.add_(1)
        old.mul_(2)
        return items, new, old

    check(names, *ALL, all_sides=False)

    def slots(self, x):
        found = [None] * 3
        for step in range(3):
            found[(x * (step + 1)).argmax()] = x + step
        y = x
        for value in found:
            if value is not None:
                y = y + value
        return y, found[0] is None

    check(slots, *ALL, all_sides=False)


def test_write_to_the_item_that_the_run_tells_in_a_loop():
    def forward(self, x):
        items, counts, i = [x, x + 1, x + 2], [0] * 3, 0
        while i < x.abs().sum():
            items[i % 3] = items[(i + 1) % 3] * 0.5
            counts[i % 3] += 1
            i += 1
        return items, counts

    check(forward, *ALL, all_sides=False)

    def grown(self, x):
        items, i = [], 0
        while i < x.abs().sum() + 1:
            items.append(x * i)
            i += 1
        items[0] = x * 9
        items[x.argmax() * 0 - 1] = x * 8
        return torch.stack(items), items

    check(grown, *ALL, all_sides=False)


def test_write_out_of_range_fails_as_in_eager():
    def forward(self, x):
        items = [1, 2]
        items[x.argmax().item()] = 5
        return items

    check(forward, POS, torch.tensor([[0.0, 1.0, 2.0]]), all_sides=False)


def test_items_of_a_list_that_a_branch_makes_longer_one_by_one():
    def forward(self, x):
        items, big = [x], []
        if x.sum() > 0:
            items.append(x * 2)
        for i in range(3):
            if x[0, i] > 0:
                big.append(x[0, i])
        total = torch.zeros(1)
        for item in [*items, x]:
            total = total + item.sum()
        return tuple(items), total, len(items), tuple(big), len(big)

    check(forward, *ALL, all_sides=False)


def test_lists_repeated_and_sliced_by_run_time_numbers():
    def forward(self, x):
        k = int(x.sum())
        return [0, 1] * k, len(k * [0.5]), k * [(1, True)]

    check(forward, POS, NEG, MIXED, all_sides=False)

    def sliced(self, x):
        items, k = [x, x + 1, x + 2], x.argmax()
        return items[k:], items[: k.item()], len(items[1 : k + 1])

    check(sliced, *ALL, all_sides=False)

    def tensors(self, x):
        return torch.stack([x] * int(x.abs().sum()))

    text = refuse(tensors, POS, "a list repeated a number of times known only at run time", "[x] * int(x.abs().sum())")
    assert "instead: make a tensor of the items, and repeat that" in text


def test_lists_that_are_made_longer_together_by_items_of_run_time_sizes():
    def forward(self, x):
        boxes, labels, scores = [], [], []
        for label in range(4):
            score = x[:, label]
            mask = score > 0.5
            if not mask.any():
                continue
            score = score[mask]
            boxes.append(score)
            labels.append(torch.full((len(score),), label, dtype=torch.int64))
            scores.append(score + label)
        if not boxes:
            return torch.zeros(0), torch.zeros(0, dtype=torch.long), torch.zeros(0)
        return torch.cat(boxes), torch.cat(labels), torch.cat(scores)

    torch.manual_seed(0)
    captured = check(forward, *(torch.rand(8, 4) * scale for scale in (0.4, 0.52, 0.55, 0.6, 1)), all_sides=False)
    # One number says how long all of them are.
    assert sum(1 for _ in captured.module.walk()) < 400
