"""PonderNet: a recurrent network that learns how many steps to think, and stops once all samples have halted.

Banino, Balaguer and Blundell, "PonderNet: Learning to Ponder", 2021; the program has the structure of
`ParityPonderGRU` of labml_nn/adaptive_computation/ponder_net in github.com/labmlai
(annotated_deep_learning_paper_implementations). Where that flips a coin with the probability of halting, this one halts
at the first step by which a sample has halted with probability one half, so that the same input halts at the same step.

Dynamic: a `break` out of the loop over steps, which two lists of tensors grow in and are stacked after.
"""

# pyright: basic

import torch
from calibration import reproducible, standardize
from torch import Tensor, nn


class ParityPonderGRU(nn.Module):
    """The parity of vectors of `n_elems` zeros, ones and minus ones; the sizes are small ones unless given."""

    def __init__(self, n_elems: int = 8, n_hidden: int = 16, max_steps: int = 12, seed: int = 0) -> None:
        super().__init__()
        self.max_steps = max_steps
        self.n_hidden = n_hidden
        with reproducible(seed):
            self.gru = nn.GRUCell(n_elems, n_hidden)
            self.output_layer = nn.Linear(n_hidden, 1)
            self.lambda_layer = nn.Linear(n_hidden, 1)
            self.lambda_prob = nn.Sigmoid()
            self._fit()
        # An option to set during inference so that computation is actually halted at inference time
        self.is_halt = True
        self.requires_grad_(False)
        self.eval()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Ponder over f32[batch, elements].

        Returns:
            the probabilities of halting at each step f32[steps, batch], the logits of each step, and the two of the
            step at which each sample halted, f32[batch]
        """
        batch_size = x.shape[0]

        # We get initial state
        h = x.new_zeros((x.shape[0], self.n_hidden))
        h = self.gru(x, h)

        # Lists to store probabilities and outputs of each step
        p = []
        y = []
        # The probability of not having halted before this step
        un_halted_prob = h.new_ones((batch_size,))

        # A vector to maintain which samples has halted computation
        halted = h.new_zeros((batch_size,))
        # The probability and the output where the computation was halted
        p_m = h.new_zeros((batch_size,))
        y_m = h.new_zeros((batch_size,))

        for n in range(1, self.max_steps + 1):
            # The halting probability is 1 for the last step
            if n == self.max_steps:
                lambda_n = h.new_ones(h.shape[0])
            else:
                lambda_n = self.lambda_prob(self.lambda_layer(h))[:, 0]
            y_n = self.output_layer(h)[:, 0]

            p_n = un_halted_prob * lambda_n
            un_halted_prob = un_halted_prob * (1 - lambda_n)

            # Halt where it is as likely as not to have halted by now
            halt = (un_halted_prob <= 0.5).float() * (1 - halted)

            # Collect probabilities and outputs
            p.append(p_n)
            y.append(y_n)

            # Update those of the samples that halt at this step
            p_m = p_m * (1 - halt) + p_n * halt
            y_m = y_m * (1 - halt) + y_n * halt

            # Update halted samples
            halted = halted + halt
            # Get next state
            h = self.gru(x, h)

            # Stop the computation if all samples have halted
            if self.is_halt and halted.sum() == batch_size:
                break

        return torch.stack(p), torch.stack(y), p_m, y_m

    def _fit(self) -> None:
        """Draw a recurrence that keeps moving, and let samples halt at the first step and at later ones."""
        nn.init.normal_(self.gru.weight_ih, 0, 0.5)
        nn.init.normal_(self.gru.weight_hh, 0, 1.5 * self.n_hidden**-0.5)
        mean = -1 + 2 * torch.rand(64, 1)
        scale = 0.5 + 1.5 * torch.rand(64, 1)
        x = mean + scale * torch.randn(64, self.gru.input_size)
        h = self.gru(x, x.new_zeros(64, self.n_hidden))
        standardize(self.lambda_layer, h, std=2.0)
        self.lambda_layer.bias.add_(0.5)
        standardize(self.output_layer, h)


class PaperPonderGRU(ParityPonderGRU):
    """The paper's sizes on parity."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(n_elems=64, n_hidden=128, max_steps=20, seed=seed)
