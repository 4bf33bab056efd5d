"""What a branch leaves in names: all that may still be read, wherever and however that is."""

import torch

from tests.frontend.capturing import MIXED, NEG, POS, check


def test_a_name_is_kept_for_the_next_iteration_and_for_its_condition():
    def forward(self, x):
        scale, steps = 1.0, 0
        while steps < 3:
            x = x * scale + 1
            if x.sum() > 3:
                scale, steps = scale + 0.5, steps + 1
            else:
                scale, steps = scale - 0.5, steps + 1
        return x

    check(forward, POS, NEG, MIXED, all_sides=False, loops="unroll")


def test_a_name_is_kept_for_the_functions_that_read_it():
    def forward(self, x):
        shift, factor = x, x

        def shifted(y):
            return y + shift

        scaled = lambda y: y * factor  # noqa: E731
        if x.sum() > 0:
            shift, factor = x + 1, x * 2
        else:
            shift, factor = x - 1, x * 3
        return shifted(x), scaled(x)

    check(forward, POS, NEG)


def test_a_function_that_has_returned_keeps_the_names_of_the_one_it_gave():
    def forward(self, x):
        def made(y):
            offset = y
            if y.sum() > 0:
                offset = y * 2
            return lambda z: z + offset

        return made(x)(x)

    check(forward, POS, NEG)


def test_a_name_is_kept_for_a_finally_and_for_what_follows_a_try():
    def forward(self, x):
        y = z = x
        try:
            if x.sum() > 0:
                y, z = x + 1, x * 2
                if x.max() > 100:
                    raise ValueError
            else:
                z = x * 3
        except ValueError:
            y = x
        finally:
            z = z + 1
        return y, z

    check(forward, POS, NEG, torch.tensor([[200.0, 1.0, 1.0]]))


def test_a_name_is_kept_for_a_generator_that_goes_on():
    def forward(self, x):
        def steps(y):
            step = 1.0
            for _ in range(3):
                if y.sum() > 0:
                    step, y = step + 1, y - 1
                yield y * step

        return sum(steps(x))

    check(forward, POS, NEG, all_sides=False)


def test_a_name_that_is_augmented_or_deleted_is_read():
    def forward(self, x):
        total = other = x
        if x.sum() > 0:
            total, other = x + 1, x
        else:
            total, other = x - 1, x * 2
        del other
        total += 1
        return total

    check(forward, POS, NEG)
