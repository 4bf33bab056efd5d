"""Neural machine translation with attention: a recurrent decoder that runs until it says the end token.

Bahdanau, Cho and Bengio, "Neural Machine Translation by Jointly Learning to Align and Translate", ICLR 2015; the
program has the structure of notebook 3 of github.com/bentrevett/pytorch-seq2seq, `translate_sentence` included, less
the words around the token ids.

Dynamic: the loop over decoding steps ends by `break` at the end token, after one step or as many as 200; the list of
tokens grows, the attention of each step is written into its row of a tensor, and the rows written are returned.
"""

# pyright: basic

from collections import Counter

import torch
from calibration import reproducible
from token_calibration import initialize_transformer, sample_tokens
from torch import Tensor, nn


class Encoder(nn.Module):
    def __init__(self, input_dim: int, emb_dim: int, enc_hid_dim: int, dec_hid_dim: int, dropout: float) -> None:
        super().__init__()
        self.embedding = nn.Embedding(input_dim, emb_dim)
        self.rnn = nn.GRU(emb_dim, enc_hid_dim, bidirectional=True)
        self.fc = nn.Linear(enc_hid_dim * 2, dec_hid_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, src: Tensor) -> tuple[Tensor, Tensor]:
        # src = [src len, batch size]

        embedded = self.dropout(self.embedding(src))

        outputs, hidden = self.rnn(embedded)
        # outputs = [src len, batch size, hid dim * num directions]
        # hidden = [n layers * num directions, batch size, hid dim], of the forward and the backward RNN

        hidden = torch.tanh(self.fc(torch.cat((hidden[-2, :, :], hidden[-1, :, :]), dim=1)))
        # hidden = [batch size, dec hid dim]

        return outputs, hidden


class Attention(nn.Module):
    def __init__(self, enc_hid_dim: int, dec_hid_dim: int) -> None:
        super().__init__()
        self.attn = nn.Linear((enc_hid_dim * 2) + dec_hid_dim, dec_hid_dim)
        self.v = nn.Linear(dec_hid_dim, 1, bias=False)

    def forward(self, hidden: Tensor, encoder_outputs: Tensor) -> Tensor:
        src_len = encoder_outputs.shape[0]

        # repeat decoder hidden state src_len times
        hidden = hidden.unsqueeze(1).repeat(1, src_len, 1)
        encoder_outputs = encoder_outputs.permute(1, 0, 2)

        energy = torch.tanh(self.attn(torch.cat((hidden, encoder_outputs), dim=2)))
        attention = self.v(energy).squeeze(2)
        # attention = [batch size, src len]

        return torch.softmax(attention, dim=1)


