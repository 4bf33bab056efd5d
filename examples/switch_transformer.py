"""Switch Transformer: every token runs one expert, which is taken from a list by an index known only at run time.

Fedus, Zoph and Shazeer, "Switch Transformers: Scaling to Trillion Parameter Models with Simple and Efficient Sparsity",
JMLR 2022; the program has the names of labml_nn/transformers/switch in github.com/labmlai
(annotated_deep_learning_paper_implementations), and calls `self.experts[idx]` token by token, as inference code without
batched dispatch does.

Dynamic: `idx = routes[t].item()` picks the module that runs; one expert may get all tokens, or none.
"""

# nn.Module and nn.ModuleList do not say what they hold, so what is called or indexed below has no type.
# pyright: basic, reportArgumentType=false, reportCallIssue=false

import math

import torch
from calibration import reproducible, standardize
from token_calibration import initialize_transformer, sample_tokens
from torch import Tensor, nn
from torch.nn import functional as F


class FeedForward(nn.Module):
    def __init__(self, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.layer1 = nn.Linear(d_model, d_ff)
        self.layer2 = nn.Linear(d_ff, d_model)
        self.activation = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.layer2(self.activation(self.layer1(x)))


class SwitchFeedForward(nn.Module):
    """A feed-forward layer of `n_experts`, of which a softmax over `switch` picks one for each token."""

    def __init__(self, n_experts: int, d_model: int, d_ff: int) -> None:
        super().__init__()
        self.n_experts = n_experts
        self.experts = nn.ModuleList([FeedForward(d_model, d_ff) for _ in range(n_experts)])
        self.switch = nn.Linear(d_model, n_experts)
        self.softmax = nn.Softmax(dim=-1)

    def forward(self, x: Tensor) -> Tensor:
        seq_len, batch_size, d_model = x.shape
        x = x.view(-1, d_model)

        route_prob = self.softmax(self.switch(x))
        route_prob_max, routes = torch.max(route_prob, dim=-1)

        final_output = x.new_zeros(x.shape)
        for t in range(seq_len * batch_size):
            idx = routes[t].item()
            final_output[t] = self.experts[idx](x[t])

        final_output = final_output * route_prob_max.view(-1, 1)
        return final_output.view(seq_len, batch_size, d_model)


class MultiHeadAttention(nn.Module):
    def __init__(self, heads: int, d_model: int) -> None:
        super().__init__()
        self.heads = heads
        self.d_k = d_model // heads
        self.query = nn.Linear(d_model, d_model)
        self.key = nn.Linear(d_model, d_model)
        self.value = nn.Linear(d_model, d_model)
        self.output = nn.Linear(d_model, d_model)
        self.scale = 1 / math.sqrt(self.d_k)

    def forward(self, x: Tensor) -> Tensor:
        seq_len, batch_size, _ = x.shape
        shape = seq_len, batch_size, self.heads, self.d_k
        query, key, value = self.query(x).view(shape), self.key(x).view(shape), self.value(x).view(shape)
        scores = torch.einsum("ibhd,jbhd->ijbh", query, key) * self.scale
        attn = F.softmax(scores, dim=1)
        x = torch.einsum("ijbh,jbhd->ibhd", attn, value)
        return self.output(x.reshape(seq_len, batch_size, -1))


class SwitchTransformerLayer(nn.Module):
    def __init__(self, d_model: int, attn: MultiHeadAttention, feed_forward: nn.Module) -> None:
        super().__init__()
        self.attn = attn
        self.feed_forward = feed_forward
        self.norm_self_attn = nn.LayerNorm(d_model)
        self.norm_ff = nn.LayerNorm(d_model)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.norm_self_attn(x))
        return x + self.feed_forward(self.norm_ff(x))


class SwitchTransformer(nn.Module):
    """An encoder in which every second feed-forward layer is a mixture; the sizes are small ones unless given."""

    def __init__(
        self,
        n_vocab: int = 32,
        d_model: int = 32,
        d_ff: int = 64,
        heads: int = 4,
        n_layers: int = 4,
        n_experts: int = 4,
        n_labels: int = 2,
        seed: int = 0,
    ) -> None:
        super().__init__()
        with reproducible(seed):
            self.embedding = nn.Embedding(n_vocab, d_model)
            self.layers = nn.ModuleList(
                SwitchTransformerLayer(
                    d_model,
                    MultiHeadAttention(heads, d_model),
                    SwitchFeedForward(n_experts, d_model, d_ff) if i % 2 else FeedForward(d_model, d_ff),
                )
                for i in range(n_layers)
            )
            self.norm = nn.LayerNorm(d_model)
            self.classifier = nn.Linear(d_model, n_labels)
            self._fit()
        self.requires_grad_(False)
        self.eval()

    def forward(self, tokens: Tensor) -> Tensor:
        """The logits f32[batch, labels] of sentences i64[tokens, batch]."""
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.classifier(self.norm(x).mean(dim=0))

    def _fit(self) -> None:
        """Make the experts alike in load."""
        initialize_transformer(self)
        x = self.embedding(sample_tokens(16, 16))
        for layer in self.layers:
            if isinstance(layer.feed_forward, SwitchFeedForward):
                attended = x + layer.attn(layer.norm_self_attn(x))
                standardize(layer.feed_forward.switch, layer.norm_ff(attended).flatten(0, 1))
            x = layer(x)
        standardize(self.classifier, self.norm(x).mean(dim=0))


class SwitchBase8(SwitchTransformer):
    """The encoder of the published switch-base-8: six mixtures of eight experts."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(n_vocab=32128, d_model=768, d_ff=3072, heads=12, n_layers=12, n_experts=8, seed=seed)
