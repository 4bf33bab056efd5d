"""DeeBERT: a BERT with a classifier after every layer; one that is sure of its answer ends the run by an exception.

Xin, Tang, Lee, Yu and Lin, "DeeBERT: Dynamic Early Exiting for Accelerating BERT Inference", ACL 2020; the program
follows modeling_highway_bert.py of examples/research_projects/deebert in github.com/huggingface/transformers, less
what only training uses.

Dynamic: the encoder compares the entropy of each highway's logits with the layer's threshold and raises
`HighwayException` from three calls deep, which the outer `forward` catches. Each exit returns as many highway exits as
layers have run.
"""

# Arguments and outputs have no types, and tuples are put together by `+`, as in the published code.
# pyright: basic, reportArgumentType=false, reportCallIssue=false, reportOptionalSubscript=false
# ruff: noqa: RUF005

from functools import partial

import torch
from bert import BERT_BASE, BertConfig, BertLayer, BertModel, BertPooler, BertPreTrainedModel
from calibration import between_quantile, input_of, reproducible, standardize
from token_calibration import initialize_transformer, sample_tokens
from torch import Tensor, nn


def entropy(x: Tensor) -> Tensor:
    """The entropy f32[batch] of the softmax of logits f32[batch, labels]."""
    exp_x = torch.exp(x)
    A = torch.sum(exp_x, dim=1)  # sum of exp(x_i)
    B = torch.sum(x * exp_x, dim=1)  # sum of x_i * exp(x_i)
    return torch.log(A) - B / A


class HighwayException(Exception):
    """The outputs of an early exit, and the number of the layer it follows."""

    def __init__(self, message, exit_layer) -> None:
        self.message = message
        self.exit_layer = exit_layer  # start from 1!


