"""Universal Transformer with adaptive computation time: one layer is applied until every position has halted.

Graves, "Adaptive Computation Time for Recurrent Neural Networks", 2016; Dehghani, Gouws, Vinyals, Uszkoreit and Kaiser,
"Universal Transformers", ICLR 2019; the program has the structure of `BabiUTransformer`, `Encoder` and `ACT_basic` of
models/UTransformer.py in github.com/andreamad8/Universal-Transformer-Pytorch, without its `.cuda()` calls.

Dynamic: `while (...).any()` over the halting probabilities of all positions; each step reads its own row of the table
of step signals.
"""

# pyright: basic

import math

import numpy as np
import torch
from calibration import between_quantile, reproducible, standardize
from token_calibration import initialize_transformer, sample_tokens
from torch import Tensor, nn


def _gen_timing_signal(length: int, channels: int, min_timescale: float = 1.0, max_timescale: float = 1.0e4) -> Tensor:
    """Sinusoids f32[1, length, channels]."""
    position = np.arange(length)
    num_timescales = channels // 2
    log_timescale_increment = math.log(max_timescale / min_timescale) / (num_timescales - 1)
    inv_timescales = min_timescale * np.exp(np.arange(num_timescales) * -log_timescale_increment)
    scaled_time = np.expand_dims(position, 1) * np.expand_dims(inv_timescales, 0)

    signal = np.concatenate([np.sin(scaled_time), np.cos(scaled_time)], axis=1)
    signal = np.pad(signal, [[0, 0], [0, channels % 2]])
    return torch.from_numpy(signal.reshape([1, length, channels])).float()


class LayerNorm(nn.Module):
    def __init__(self, features: int, eps: float = 1e-6) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(features))
        self.beta = nn.Parameter(torch.zeros(features))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(-1, keepdim=True)
        std = x.std(-1, keepdim=True)
        return self.gamma * (x - mean) / (std + self.eps) + self.beta


