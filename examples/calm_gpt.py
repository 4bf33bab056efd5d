"""A GPT with a key/value cache whose tokens leave it early: each goes through as many layers as it takes to be sure.

Schuster, Fisch, Gupta, Dehghani, Bahri, Tran, Tay and Metzler, "Confident Adaptive Language Modeling", NeurIPS 2022, on
a decoder with the names of model.py in github.com/karpathy/nanoGPT. The measure of confidence and the way in which a
token that has left still gives keys and values to the layers above, from the hidden state it left with, follow
github.com/raymin0223/fast_robust_early_exit (util/skip_conf.py, models/deploying_t5.py).

Dynamic: `while len(tokens) < max_len` with a `break` at the end token, a cache that grows in it, and per token the
layer from which on blocks are skipped.
"""

# nn.Module and nn.ModuleList do not say what they hold, so what is called or indexed below has no type.
# pyright: basic, reportArgumentType=false, reportAttributeAccessIssue=false, reportCallIssue=false
# pyright: reportGeneralTypeIssues=false, reportReturnType=false

import math
from collections import Counter
from dataclasses import dataclass

import torch
from calibration import between_quantile, reproducible
from token_calibration import initialize_transformer, sample_tokens
from torch import Tensor, nn
from torch.nn import functional as F


@dataclass
class GPTConfig:
    """Sizes of a GPT, small ones unless given."""

    block_size: int = 64
    vocab_size: int = 32
    n_layer: int = 4
    n_head: int = 4
    n_embd: int = 32
    dropout: float = 0.0
    bias: bool = True


GPT2 = GPTConfig(block_size=1024, vocab_size=50257, n_layer=12, n_head=12, n_embd=768)


