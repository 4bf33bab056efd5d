"""What the examples that read tokens have in common: inputs to fit on, and weights that make tokens matter."""

# torch leaves the functions of `nn.init` partly untyped.
# pyright: reportUnknownMemberType=false

import torch
from torch import Tensor, nn


def sample_tokens(*size: int) -> Tensor:
    """Token ids 0 to 9, which every vocabulary has: i64[size]."""
    return torch.randint(0, 10, size)


def initialize_transformer(model: nn.Module) -> None:
    """Give linear layers weights of deviation 1 / sqrt(fan in), and norms affine parameters that matter.

    The usual 0.02 makes attention uniform and hidden states almost the same for all inputs until training changes it.
    """
    for module in model.modules():
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, module.in_features**-0.5)
            if "bias" in dict(module.named_parameters()):
                nn.init.normal_(module.bias, 0, 0.1)
        elif isinstance(module, nn.LayerNorm):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