class Decoder(nn.Module):
    def __init__(
        self, output_dim: int, emb_dim: int, enc_hid_dim: int, dec_hid_dim: int, dropout: float, attention: Attention
    ) -> None:
        super().__init__()
        self.output_dim = output_dim
        self.attention = attention
        self.embedding = nn.Embedding(output_dim, emb_dim)
        self.rnn = nn.GRU((enc_hid_dim * 2) + emb_dim, dec_hid_dim)
        self.fc_out = nn.Linear((enc_hid_dim * 2) + dec_hid_dim + emb_dim, output_dim)
        self.dropout = nn.Dropout(dropout)

    def forward(self, input: Tensor, hidden: Tensor, encoder_outputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        input = input.unsqueeze(0)
        # input = [1, batch size]

        embedded = self.dropout(self.embedding(input))
        # embedded = [1, batch size, emb dim]

        a = self.attention(hidden, encoder_outputs)
        a = a.unsqueeze(1)
        # a = [batch size, 1, src len]

        encoder_outputs = encoder_outputs.permute(1, 0, 2)
        weighted = torch.bmm(a, encoder_outputs)
        weighted = weighted.permute(1, 0, 2)
        # weighted = [1, batch size, enc hid dim * 2]

        rnn_input = torch.cat((embedded, weighted), dim=2)
        output, hidden = self.rnn(rnn_input, hidden.unsqueeze(0))
        # one step of one layer in one direction, so output and hidden are the same
        assert (output == hidden).all()

        embedded = embedded.squeeze(0)
        output = output.squeeze(0)
        weighted = weighted.squeeze(0)

        prediction = self.fc_out(torch.cat((output, weighted, embedded), dim=1))
        # prediction = [batch size, output dim]

        return prediction, hidden.squeeze(0), a.squeeze(1)


class Seq2Seq(nn.Module):
    """Translate one sentence, greedily; the sizes are small ones unless given."""

    sos_idx = 2
    eos_idx = 3

    def __init__(
        self,
        input_dim: int = 32,
        output_dim: int = 32,
        emb_dim: int = 16,
        hid_dim: int = 16,
        max_len: int = 200,
        dropout: float = 0.5,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.max_len = max_len
        with reproducible(seed):
            attention = Attention(hid_dim, hid_dim)
            self.encoder = Encoder(input_dim, emb_dim, hid_dim, hid_dim, dropout)
            self.decoder = Decoder(output_dim, emb_dim, hid_dim, hid_dim, dropout, attention)
            self.eval()
            self._fit()
        self.requires_grad_(False)

    def forward(self, src: Tensor) -> tuple[list[int], Tensor]:
        """Translate i64[source tokens, 1].

        Returns:
            the tokens, from the start token to the end token or the longest, and the attention of each step
            f32[steps, 1, source tokens]
        """
        with torch.no_grad():
            encoder_outputs, hidden = self.encoder(src)

        trg_indexes = [self.sos_idx]

        attentions = torch.zeros(self.max_len, 1, len(src)).to(src.device)

        for i in range(self.max_len):
            trg_tensor = torch.LongTensor([trg_indexes[-1]]).to(src.device)

            with torch.no_grad():
                output, hidden, attention = self.decoder(trg_tensor, hidden, encoder_outputs)

            attentions[i] = attention

            pred_token = output.argmax(1).item()

            trg_indexes.append(pred_token)

            if pred_token == self.eos_idx:
                break

        return trg_indexes, attentions[: len(trg_indexes) - 1]

    def _fit(self) -> None:
        """Draw weights whose decoder keeps moving, and the end token's bias that spreads the lengths most."""
        initialize_transformer(self)
        nn.init.normal_(self.decoder.attention.v.weight, 0, 4 * self.decoder.attention.v.in_features**-0.5)
        for rnn in (self.encoder.rnn, self.decoder.rnn):
            for name, weight in rnn.named_parameters():
                nn.init.normal_(weight, 0, 2.2 * weight.shape[-1] ** -0.5 if "weight" in name else 0.1)
        src = sample_tokens(10, 32)

        def variety(bias: float) -> float:
            self.decoder.fc_out.bias[self.eos_idx] = bias
            shares = torch.tensor(list(Counter(self._lengths(src)).values())) / src.shape[1]
            return float(-(shares * shares.log()).sum())

        best = max((step / 2 for step in range(-4, 9)), key=variety)
        self.decoder.fc_out.bias[self.eos_idx] = best

    def _lengths(self, src: Tensor, limit: int = 20) -> list[int]:
        """How many steps each sentence of a batch takes, those that take more than `limit` counting as that many."""
        encoder_outputs, hidden = self.encoder(src)
        token = torch.full((src.shape[1],), self.sos_idx)
        lengths = torch.full((src.shape[1],), limit)
        for step in range(1, limit):
            output, hidden, _ = self.decoder(token, hidden, encoder_outputs)
            token = output.argmax(1)
            lengths = torch.where((token == self.eos_idx) & (lengths == limit), step, lengths)
        return lengths.tolist()


class Seq2SeqMulti30k(Seq2Seq):
    """The notebook's sizes on Multi30k."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(input_dim=7853, output_dim=5893, emb_dim=256, hid_dim=512, seed=seed)
