"""Mixture of depths: every second block computes only the tokens that its router weighs most.

Raposo, Ritter, Richards, Lillicrap, Humphreys and Santoro, "Mixture-of-Depths: Dynamically allocating compute in
transformer-based language models", 2024; the program has the structure of mixture_of_depths/routing_transformer.py in
github.com/sramshetty/mixture-of-depths, on blocks of plain causal attention.

Dynamic: which tokens a block computes. `topk` picks them, `gather` takes them out in their order and `scatter_add` puts
what the block makes of them back on the residual stream; how many they are follows from the number of tokens.
"""

# pyright: basic, reportOptionalMemberAccess=false

from dataclasses import dataclass

import torch
from calibration import reproducible
from token_calibration import initialize_transformer
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass
class ModelArgs:
    """Sizes of a model, small ones unless given; `capacity` is the most tokens that a routing block computes."""

    dim: int = 32
    n_layers: int = 4
    n_heads: int = 4
    vocab_size: int = 32
    norm_eps: float = 1e-5
    max_seq_len: int = 64

    routing: bool = True
    capacity: int = 4
    router_skip_blocks: int = 2  # Apply router every `router_skip_blocks`


MOD_220M = ModelArgs(
    dim=1024, n_layers=12, n_heads=16, vocab_size=32000, max_seq_len=2048, capacity=256, router_skip_blocks=2
)
"""About the paper's smallest model: 12.5 % of a sequence of 2048 tokens goes through every second block."""


class Attention(nn.Module):
    def __init__(self, args: ModelArgs) -> None:
        super().__init__()
        self.n_heads = args.n_heads
        self.head_dim = args.dim // args.n_heads
        self.wq = nn.Linear(args.dim, args.dim, bias=False)
        self.wk = nn.Linear(args.dim, args.dim, bias=False)
        self.wv = nn.Linear(args.dim, args.dim, bias=False)
        self.wo = nn.Linear(args.dim, args.dim, bias=False)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        bsz, seqlen, _ = x.shape
        xq, xk, xv = self.wq(x), self.wk(x), self.wv(x)

        xq = xq.view(bsz, seqlen, self.n_heads, self.head_dim).transpose(1, 2)
        keys = xk.view(bsz, seqlen, self.n_heads, self.head_dim).transpose(1, 2)
        values = xv.view(bsz, seqlen, self.n_heads, self.head_dim).transpose(1, 2)

        scores = torch.matmul(xq, keys.transpose(2, 3)) / self.head_dim**0.5
        if mask is not None:
            scores = scores + mask
        scores = F.softmax(scores.float(), dim=-1).type_as(xq)
        output = torch.matmul(scores, values)
        output = output.transpose(1, 2).contiguous().view(bsz, seqlen, -1)
        return self.wo(output)


class FeedForward(nn.Module):
    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.w1 = nn.Linear(dim, hidden_dim, bias=False)
        self.w2 = nn.Linear(hidden_dim, dim, bias=False)
        self.w3 = nn.Linear(dim, hidden_dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class MoDBlock(nn.Module):
    """A transformer block that computes all tokens, or where it has a router those that are routed through it."""

    def __init__(self, layer_id: int, args: ModelArgs) -> None:
        super().__init__()
        self.dim = args.dim
        self.attention = Attention(args)
        self.feed_forward = FeedForward(args.dim, 2 * args.dim)
        self.layer_id = layer_id
        self.attention_norm = nn.LayerNorm(args.dim, eps=args.norm_eps)
        self.ffn_norm = nn.LayerNorm(args.dim, eps=args.norm_eps)
        self.capacity = args.capacity
        self.block_skip = args.router_skip_blocks
        self.router = None
        if args.routing and layer_id % self.block_skip:
            self.router = nn.Linear(args.dim, 1, bias=False)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor | None]:
        """The tokens f32[batch, tokens, dim], and the positions i64[batch, routed] of those computed, in order."""
        seq_len = x.size(1)
        sorted_indices = None

        if self.router:
            token_weights = self.router(x).squeeze(2)

            k = min(seq_len, self.capacity)
            topk_weights, topk_indices = torch.topk(torch.sigmoid(token_weights), k=k, sorted=False)
            sorted_indices, order = torch.sort(topk_indices, dim=1)

            y = x.clone()
            x = x.gather(dim=1, index=sorted_indices.unsqueeze(-1).expand(-1, -1, self.dim))
            seq_len = x.size(1)

        mask = None
        if seq_len > 1:
            mask = torch.full((seq_len, seq_len), float("-inf"), device=x.device)
            mask = torch.triu(mask, diagonal=1).type_as(x)

        h = x + self.attention(self.attention_norm(x), mask)

        out = self.feed_forward(self.ffn_norm(h))
        if self.router:
            # multiply router weights with hiddens to put router on gradient path
            out *= topk_weights.gather(1, order).unsqueeze(2)

        out = h + out

        if self.router:
            # add routed through token hiddens back to previous
            out = y.scatter_add(dim=1, index=sorted_indices.unsqueeze(-1).expand(-1, -1, self.dim), src=out)

        return out, sorted_indices


class MoDTransformer(nn.Module):
    """A language model; `params` are small sizes unless given."""

    def __init__(self, params: ModelArgs | None = None, seed: int = 0) -> None:
        super().__init__()
        params = params or ModelArgs()
        with reproducible(seed):
            self.tok_embeddings = nn.Embedding(params.vocab_size, params.dim)
            self.pos_embeddings = nn.Embedding(params.max_seq_len, params.dim)
            self.layers = nn.ModuleList(MoDBlock(layer_id, params) for layer_id in range(params.n_layers))
            self.norm = nn.LayerNorm(params.dim, eps=params.norm_eps)
            self.output = nn.Linear(params.dim, params.vocab_size, bias=False)
            initialize_transformer(self)
            # Positions that outweigh tokens would have the routers pick the same ones in all texts.
            nn.init.normal_(self.pos_embeddings.weight, 0, 0.2)
        self.requires_grad_(False)
        self.eval()

    def forward(self, tokens: Tensor) -> tuple[Tensor, list[Tensor]]:
        """The logits f32[batch, tokens, vocabulary], and per routing block the positions of the tokens it computed."""
        seqlen = tokens.size(1)
        h = self.tok_embeddings(tokens) + self.pos_embeddings(torch.arange(seqlen, device=tokens.device))

        routed = []
        for layer in self.layers:
            h, indices = layer(h)
            if indices is not None:
                routed.append(indices)

        h = self.norm(h)
        return self.output(h).float(), routed


class MoD220M(MoDTransformer):
    """About the paper's smallest model."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(MOD_220M, seed)
