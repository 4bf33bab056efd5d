"""`loops="keep"`: which of the loops that Python alone decides stay loops."""

import torch

from dycl.ir.ops import ForOp
from tests.frontend.capturing import MIXED, NEG, POS, check, count


def test_a_loop_is_evaluated_where_the_code_behind_it_must_know_the_sizes_that_it_leaves():
    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        first, second = x.unbind(1)
        return first - second

    layers = torch.nn.ModuleList([torch.nn.Linear(3, 2), torch.nn.Linear(2, 2)])
    kept = check(forward, POS, NEG, loops="keep", layers=layers)
    assert count(kept, ForOp) == 0


def test_a_kept_loop_takes_tensors_by_number_only_where_their_sizes_are_known_to_be_equal():
    def forward(self, x):
        positive, large = x[x > 0], x[x > 1]
        total = x[0, :0].sum()
        for part in [positive, positive * 2]:
            total = total + part.sum()
        for part in [positive, large]:
            total = total * 3 + part.sum()
        return total

    kept = check(forward, POS, NEG, MIXED, loops="keep")
    assert count(kept, ForOp) == 1
