"""Image captioning with attention: an LSTM looks at the image again for each word, and stops at the end token.

Xu, Ba, Kiros, Cho, Courville, Salakhutdinov, Zemel and Bengio, "Show, Attend and Tell: Neural Image Caption Generation
with Visual Attention", ICML 2015; the decoder follows models.py of
github.com/sgrvinod/a-PyTorch-Tutorial-to-Image-Captioning, and the words are chosen as in its caption.py, but greedily:
the beam has one sequence. The length of the caption depends on the image.

The encoders are in `captioning_resnext` and `captioning_googlenet`.
"""

# torch leaves much of `nn.Module` untyped.
# pyright: basic

from functools import partial

import torch
from calibration import (
    between_quantile,
    fit_batch_norms,
    initialize_weights,
    input_of,
    keep_positive,
    sample_images,
    standardize,
)
from torch import Tensor, nn
from torch.nn import functional as F


class Encoder(nn.Module):
    """The convolutional part of a classifier, and a pool to `encoded_image_size` pixels each way."""

    def __init__(self, features: nn.Module, encoded_image_size: int = 14) -> None:
        super().__init__()
        self.enc_image_size = encoded_image_size
        self.features = features

        # Resize image to fixed size to allow input images of variable size
        self.adaptive_pool = nn.AdaptiveAvgPool2d((encoded_image_size, encoded_image_size))

    def forward(self, images: Tensor) -> Tensor:
        out = self.features(images)  # (batch_size, encoder_dim, image_size/32, image_size/32)
        out = self.adaptive_pool(out)  # (batch_size, encoder_dim, encoded_image_size, encoded_image_size)
        return out.permute(0, 2, 3, 1)  # (batch_size, encoded_image_size, encoded_image_size, encoder_dim)


class Attention(nn.Module):
    def __init__(self, encoder_dim: int, decoder_dim: int, attention_dim: int) -> None:
        super().__init__()
        self.encoder_att = nn.Linear(encoder_dim, attention_dim)  # linear layer to transform encoded image
        self.decoder_att = nn.Linear(decoder_dim, attention_dim)  # linear layer to transform decoder's output
        self.full_att = nn.Linear(attention_dim, 1)  # linear layer to calculate values to be softmax-ed
        self.relu = nn.ReLU()
        self.softmax = nn.Softmax(dim=1)  # softmax layer to calculate weights

    def forward(self, encoder_out: Tensor, decoder_hidden: Tensor) -> tuple[Tensor, Tensor]:
        att1 = self.encoder_att(encoder_out)  # (batch_size, num_pixels, attention_dim)
        att2 = self.decoder_att(decoder_hidden)  # (batch_size, attention_dim)
        att = self.full_att(self.relu(att1 + att2.unsqueeze(1))).squeeze(2)  # (batch_size, num_pixels)
        alpha = self.softmax(att)  # (batch_size, num_pixels)
        attention_weighted_encoding = (encoder_out * alpha.unsqueeze(2)).sum(dim=1)  # (batch_size, encoder_dim)

        return attention_weighted_encoding, alpha