class CausalSelfAttention(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        assert config.n_embd % config.n_head == 0
        # key, query, value projections for all heads, but in a batch
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd, bias=config.bias)
        # output projection
        self.c_proj = nn.Linear(config.n_embd, config.n_embd, bias=config.bias)
        self.resid_dropout = nn.Dropout(config.dropout)
        self.n_head = config.n_head
        self.n_embd = config.n_embd

    def forward(self, x: Tensor, layer_past=None, skip_mask: bool = False):
        """What attention adds to x, `None` where x only leaves its key and value; and keys and values so far."""
        B, T, C = x.size()

        q, k, v = self.c_attn(x).split(self.n_embd, dim=2)
        k = k.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)  # (B, nh, T, hs)
        v = v.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)  # (B, nh, T, hs)

        if layer_past is not None:
            past_key, past_value = layer_past
            k = torch.cat((past_key, k), dim=-2)
            v = torch.cat((past_value, v), dim=-2)
        present = (k, v)

        if skip_mask:
            return None, present

        q = q.view(B, T, self.n_head, C // self.n_head).transpose(1, 2)  # (B, nh, T, hs)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=layer_past is None)
        y = y.transpose(1, 2).contiguous().view(B, T, C)  # re-assemble all head outputs side by side

        y = self.resid_dropout(self.c_proj(y))
        return y, present


class MLP(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.c_fc = nn.Linear(config.n_embd, 4 * config.n_embd, bias=config.bias)
        self.gelu = nn.GELU()
        self.c_proj = nn.Linear(4 * config.n_embd, config.n_embd, bias=config.bias)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = self.c_fc(x)
        x = self.gelu(x)
        x = self.c_proj(x)
        return self.dropout(x)


class Block(nn.Module):
    def __init__(self, config: GPTConfig) -> None:
        super().__init__()
        self.ln_1 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.attn = CausalSelfAttention(config)
        self.ln_2 = nn.LayerNorm(config.n_embd, bias=config.bias)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, layer_past=None, skip_mask: bool = False):
        attn_output, present = self.attn(self.ln_1(x), layer_past, skip_mask)
        if skip_mask:
            return x, present
        x = x + attn_output
        x = x + self.mlp(self.ln_2(x))
        return x, present


def softmax_confidence(logits: Tensor) -> Tensor:
    """How much more probable the best token is than the next."""
    probs = torch.softmax(logits, dim=-1)
    top_2 = torch.topk(probs, dim=-1, k=2)[0]
    return (top_2[..., 0] - top_2[..., 1]).squeeze()


def get_skip_mask(logits: Tensor, threshold: float) -> bool:
    """Whether a token with these logits skips the layers above."""
    conf = softmax_confidence(logits)
    mask = torch.where(conf <= threshold, 0.0, 1.0).bool()
    return mask.item()


class GPT(nn.Module):
    """Continue a text up to `max_len` tokens, those given among them; `config` is a small one unless given.

    Which token is the end token, and how sure a token must be to leave early, are chosen to suit the weights, which
    nobody trained.
    """

    def __init__(self, config: GPTConfig | None = None, max_len: int = 20, seed: int = 0) -> None:
        super().__init__()
        config = config or GPTConfig()
        self.config = config
        self.max_len = max_len
        self.exit_conf_threshold = 1.0
        self.eos_token = -1
        with reproducible(seed):
            self.transformer = nn.ModuleDict(
                {
                    "wte": nn.Embedding(config.vocab_size, config.n_embd),
                    "wpe": nn.Embedding(config.block_size, config.n_embd),
                    "drop": nn.Dropout(config.dropout),
                    "h": nn.ModuleList([Block(config) for _ in range(config.n_layer)]),
                    "ln_f": nn.LayerNorm(config.n_embd, bias=config.bias),
                }
            )
            self.lm_head = nn.Linear(config.n_embd, config.vocab_size, bias=False)
            self.transformer.wte.weight = self.lm_head.weight
            self.eval()
            self._fit()
        self.requires_grad_(False)

    def forward(self, idx: Tensor) -> tuple[list[int], list[int], Tensor]:
        """Continue a text i64[1, tokens].

        Returns:
            the tokens, from the first given to the end token or the longest; how many layers each new one ran; and its
            logits f32[new, 1, vocabulary]
        """
        tokens = idx[0].tolist()

        # the text given goes through all layers
        logits, past_key_values = self.prefill(idx)
        next_token = logits.argmax(dim=-1, keepdim=True)
        tokens.append(next_token.item())
        exit_layers = [self.config.n_layer]
        all_logits = [logits]

        while len(tokens) < self.max_len and tokens[-1] != self.eos_token:
            logits, past_key_values, exit_layer = self.decode_one_token(next_token, past_key_values, len(tokens) - 1)
            next_token = logits.argmax(dim=-1, keepdim=True)
            tokens.append(next_token.item())
            exit_layers.append(exit_layer)
            all_logits.append(logits)

        return tokens, exit_layers, torch.stack(all_logits)

    def embed(self, idx: Tensor, past_length: int) -> Tensor:
        t = idx.size(1)
        assert past_length + t <= self.config.block_size, (
            f"Cannot forward sequence of length {past_length + t}, block size is only {self.config.block_size}"
        )
        pos = torch.arange(past_length, past_length + t, dtype=torch.long, device=idx.device)
        tok_emb = self.transformer.wte(idx)
        pos_emb = self.transformer.wpe(pos)
        return self.transformer.drop(tok_emb + pos_emb)

    def prefill(self, idx: Tensor):
        """The logits f32[1, vocabulary] after a text i64[1, tokens], and per layer its keys and values."""
        x = self.embed(idx, 0)
        past_key_values = []
        for block in self.transformer.h:
            x, present = block(x)
            past_key_values.append(present)
        return self.lm_head(self.transformer.ln_f(x[:, -1, :])), past_key_values

    def decode_one_token(self, idx: Tensor, past_key_values, past_length: int):
        """The logits after one more token i64[1, 1], keys and values with those of the token, and the layers run."""
        x = self.embed(idx, past_length)

        skip_mask = False
        exit_layer = self.config.n_layer
        present_key_values = []
        for i, block in enumerate(self.transformer.h):
            x, present = block(x, past_key_values[i], skip_mask)
            present_key_values.append(present)

            if not skip_mask and i < self.config.n_layer - 1:
                lm_logits = self.lm_head(self.transformer.ln_f(x[:, -1, :]))
                skip_mask = get_skip_mask(lm_logits, self.exit_conf_threshold)
                if skip_mask:
                    exit_layer = i + 1

        logits = self.lm_head(self.transformer.ln_f(x[:, -1, :]))
        return logits, present_key_values, exit_layer

    def _fit(self) -> None:
        """Let a fair share of tokens leave at each layer, and take the end token that spreads the lengths most."""
        initialize_transformer(self)
        # Logits of deviation 2, by embeddings that do not outweigh what the layers add to them.
        nn.init.normal_(self.transformer.wte.weight, 0, 2 * self.config.n_embd**-0.5)
        nn.init.normal_(self.transformer.wpe.weight, 0, 0.5)

        x = self.embed(sample_tokens(32, 8), 0)
        confidences = []
        for block in self.transformer.h:
            x, _ = block(x)
            confidences.append(softmax_confidence(self.lm_head(self.transformer.ln_f(x))).flatten())
        self.exit_conf_threshold = float(between_quantile(torch.cat(confidences), 1 - 1 / self.config.n_layer))

        max_len, self.max_len = self.max_len, min(self.max_len, 14)
        texts = [self(idx)[0][4:] for idx in sample_tokens(12, 1, 4)]
        self.max_len = max_len

        def variety(token: int) -> float:
            lengths = Counter(text.index(token) if token in text else -1 for text in texts)
            return -sum(n / len(texts) * math.log(n / len(texts)) for n in lengths.values())

        self.eos_token = max(sorted({token for text in texts for token in text}), key=variety)


class CalmGPT2(GPT):
    """GPT-2 with an early exit after each of its layers but the last."""

    def __init__(self, max_len: int = 50, seed: int = 0) -> None:
        super().__init__(GPT2, max_len, seed)