class BertHighway(nn.Module):
    """A classifier on the output of one encoder layer."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.pooler = BertPooler(config)
        self.dropout = nn.Dropout(config.hidden_dropout_prob)
        self.classifier = nn.Linear(config.hidden_size, config.num_labels)

    def forward(self, encoder_outputs):
        # Pooler
        pooler_input = encoder_outputs[0]
        pooler_output = self.pooler(pooler_input)

        # BertModel
        bmodel_output = (pooler_input, pooler_output) + encoder_outputs[1:]

        # Dropout and classification
        pooled_output = bmodel_output[1]
        pooled_output = self.dropout(pooled_output)
        logits = self.classifier(pooled_output)
        return logits, pooled_output


class DeeBertEncoder(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.output_attentions = config.output_attentions
        self.output_hidden_states = config.output_hidden_states
        self.layer = nn.ModuleList([BertLayer(config) for _ in range(config.num_hidden_layers)])
        self.highway = nn.ModuleList([BertHighway(config) for _ in range(config.num_hidden_layers)])
        self.early_exit_entropy = [-1 for _ in range(config.num_hidden_layers)]

    def set_early_exit_entropy(self, x) -> None:
        if (type(x) is float) or (type(x) is int):
            for i in range(len(self.early_exit_entropy)):
                self.early_exit_entropy[i] = x
        else:
            self.early_exit_entropy = x

    def forward(self, hidden_states, attention_mask=None, head_mask=None):
        all_hidden_states = ()
        all_attentions = ()
        all_highway_exits = ()
        for i, layer_module in enumerate(self.layer):
            if self.output_hidden_states:
                all_hidden_states = all_hidden_states + (hidden_states,)

            layer_outputs = layer_module(hidden_states, attention_mask, head_mask[i], self.output_attentions)
            hidden_states = layer_outputs[0]

            if self.output_attentions:
                all_attentions = all_attentions + (layer_outputs[1],)

            current_outputs = (hidden_states,)
            if self.output_hidden_states:
                current_outputs = current_outputs + (all_hidden_states,)
            if self.output_attentions:
                current_outputs = current_outputs + (all_attentions,)

            highway_exit = self.highway[i](current_outputs)
            # logits, pooled_output

            if not self.training:
                highway_logits = highway_exit[0]
                highway_entropy = entropy(highway_logits)
                highway_exit = highway_exit + (highway_entropy,)  # logits, hidden_states(?), entropy
                all_highway_exits = all_highway_exits + (highway_exit,)

                if highway_entropy < self.early_exit_entropy[i]:
                    new_output = (highway_logits,) + current_outputs[1:] + (all_highway_exits,)
                    raise HighwayException(new_output, i + 1)
            else:
                all_highway_exits = all_highway_exits + (highway_exit,)

        # Add last layer
        if self.output_hidden_states:
            all_hidden_states = all_hidden_states + (hidden_states,)

        outputs = (hidden_states,)
        if self.output_hidden_states:
            outputs = outputs + (all_hidden_states,)
        if self.output_attentions:
            outputs = outputs + (all_attentions,)

        # last-layer hidden state, (all hidden states), (all attentions), all highway exits
        return outputs + (all_highway_exits,)


class DeeBertModel(BertModel):
    encoder: DeeBertEncoder

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config, DeeBertEncoder)

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, position_ids=None, head_mask=None):
        embedding_output, extended_attention_mask, head_mask = self.embed(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask
        )
        encoder_outputs = self.encoder(embedding_output, attention_mask=extended_attention_mask, head_mask=head_mask)
        sequence_output = encoder_outputs[0]
        pooled_output = self.pooler(sequence_output)

        # sequence_output, pooled_output, (hidden_states), (attentions), highway exits
        return (sequence_output, pooled_output) + encoder_outputs[1:]


class DeeBertForSequenceClassification(BertPreTrainedModel):
    """A classifier of sentences with an early exit after every layer; `config` is a small BERT unless given."""

    def __init__(self, config: BertConfig | None = None, seed: int = 0) -> None:
        config = config or BertConfig()
        super().__init__(config)
        self.num_labels = config.num_labels
        self.num_layers = config.num_hidden_layers
        with reproducible(seed):
            self.bert = DeeBertModel(config)
            self.dropout = nn.Dropout(config.hidden_dropout_prob)
            self.classifier = nn.Linear(config.hidden_size, self.config.num_labels)
            self._fit()
        self.requires_grad_(False)
        self.eval()

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        head_mask=None,
        output_layer=-1,
    ):
        """Classify one sentence i64[1, tokens].

        Returns:
            the logits f32[1, labels]; hidden states and attentions where the configuration asks for them; per highway
            up to the exit its logits, pooled output and entropy; the entropy of the logits, with an empty list that
            training fills; the number of layers that ran
        """
        exit_layer = self.num_layers
        try:
            outputs = self.bert(
                input_ids,
                attention_mask=attention_mask,
                token_type_ids=token_type_ids,
                position_ids=position_ids,
                head_mask=head_mask,
            )
            # sequence_output, pooled_output, (hidden_states), (attentions), highway exits

            pooled_output = outputs[1]

            pooled_output = self.dropout(pooled_output)
            logits = self.classifier(pooled_output)
            outputs = (logits,) + outputs[2:]  # add hidden states and attention if they are here
        except HighwayException as e:
            outputs = e.message
            exit_layer = e.exit_layer
            logits = outputs[0]

        if not self.training:
            original_entropy = entropy(logits)
            highway_entropy = []
            outputs = outputs + ((original_entropy, highway_entropy), exit_layer)
            if output_layer >= 0:
                outputs = (outputs[0],) + (outputs[-3][output_layer][0],) + outputs[2:]

        return outputs  # logits, (hidden_states), (attentions), highway_exits, entropies, exit_layer

    def _fit(self) -> None:
        """Choose thresholds such that as many sentences leave at each highway as reach the end."""
        initialize_transformer(self)
        self.eval()
        encoder = self.bert.encoder
        outcomes = len(encoder.layer) + 1
        hidden_states = self.bert.embeddings(sample_tokens(max(64, 8 * outcomes), 16))
        running = torch.ones(len(hidden_states), dtype=torch.bool)
        thresholds = []
        for layer, highway in zip(encoder.layer, encoder.highway, strict=True):
            (hidden_states,) = layer(hidden_states)
            run = partial(highway, (hidden_states,))
            standardize(highway.classifier, input_of(highway.classifier, run))
            entropies = entropy(run()[0])
            thresholds.append(float(between_quantile(entropies[running], 1 / outcomes)))
            running &= entropies >= thresholds[-1]
            outcomes -= 1
        encoder.set_early_exit_entropy(thresholds)
        standardize(self.classifier, self.bert.pooler(hidden_states))


class DeeBertBase(DeeBertForSequenceClassification):
    """BERT-base with twelve early exits."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(BERT_BASE, seed)
