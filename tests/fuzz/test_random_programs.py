"""A slice of the random programs of tools/fuzz: each fares as in eager execution, through every pass and compiled."""

import pytest

from tools.fuzz.programs import try_seed


@pytest.mark.parametrize("seed", range(24))
def test_random_program_fares_as_in_eager_execution(seed: int):
    outcome = try_seed(seed).outcome
    assert outcome.kind != "failed", f"{outcome.stage}: {outcome.what}\n{outcome.text}"
