"""The state of a source program, set back between sequences of calls."""

import copy
from typing import Any

from torch import nn

from dycl.program import Program


class EagerState:
    """The attributes of a module that a program carries from call to call, as they are when this is made."""

    def __init__(self, eager: Any, program: Program) -> None:
        self._values: list[tuple[nn.Module, str, object]] = []
        if not isinstance(eager, nn.Module):
            return
        for path in dict.fromkeys(entry.input.name.partition("[")[0] for entry in program.state):
            prefix, _, name = path.rpartition(".")
            owner = eager.get_submodule(prefix)
            self._values.append((owner, name, copy.deepcopy(getattr(owner, name))))

    def reset(self) -> None:
        for owner, name, value in self._values:
            setattr(owner, name, copy.deepcopy(value))