class MultiHeadAttention(nn.Module):
    def __init__(self, input_depth, total_key_depth, total_value_depth, output_depth, num_heads) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query_scale = (total_key_depth // num_heads) ** -0.5
        self.query_linear = nn.Linear(input_depth, total_key_depth, bias=False)
        self.key_linear = nn.Linear(input_depth, total_key_depth, bias=False)
        self.value_linear = nn.Linear(input_depth, total_value_depth, bias=False)
        self.output_linear = nn.Linear(total_value_depth, output_depth, bias=False)

    def _split_heads(self, x: Tensor) -> Tensor:
        if len(x.shape) != 3:
            raise ValueError("x must have rank 3")
        shape = x.shape
        return x.view(shape[0], shape[1], self.num_heads, shape[2] // self.num_heads).permute(0, 2, 1, 3)

    def _merge_heads(self, x: Tensor) -> Tensor:
        if len(x.shape) != 4:
            raise ValueError("x must have rank 4")
        shape = x.shape
        return x.permute(0, 2, 1, 3).contiguous().view(shape[0], shape[2], shape[3] * self.num_heads)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        queries = self._split_heads(self.query_linear(queries))
        keys = self._split_heads(self.key_linear(keys))
        values = self._split_heads(self.value_linear(values))

        queries *= self.query_scale

        logits = torch.matmul(queries, keys.permute(0, 1, 3, 2))
        weights = nn.functional.softmax(logits, dim=-1)
        contexts = torch.matmul(weights, values)
        return self.output_linear(self._merge_heads(contexts))


class Conv(nn.Module):
    """A convolution along the sequence of [batch, sequence, channels] that keeps its length."""

    def __init__(self, input_size: int, output_size: int, kernel_size: int) -> None:
        super().__init__()
        self.pad = nn.ConstantPad1d((kernel_size // 2, (kernel_size - 1) // 2), 0)
        self.conv = nn.Conv1d(input_size, output_size, kernel_size=kernel_size, padding=0)

    def forward(self, inputs: Tensor) -> Tensor:
        inputs = self.pad(inputs.permute(0, 2, 1))
        return self.conv(inputs).permute(0, 2, 1)


class PositionwiseFeedForward(nn.Module):
    def __init__(self, input_depth: int, filter_size: int, output_depth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            [Conv(input_depth, filter_size, kernel_size=3), Conv(filter_size, output_depth, kernel_size=3)]
        )
        self.relu = nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        x = inputs
        for layer in self.layers:
            x = self.relu(layer(x))
        return x


class EncoderLayer(nn.Module):
    def __init__(self, hidden_size, total_key_depth, total_value_depth, filter_size, num_heads) -> None:
        super().__init__()
        self.multi_head_attention = MultiHeadAttention(
            hidden_size, total_key_depth, total_value_depth, hidden_size, num_heads
        )
        self.positionwise_feed_forward = PositionwiseFeedForward(hidden_size, filter_size, hidden_size)
        self.layer_norm_mha = LayerNorm(hidden_size)
        self.layer_norm_ffn = LayerNorm(hidden_size)

    def forward(self, inputs: Tensor) -> Tensor:
        x = inputs

        x_norm = self.layer_norm_mha(x)
        y = self.multi_head_attention(x_norm, x_norm, x_norm)
        x = x + y

        x_norm = self.layer_norm_ffn(x)
        y = self.positionwise_feed_forward(x_norm)
        return x + y


class ACT_basic(nn.Module):
    """Apply `fn` to `state` until each position's halting probabilities add up to the threshold, or `max_hop` times."""

    def __init__(self, hidden_size: int) -> None:
        super().__init__()
        self.sigma = nn.Sigmoid()
        self.p = nn.Linear(hidden_size, 1)
        self.p.bias.data.fill_(1)
        self.threshold = 1 - 0.1

    def forward(self, state, inputs, fn, time_enc, pos_enc, max_hop, encoder_output=None):
        # init_hdd
        ## [B, S]
        halting_probability = torch.zeros(inputs.shape[0], inputs.shape[1]).to(inputs.device)
        ## [B, S]
        remainders = torch.zeros(inputs.shape[0], inputs.shape[1]).to(inputs.device)
        ## [B, S]
        n_updates = torch.zeros(inputs.shape[0], inputs.shape[1]).to(inputs.device)
        ## [B, S, HDD]
        previous_state = torch.zeros_like(inputs)
        step = 0
        while ((halting_probability < self.threshold) & (n_updates < max_hop)).byte().any():
            # Add timing signal
            state = state + time_enc[:, : inputs.shape[1], :].type_as(inputs.data)
            state = state + pos_enc[:, step, :].unsqueeze(1).repeat(1, inputs.shape[1], 1).type_as(inputs.data)

            p = self.sigma(self.p(state)).squeeze(-1)
            # Mask for inputs which have not halted yet
            still_running = (halting_probability < 1.0).float()

            # Mask of inputs which halted at this step
            new_halted = (halting_probability + p * still_running > self.threshold).float() * still_running

            # Mask of inputs which haven't halted, and didn't halt this step
            still_running = (halting_probability + p * still_running <= self.threshold).float() * still_running

            # Add the halting probability for this step to those inputs which haven't halted yet
            halting_probability = halting_probability + p * still_running

            # Compute remainders for the inputs which halted at this step
            remainders = remainders + new_halted * (1 - halting_probability)

            # Add the remainders to those inputs which halted at this step
            halting_probability = halting_probability + new_halted * remainders

            # Increment n_updates for all inputs which are still running
            n_updates = n_updates + still_running + new_halted

            # The weight of the new state: 0 where halted before, the remainder where halted now, p elsewhere
            update_weights = p * still_running + new_halted * remainders

            if encoder_output:
                state, _ = fn((state, encoder_output))
            else:
                # apply transformation on the state
                state = fn(state)

            # update running part in the weighted state and keep the rest
            previous_state = (state * update_weights.unsqueeze(-1)) + (
                previous_state * (1 - update_weights.unsqueeze(-1))
            )
            step += 1
        return previous_state, (remainders, n_updates)


class Encoder(nn.Module):
    def __init__(
        self, embedding_size, hidden_size, num_layers, num_heads, total_key_depth, total_value_depth, filter_size,
        max_length=100, act=False,
    ) -> None:  # fmt: skip
        super().__init__()
        self.timing_signal = _gen_timing_signal(max_length, hidden_size)
        self.position_signal = _gen_timing_signal(num_layers, hidden_size)
        self.num_layers = num_layers
        self.act = act
        self.proj_flag = False
        if embedding_size == hidden_size:
            self.embedding_proj = nn.Linear(embedding_size, hidden_size, bias=False)
            self.proj_flag = True
        self.enc = EncoderLayer(hidden_size, total_key_depth, total_value_depth, filter_size, num_heads)
        if self.act:
            self.act_fn = ACT_basic(hidden_size)

    def forward(self, inputs: Tensor):
        x = inputs

        if self.proj_flag:
            # Project to hidden size
            x = self.embedding_proj(x)

        if self.act:
            x, (remainders, n_updates) = self.act_fn(
                x, inputs, self.enc, self.timing_signal, self.position_signal, self.num_layers
            )
            return x, (remainders, n_updates)
        for layer in range(self.num_layers):
            x += self.timing_signal[:, : inputs.shape[1], :].type_as(inputs.data)
            signal = self.position_signal[:, layer, :].unsqueeze(1)
            x += signal.repeat(1, inputs.shape[1], 1).type_as(inputs.data)
            x = self.enc(x)
        return x, None


class BabiUTransformer(nn.Module):
    """Answer a question on a story of the bAbI tasks; the sizes are small ones unless given.

    `num_layers` is the largest number of steps of a position. Without `act` every position takes that many.
    """

    def __init__(
        self,
        num_vocab: int = 32,
        embedding_size: int = 32,
        num_layers: int = 6,
        num_heads: int = 4,
        filter_size: int = 32,
        max_length: int = 71,
        story_len: int = 6,
        act: bool = True,
        seed: int = 0,
    ) -> None:
        super().__init__()
        with reproducible(seed):
            self.embedding_dim = embedding_size
            self.emb = nn.Embedding(num_vocab, embedding_size, padding_idx=0)
            self.transformer_enc = Encoder(
                embedding_size, embedding_size, num_layers, num_heads, embedding_size, embedding_size, filter_size,
                max_length=max_length, act=act,
            )  # fmt: skip
            self.W = nn.Linear(self.embedding_dim, num_vocab)
            self.softmax = nn.Softmax(dim=1)
            ## POSITIONAL MASK
            self.mask = nn.Parameter(torch.ones(story_len, self.embedding_dim))
            self._fit()
        self.requires_grad_(False)
        self.eval()

    def forward(self, story: Tensor, query: Tensor):
        """Answer a query i64[batch, words] on a story i64[batch, sentences, words].

        Returns:
            the logits of the answer f32[batch, vocabulary], their softmax, and per sentence, the query the last, the
            remainder f32[batch, sentences + 1] and the number of steps that it took; `None` without `act`
        """
        embed = self._embed(story, query)

        ## APPLY TRANSFORMER
        logit, act = self.transformer_enc(embed)

        a_hat = self.W(torch.sum(logit, dim=1) / logit.size(1))  ## reduce mean

        return a_hat, self.softmax(a_hat), act

    def _embed(self, story: Tensor, query: Tensor) -> Tensor:
        story_size = story.size()
        ## STORY ENCODER + MUlt Mask
        embed = self.emb(story.view(story.size(0), -1))
        embed = embed.view((*story_size, embed.size(-1)))
        embed_story = torch.sum(embed * self.mask[: story.size(2), :].unsqueeze(0), 2)

        ## QUERY ENCODER + MUlt Mask
        query_embed = self.emb(query)
        embed_query = torch.sum(query_embed.unsqueeze(1) * self.mask[: query.size(1), :], 2)

        ## CONCAT STORY AND QUERY
        return torch.cat([embed_story, embed_query], dim=1)

    def _fit(self) -> None:
        """Let a fifth of the stories halt at the first step, and spread the others over the steps.

        The halting unit does not see what all inputs gain alike with every step, the signals above all, which would
        have them halt all at once or not at all.
        """
        initialize_transformer(self)
        self.mask.normal_(1, 0.5)
        encoder = self.transformer_enc
        inputs = self._embed(sample_tokens(64, 5, len(self.mask)), sample_tokens(64, len(self.mask)))
        if encoder.act:
            states = []
            state = encoder.embedding_proj(inputs)
            for step in range(encoder.num_layers):
                state = state + encoder.timing_signal[:, : inputs.shape[1]] + encoder.position_signal[:, step]
                states.append(state)
                state = encoder.enc(state)
            p = encoder.act_fn.p
            drifts = torch.stack([(state - states[0]).mean(dim=(0, 1)) for state in states[1:]], dim=1)
            basis, _ = torch.linalg.qr(drifts)
            p.weight.sub_(p.weight @ basis @ basis.T)
            standardize(p, states[0].flatten(0, 1), std=3.0)
            sufficient = math.log(encoder.act_fn.threshold / (1 - encoder.act_fn.threshold))
            p.bias.add_(sufficient - between_quantile(p(states[0]).squeeze(-1).amin(dim=1), 0.8))
        standardize(self.W, encoder(inputs)[0].mean(dim=1))


class BabiUTransformer128(BabiUTransformer):
    """The sizes of the published runs on bAbI."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(
            num_vocab=154, embedding_size=128, num_heads=8, filter_size=128, max_length=71, story_len=10, seed=seed
        )
