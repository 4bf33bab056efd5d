"""Programs that random programs have been shrunk to, each of which was once taken wrongly."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from dycl.passes import parse_pipeline
from tests.frontend.capturing import ALL, MIXED, NEG, POS, SMALL, check, program, refuse


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


def test_refuses_operations_of_dtypes_that_eager_execution_refuses():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        x & 1
        return x

    refuse(
        forward,
        POS,
        "the model raised NotImplementedError: \"bitwise_and_cpu\" not implemented for 'Float'",
        at="x & 1",
    )


@pytest.mark.parametrize("operation", [lambda x: x | 1, lambda x: x - True, lambda x: (x > 0).relu(), lambda x: x[x]])
def test_handles_what_operations_raise_for_dtypes(operation: Callable[[torch.Tensor], torch.Tensor]):
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        try:
            return operation(x)
        except (NotImplementedError, RuntimeError, IndexError):
            return x * (2 if x.sum() > 0 else 3)

    check(forward, POS, NEG)


def test_only_one_whole_number_is_an_index():
    def forward(self: nn.Module, x: torch.Tensor, k: torch.Tensor) -> tuple[object, ...]:
        items: list[object] = []
        for index in (x[x > 1].unsqueeze(1), k[k > 0], x.sum() > 0, k[:1]):
            try:
                items.append([x, x * 2, 3, 4][index])  # pyright: ignore[reportCallIssue, reportArgumentType]
            except TypeError:
                items.append(x * 3)
        return (*items, len(range(k[0])))

    one, several = torch.tensor([1, 0]), torch.tensor([2, 2])
    check(forward, (POS, one), (NEG, several), (POS, several), (NEG, one), all_sides=False)


def test_number_beyond_the_end_of_a_list_that_a_kept_loop_would_have_made_longer():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        items: list[int] = []
        while 1 < 1:
            items.append(1)
        for _ in range(2):
            items[1]
        return x

    with pytest.raises(IndexError):
        program(forward)(POS)
    check(forward, POS, loops="keep", all_sides=False)


@pytest.mark.parametrize("loops", ["keep", "auto", "unroll"])
def test_a_loop_on_one_path_whose_test_always_raises(loops: str):
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        try:
            if x.sum() > 0:
                while 1 < 2:
                    raise ValueError(x)
            if x.max() > 0:
                while [1][1]:
                    pass
        except ValueError:
            return x * 3
        return x

    check(forward, POS, NEG, torch.tensor([[-3.0, 1.0, 0.5]]), loops=loops)


def test_refuses_an_index_tensor_of_floats_of_a_run_time_size():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        x[x[x > 1]] = 1
        return x

    refuse(forward, POS, "the model raised IndexError: tensors used as indices must be", at="x[x[x > 1]]")


def test_refuses_a_list_of_unlike_items_that_a_loop_makes_longer():
    def forward(self: nn.Module, x: torch.Tensor) -> int:
        parts: list[object] = [1]
        count = 0
        while x.sum() and count < 3:
            count += 1
            parts.append(x)
        return len(parts)

    refuse(forward, POS, "a loop whose end depends on a tensor, and whose variables change", at="parts.append(x)")


@pytest.mark.parametrize("loops", ["keep", "auto", "unroll"])
def test_a_loop_in_a_try_whose_target_does_not_fit_its_items(loops: str):
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        try:
            for (_,) in [[1, x][1], x.view(3, 1)]:
                x = x + 1
        except ValueError:
            return x * (2 if x.sum() > 0 else 3)
        return x

    check(forward, POS, NEG, loops=loops, all_sides=False)


@pytest.mark.parametrize("loops", ["keep", "auto", "unroll"])
def test_an_item_beyond_the_end_in_a_loop_in_a_try(loops: str):
    def forward(self: nn.Module, x: torch.Tensor) -> tuple[torch.Tensor, int]:
        items = [x, x * 2, x * 3]
        count = 0
        try:
            for index in range(int(x.sum())):
                count += 1
                x = x + items[index]
        except IndexError:
            return x * 2, count
        return x, count

    check(forward, POS, NEG, SMALL * 6, POS * 0, loops=loops, all_sides=False)


def test_an_item_of_an_empty_list_in_a_kept_loop_that_never_runs():
    def forward(self: nn.Module, x: torch.Tensor) -> torch.Tensor:
        items: list[int] = []
        while items:
            items.append(items[1])
        return x

    captured = check(forward, POS, loops="keep")
    parse_pipeline("propagate-constants").run(captured)