class DecoderWithAttention(nn.Module):
    def __init__(
        self,
        attention_dim: int,
        embed_dim: int,
        decoder_dim: int,
        vocab_size: int,
        encoder_dim: int = 2048,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()

        self.attention = Attention(encoder_dim, decoder_dim, attention_dim)  # attention network

        self.embedding = nn.Embedding(vocab_size, embed_dim)  # embedding layer
        self.dropout = nn.Dropout(p=dropout)
        self.decode_step = nn.LSTMCell(embed_dim + encoder_dim, decoder_dim, bias=True)  # decoding LSTMCell
        self.init_h = nn.Linear(encoder_dim, decoder_dim)  # linear layer to find initial hidden state of LSTMCell
        self.init_c = nn.Linear(encoder_dim, decoder_dim)  # linear layer to find initial cell state of LSTMCell
        self.f_beta = nn.Linear(decoder_dim, encoder_dim)  # linear layer to create a sigmoid-activated gate
        self.sigmoid = nn.Sigmoid()
        self.fc = nn.Linear(decoder_dim, vocab_size)  # linear layer to find scores over vocabulary

    def init_hidden_state(self, encoder_out: Tensor) -> tuple[Tensor, Tensor]:
        mean_encoder_out = encoder_out.mean(dim=1)
        h = self.init_h(mean_encoder_out)  # (batch_size, decoder_dim)
        c = self.init_c(mean_encoder_out)
        return h, c


class ImageCaptioner(nn.Module):
    """An encoder and its decoder, for one image at a time.

    Args:
        features: the encoder's convolutions, whose last one gives `encoder_dim` channels
        image_size: height and width of the images
        encoded_image_size: height and width of what the decoder looks at
        dim: of the attention, the embeddings and the decoder's state
        vocab_size: words, of which the last two are the start and the end token
        max_len: words after which a caption ends in any case
    """

    def __init__(
        self,
        features: nn.Module,
        encoder_dim: int,
        image_size: int,
        encoded_image_size: int,
        dim: int,
        vocab_size: int,
        max_len: int,
    ) -> None:
        super().__init__()
        self.encoder = Encoder(features, encoded_image_size)
        self.decoder = DecoderWithAttention(dim, dim, dim, vocab_size, encoder_dim)
        self.word_map = {"<start>": vocab_size - 2, "<end>": vocab_size - 1}
        self.max_len = max_len
        self._fit(image_size)
        self.requires_grad_(False)
        self.eval()

    def forward(self, image: Tensor) -> tuple[list[int], list[Tensor]]:
        """The ids of the words up to the end token, and where the decoder looked for each: f32[1, pixels, pixels]."""
        decoder, word_map = self.decoder, self.word_map

        # Encode
        encoder_out = self.encoder(image)  # (1, enc_image_size, enc_image_size, encoder_dim)
        enc_image_size = encoder_out.size(1)
        encoder_dim = encoder_out.size(3)

        # Flatten encoding
        encoder_out = encoder_out.view(1, -1, encoder_dim)  # (1, num_pixels, encoder_dim)

        # The previous word; now it's just <start>
        prev_word = torch.LongTensor([[word_map["<start>"]]]).to(image.device)  # (1, 1)

        seq = []
        alphas = []

        # Start decoding
        h, c = decoder.init_hidden_state(encoder_out)

        for _ in range(self.max_len):
            embeddings = decoder.embedding(prev_word).squeeze(1)  # (1, embed_dim)

            awe, alpha = decoder.attention(encoder_out, h)  # (1, encoder_dim), (1, num_pixels)

            alpha = alpha.view(-1, enc_image_size, enc_image_size)  # (1, enc_image_size, enc_image_size)

            gate = decoder.sigmoid(decoder.f_beta(h))  # gating scalar, (1, encoder_dim)
            awe = gate * awe

            h, c = decoder.decode_step(torch.cat([embeddings, awe], dim=1), (h, c))  # (1, decoder_dim)

            scores = decoder.fc(h)  # (1, vocab_size)
            scores = F.log_softmax(scores, dim=1)

            next_word = scores.argmax(dim=1)  # (1)
            seq.append(next_word.item())
            alphas.append(alpha)

            if next_word.item() == word_map["<end>"]:
                break

            prev_word = next_word.unsqueeze(1)  # (1, 1)

        return seq, alphas

    def _fit(self, image_size: int) -> None:
        """Fit batch norms and the decoder's scales, and the end token's bias such that captions differ in length."""
        initialize_weights(self.encoder)
        keep_positive(self.encoder)
        decoder = self.decoder
        x = sample_images(max(16, 64 * 64 // image_size), image_size)
        fit_batch_norms(self.encoder, x)
        encoder_out = self.encoder(x).flatten(1, 2)
        nn.init.normal_(decoder.embedding.weight)
        for weight in (decoder.decode_step.weight_ih, decoder.decode_step.weight_hh):
            nn.init.normal_(weight, 0, 2 / weight.shape[1] ** 0.5)
        standardize(decoder.init_h, encoder_out.mean(dim=1))
        standardize(decoder.init_c, encoder_out.mean(dim=1))
        h, c = decoder.init_hidden_state(encoder_out)
        attention = decoder.attention
        look = partial(attention, encoder_out, h)
        for linear in (attention.encoder_att, attention.decoder_att, attention.full_att):
            standardize(linear, input_of(linear, look).flatten(0, -2))
        nn.init.normal_(decoder.fc.weight)

        start, end = self.word_map["<start>"], self.word_map["<end>"]
        words = torch.full((len(x),), start)
        margins: list[Tensor] = []
        for _ in range(self.max_len):
            awe, _ = decoder.attention(encoder_out, h)
            awe = decoder.sigmoid(decoder.f_beta(h)) * awe
            h, c = decoder.decode_step(torch.cat([decoder.embedding(words), awe], dim=1), (h, c))
            scores = decoder.fc(h)
            best, words = scores[:, :end].max(dim=1)
            margins.append(scores[:, end] - best)
        decoder.fc.bias[end] -= between_quantile(torch.stack(margins).amax(dim=0), 0.15)
