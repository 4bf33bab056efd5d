"""Tensors with several names: what is written by one is read by the others, on every path."""

import pytest
import torch
from torch import nn

from tests.frontend.capturing import ALL, MIXED, NEG, POS, SMALL, check, refuse


@pytest.mark.parametrize("by_new_name", [True, False])
def test_write_by_either_name_of_a_tensor_that_a_branch_has_named(by_new_name: bool):
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        a, b = x * 2, x * 3
        y = a if x.sum() > 1 else b
        (y if self.by_new_name else a).add_(1)
        return a, b, y

    check(forward, POS, NEG, by_new_name=by_new_name)


def test_name_for_a_tensor_on_one_path_and_a_new_one_on_the_other():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a = x * 2
        y = a
        if x.sum() > 1:
            y = x * 5
        y.mul_(2)
        first = a + 0
        a.mul_(3)
        return first, y

    check(forward, POS, NEG)


def test_write_inside_the_branch_that_made_the_name():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        a, b = x * 2, x * 3
        y = a if x.sum() > 1 else b
        if x.max() > 1:
            y.add_(1)
            z = a * b
        else:
            b.sub_(1)
            z = y + a
        return y, z

    check(forward, *ALL, all_sides=False)


def test_names_of_names():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        a, b, c = x * 2, x * 3, x * 4
        y = a if x.sum() > 1 else b
        z = y if x.max() > 1 else c
        z.add_(1)
        a.mul_(2)
        return a, b, c, y, z

    check(forward, *ALL)


def test_name_made_inside_a_side_is_followed_outside():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        a, b, c = x * 2, x * 3, x * 4
        if x.sum() > 1:
            y = a if x.max() > 1 else b
            y = y if x.min() > 0.1 else x * 7
        else:
            y = c
        y.add_(1)
        return a, b, c, y

    check(forward, POS, SMALL + 0.5, NEG, MIXED + 0.5, MIXED, all_sides=False)


def test_views_of_names_and_names_of_views():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        a, b = x * 2, torch.zeros(2, 3)
        y = a[0] if x.sum() > 1 else b[1]
        y[:2] = 9.0
        part = y[1:]
        a.add_(1)
        b.sub_(1)
        return a, b, part

    check(forward, POS, NEG)


def test_write_through_a_name_after_a_loop():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        start = x * 2
        y = start
        while y.sum() > 1:
            y = y - 1
        y.add_(10)
        return start, y

    check(forward, *ALL, all_sides=False)


def test_write_in_a_loop_reaches_what_was_there_before_it():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        start = x * 2
        y = start
        while y.sum() > 1:
            y.sub_(0.5)
            if y.max() < 2:
                y = y * 0.5
        return start, y

    check(forward, *ALL, all_sides=False)


def test_previous_state_of_a_loop_is_another_tensor():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        state, last = x * 2, x * 3
        first = state
        while state.sum() > 1:
            last = state
            state = state * 0.5 - 0.25
            last.add_(1)
        last.mul_(2)
        return state, last, first

    check(forward, *ALL, all_sides=False)


def test_write_to_an_item_chosen_at_run_time():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        parts = [x * 1, x * 2, x * 3]
        part = parts[int(x.argmax())]
        part.mul_(10)
        parts[0].add_(1)
        return (*parts, part)

    check(forward, POS, torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([[1.0, 2.0, 3.0]]), all_sides=False)


def test_write_to_the_input_by_a_name_that_a_branch_has_given():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        y = x
        if x.sum() > 1:
            y = y + 1
        y += 1
        return x * 1, y

    check(forward, POS.clone(), NEG.clone())


def test_residual_that_an_in_place_activation_writes():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        for layer in self.layers:
            identity = x
            if x.sum() > 0:
                x = layer(x)
            x = torch.relu_(x)
            x = x + identity
        return x

    torch.manual_seed(0)
    check(forward, POS, NEG, MIXED, all_sides=False, layers=nn.ModuleList(nn.Linear(3, 3) for _ in range(3)))


def test_refuses_a_write_to_what_may_be_a_weight():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        y = self.weight if x.sum() > 0 else x * 2
        y.add_(1)
        return y

    refuse(forward, POS, "a write to the weight `weight`", at="y.add_(1)", weight=nn.Parameter(torch.ones(1, 3)))


def test_refuses_to_read_what_may_have_been_written_under_a_name_of_another_size():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        base = x * 2
        y = base if x.sum() > 0 else x[:, 1:]
        y.add_(1)
        return base

    refuse(forward, POS, "on one path stands for the same tensor", at="return base")


def test_refuses_to_read_a_list_of_which_an_item_was_written_after_it_grew():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        h, parts = x * 1, [x * 2]
        while h.sum() > 1:
            h.mul_(0.5)
            parts.append(h)
        return torch.stack(parts)

    refuse(forward, POS, "on one path stands for the same tensor", at="parts.append(h)")


def test_item_that_was_written_by_its_place_in_a_list_that_a_branch_made_longer():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        h, parts = x * 1, [x * 2]
        if x.sum() > 1:
            parts.append(h)
        parts[-1].add_(1)
        return h

    check(forward, POS, NEG)


def test_refuses_to_write_to_a_tensor_that_is_several_items_of_a_list():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        items, i, t = [], 0, x.clone()
        while i < 2 + x.abs().sum():
            items.append(t)
            i += 1
        items[0].add_(1)
        return items[1]

    refuse(forward, POS, "a write to a tensor that is more than one item of a list", at="items[0].add_(1)")


def test_write_by_its_place_in_a_list_that_grew():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        parts = [x * 2]
        if x.sum() > 1:
            parts.append(x * 1)
        parts[-1].add_(1)
        whole = torch.cat(parts)
        whole.mul_(2)
        return whole, torch.stack(parts)

    check(forward, POS, NEG)


def test_items_made_and_written_in_each_iteration():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        h, parts = x * 1, []
        while h.sum() > 1:
            h = torch.relu_(h * 0.5 - 0.1)
            h += 0.125
            h = h * 0.5
            parts.append(h)
        parts.append(x)
        return torch.stack(parts)

    check(forward, *ALL, all_sides=False)


@pytest.mark.parametrize("always_rebinds", [True, False])
@pytest.mark.parametrize("by_new_name", [True, False])
def test_tensor_that_a_loop_writes_and_a_name_that_it_rebinds(by_new_name: bool, always_rebinds: bool):
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, int]:
        z = torch.zeros_like(x)
        m = z if x.sum() > 0 else torch.zeros_like(x)
        k = 0
        while z.sum() < 20 and k < 10:
            (m if self.by_new_name else z).add_(x.abs() + 1)
            if self.always_rebinds or m.sum() > 15:
                m = m / 2
            k += 1
        return z, m, k

    check(forward, *ALL, all_sides=False, by_new_name=by_new_name, always_rebinds=always_rebinds)
