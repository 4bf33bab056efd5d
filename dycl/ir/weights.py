"""The weights of a program, by key, outside the IR."""


class WeightStore:
    """Stub: see the contract."""
