"""Programs that random programs have been shrunk to, each of which was once taken wrongly."""

import pytest
import torch
from torch import nn

from tests.frontend.capturing import ALL, MIXED, NEG, POS, check, refuse


def test_list_made_on_each_side_with_another_length_is_appended_to():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, int]:
        if x.sum() > 0:
            items = x[0].tolist()
        else:
            items = []
        items.append(3.0)
        return torch.tensor(items), len(items)

    check(forward, POS, NEG)


def test_sum_of_a_list_that_one_side_has_replaced_by_its_slice():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        items: list[int] = []
        if x.sum() > 0:
            items.append(1)
        if x.max() > 1:
            items = items[:1]
        return sum(items, x)

    check(forward, *ALL, all_sides=False)


def test_item_at_a_run_time_index_is_the_item_itself():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        parts = [x, x * 1]
        part = parts[sum(x.sum().item() > 1 for _ in x)]
        part.mul_(0.5)
        return x * 1

    check(forward, POS, NEG, all_sides=False)


def test_refuses_a_reduction_of_no_elements_as_eager_execution_does():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return x[False].max() + x

    refuse(forward, POS, "the model raised RuntimeError: max.*reduction dim", at="x[False].max()")


def test_handles_what_a_reduction_of_no_elements_raises():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        try:
            return x[False].max() + x
        except RuntimeError:
            return x * (2 if x.sum() > 0 else 3)

    check(forward, POS, NEG)


class Stop(Exception):
    pass


@pytest.mark.parametrize("inlined", [False, True])
def test_ends_in_an_exception_where_no_path_has_returned(inlined: bool):
    def run(x: torch.Tensor) -> torch.Tensor:
        if x.sum() > 0:
            return x * 2
        if x.max() > 2:
            return x * 3
        raise Stop("done", 1)

    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        return run(x) + 1

    if inlined:
        check(forward, POS, MIXED * 2 - 0.5, NEG)
    else:
        check(lambda self, x: run(x), POS, MIXED * 2 - 0.5, NEG)


def test_ends_in_an_undefined_name_where_no_path_has_returned():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        if x.sum() > 0:
            return x, x.new_zeros(300, 300)
        return undefined + x  # noqa: F821 # pyright: ignore

    check(forward, POS, NEG)


def test_loop_that_returns_or_else_the_forward_raises():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        for row in x.unbind(1):
            if row.sum() > 0:
                return row
        raise Stop

    check(forward, POS, NEG, MIXED, torch.tensor([[-1.0, -2.0, 0.5]]))


def test_recursive_function_that_ends_in_an_exception():
    def halve(x: torch.Tensor) -> torch.Tensor:
        if x.sum() < 1:
            return x
        if x.max() < 50:
            return halve(x / 2)
        raise Stop

    check(lambda self, x: halve(x) + 1, POS, NEG, POS * 100)


@pytest.mark.parametrize("loops", ["keep", "unroll"])
def test_break_in_the_else_of_a_try(loops: str):
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        for scale in self.scales:
            try:
                if x.sum() > scale:
                    raise ValueError
                x = x + 1
            except ValueError:
                x = x - 0.5
            else:
                break
        return x

    check(forward, POS, NEG, POS * 2, all_sides=False, loops=loops, scales=[1.0, 2.5, 3.0])


def test_run_time_bool_in_tensor_arithmetic():
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        flag = x.sum().item() > 1
        return (x < 1) == flag, x * flag, x + (not flag), (x > 0) & flag, torch.where(x > 0, flag, x)

    check(forward, POS, NEG)


def test_truth_of_a_list_that_is_longer_on_one_path():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        items = [1] if x.sum() > 0 else []
        return x + 1 if bool(items) else x

    check(forward, POS, NEG)


def test_item_that_is_written_loses_leading_axes():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        y = x * 1
        y[0] = x.flatten()[x.flatten() > 1].unsqueeze(1)
        return y

    check(forward, POS, POS * 2, NEG, all_sides=False)


def test_reduction_of_no_elements_fails_though_its_result_is_not_used():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        kept = x[x > 0]
        while kept.sum() < 20:
            kept = kept.abs() + 1.3
            kept.max()
        return kept

    check(forward, POS, MIXED, NEG, all_sides=False)


def test_handles_the_largest_of_no_elements():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        try:
            return x[x > 0].max() * 2
        except RuntimeError:
            return x.min()

    check(forward, POS, MIXED, NEG)


def test_boxes_that_are_suppressed_in_a_loop():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        points = (x.reshape(3, 1) * x > 0).nonzero()
        order = points[:, 0].argsort(stable=False)
        while order.numel() > 0:
            order = order[(points[order] - points[order[0]]).abs().amax(-1) > 2]
        return order

    check(forward, POS, NEG, MIXED, all_sides=False)
