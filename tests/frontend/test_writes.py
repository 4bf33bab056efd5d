"""In-place writes, views, and names for the same tensor."""

# The programs are as people write them.

import torch
from torch import nn
from torch.nn import functional as F

from dycl.ir.ops import AtenOp
from tests.frontend.capturing import ALL, MIXED, NEG, POS, check, count, refuse


def overloads(captured):
    return [op.overload.data for op in captured.module.walk() if isinstance(op, AtenOp)]


def test_masked_writes_of_numbers():
    def forward(self, x):
        policy = torch.sigmoid(x).clone()
        policy[policy < 0.5] = 0.0
        policy[policy >= 0.5] = 1.0
        return policy.squeeze(0)

    assert overloads(check(forward, *ALL)).count("masked_fill.Scalar") == 2


def test_augmented_assignment_changes_every_name():
    def forward(self, x):
        out = x * 2
        same = out
        out += x
        out *= 3
        return same, out

    check(forward, POS)


def test_augmented_assignment_of_a_new_tensor_does_not():
    def forward(self, x):
        y = x * 2
        z = y
        y = y + x
        return y, z

    check(forward, POS)


def test_view_written_then_base_read():
    def forward(self, x):
        y = x * 1
        row = y[0]
        row[1] = 7.0
        y[:, 2:] = row[0]
        return y, row

    check(forward, POS, NEG)


def test_base_written_then_view_read():
    def forward(self, x):
        y = x * 1
        flat = y.view(-1)
        y.add_(1)
        first = flat[0]
        y.mul_(2)
        return flat, first, flat.sum()

    check(forward, POS)


def test_views_of_views():
    def forward(self, x):
        y = torch.cat([x, x, x], 0)
        y.t()[1:].transpose(0, 1)[0, 1] = 9.0
        y.unsqueeze(0).squeeze(0).permute(1, 0)[2] += 1
        a, b = y.chunk(2, dim=0)
        b.zero_()
        y.flatten()[0] = -5
        for row in y.unbind(1):
            row.mul_(2)
        y.split([1, 2])[1].fill_(0.25)
        y.diagonal().add_(3)
        return y, a

    check(forward, *ALL)


def test_one_of_several_views_after_a_write():
    def forward(self, x):
        a, b, c = (x * 1).chunk(3, 1)
        b.add_(10)
        d, e = torch.cat([x, x]).unbind(0)
        e.mul_(2)
        d.mul_(3)
        return a, b, c, d, e

    check(forward, POS)


def test_in_place_modules_and_functions():
    def forward(self, x):
        y = self.relu(x * 2)
        z = y - 1
        w = F.relu(z, inplace=True)
        return y, z, w, F.leaky_relu_(z - 1, 0.3), z.clamp_(0, 0.5)

    check(forward, *ALL, relu=nn.ReLU(inplace=True))


def test_dtype_of_an_in_place_result():
    def forward(self, x):
        y = x * 1
        y += torch.ones(3, dtype=torch.float64)
        n = torch.zeros(3, dtype=torch.int64)
        n += 2
        n[0] = 7.9
        return y, n

    check(forward, POS)


def test_copy_broadcasts_and_converts():
    def forward(self, x):
        y = torch.zeros(2, 3)
        y.copy_(x)
        y[1] = torch.arange(3)
        y[:, 0] = x.max()
        return y

    check(forward, POS, NEG)


def test_index_writes():
    def forward(self, x):
        y = torch.zeros(4, 3)
        y[torch.tensor([0, 2])] = x
        y[torch.tensor([1, 1]), torch.tensor([0, 2])] += 5
        y.index_add_(0, torch.tensor([3]), x)
        y.masked_fill_(y > 1.5, -1)
        return y

    check(forward, POS, NEG)


def test_write_in_a_branch_is_merged():
    def forward(self, x):
        y = x * 1
        view = y[0, :2]
        if x.sum() > 0:
            y[0, 0] = 100.0
        else:
            view.mul_(3)
        return y, view

    check(forward, POS, NEG)


def test_write_in_a_branch_to_a_list_item():
    def forward(self, x):
        parts = [x * 1, x * 2]
        if x.sum() > 0:
            parts[0] += 5
        return parts[0] - parts[1]

    check(forward, POS, NEG)


def test_write_before_an_exit_stays_on_its_path():
    def forward(self, x):
        y = x * 1
        if x.sum() > 0:
            y += 1
            return y
        return y * 2

    check(forward, POS, NEG)


def test_equal_names_on_both_sides_stay_one_tensor():
    def forward(self, x):
        y = x * 2
        z = y
        if x.sum() > 0:
            z = y
            w = x + 1
        else:
            w = x - 1
        z += 1
        return y, w

    check(forward, POS, NEG)


def test_inputs_may_be_written():
    def forward(self, x):
        x += 1
        return x.relu_()

    check(forward, *ALL)


def test_writes_to_weights_are_refused():
    def forward(self, x):
        self.layer.weight += 1
        return self.layer(x)

    refuse(forward, POS, "a write to the weight `layer.weight`", "self.layer.weight += 1", layer=nn.Linear(3, 3))


def test_writes_to_constants_of_the_model_are_refused():
    def forward(self, x):
        y = self.table
        y[0] = 1
        return x + y

    refuse(forward, POS, "a write to a tensor that the model holds", "y[0]", table=[torch.zeros(3)][0])


def test_reshaping_in_place_is_refused():
    def forward(self, x):
        y = x * 1
        y.unsqueeze_(0)
        return y

    refuse(forward, POS, "changes a tensor's shape in place", "y.unsqueeze_(0)")


def test_out_arguments_are_refused():
    def forward(self, x):
        y = torch.empty(1, 3)
        torch.add(x, x, out=y)
        return y

    refuse(forward, POS, "writes to one of its arguments", "torch.add(x, x, out=y)")


def test_data_and_detach_share_memory():
    def forward(self, x):
        y = x * 1
        y.data[0, 0] = 5
        z = y.detach()
        z[0, 1] = 6
        return y

    check(forward, POS)


def test_clones_do_not_share_memory():
    def forward(self, x):
        y = x * 1
        z = y.clone()
        z += 1
        w = y.contiguous()
        w += 10
        return y, z, w

    check(forward, POS)


def test_copies_without_effect_are_no_operations():
    def forward(self, x):
        return x.clone().contiguous().to(torch.float32).float().cpu().detach() + 1

    assert count(check(forward, POS), AtenOp) == 1


def test_mixed_sign_inputs_through_nested_writes():
    def forward(self, x):
        y = torch.zeros(2, 3)
        for i in range(2):
            if x[0, i] > 0:
                y[i] = x[0] * (i + 1)
            else:
                y[i, i:] = -1
        return y

    check(forward, *ALL, -MIXED)
