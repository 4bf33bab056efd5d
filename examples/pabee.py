"""PABEE: a BERT that stops once the classifiers of enough layers in a row agree.

Zhou, Xu, Ge, McAuley, Xu and Wei, "BERT Loses Patience: Fast and Robust Inference with Early Exit", NeurIPS 2020; the
program follows pabee/modeling_pabee_bert.py of examples/research_projects/bert-loses-patience in
github.com/huggingface/transformers, less what only training uses.

Dynamic: a counter that grows while `torch.all(labels.eq(patient_labels))` holds and is set back where it does not, and
a `break` when it reaches the patience. The model counts on itself, from call to call, the layers it has run.
"""

# Arguments and outputs have no types, as in the published code.
# pyright: basic, reportArgumentType=false, reportOptionalCall=false, reportOptionalSubscript=false

from functools import partial

import torch
from bert import BERT_BASE, BertConfig, BertLayer, BertModel, BertPreTrainedModel
from calibration import input_of, reproducible, standardize
from token_calibration import initialize_transformer, sample_tokens
from torch import nn


class BertEncoderWithPabee(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList([BertLayer(config) for _ in range(config.num_hidden_layers)])

    def forward(self, hidden_states, attention_mask=None, head_mask=None):
        for i, layer_module in enumerate(self.layer):
            hidden_states = layer_module(hidden_states, attention_mask, head_mask[i])[0]
        return (hidden_states,)

    def adaptive_forward(self, hidden_states, current_layer, attention_mask=None, head_mask=None):
        layer_outputs = self.layer[current_layer](hidden_states, attention_mask, head_mask[current_layer])

        return layer_outputs[0]


class BertModelWithPabee(BertModel):
    encoder: BertEncoderWithPabee

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config, BertEncoderWithPabee)

        self.patience = 0
        self.inference_instances_num = 0
        self.inference_layers_num = 0

        self.regression_threshold = 0

    def set_regression_threshold(self, threshold) -> None:
        self.regression_threshold = threshold

    def set_patience(self, patience) -> None:
        self.patience = patience

    def reset_stats(self) -> None:
        self.inference_instances_num = 0
        self.inference_layers_num = 0

    def log_stats(self) -> None:
        avg_inf_layers = self.inference_layers_num / self.inference_instances_num
        message = (
            f"*** Patience = {self.patience} Avg. Inference Layers = {avg_inf_layers:.2f} Speed Up ="
            f" {1 - avg_inf_layers / self.config.num_hidden_layers:.2f} ***"
        )
        print(message)

    def forward(
        self,
        input_ids=None,
        attention_mask=None,
        token_type_ids=None,
        position_ids=None,
        head_mask=None,
        output_dropout=None,
        output_layers=None,
        regression=False,
    ):
        embedding_output, extended_attention_mask, head_mask = self.embed(
            input_ids, attention_mask, token_type_ids, position_ids, head_mask
        )
        encoder_outputs = embedding_output

        if self.training:
            res = []
            for i in range(self.config.num_hidden_layers):
                encoder_outputs = self.encoder.adaptive_forward(
                    encoder_outputs, current_layer=i, attention_mask=extended_attention_mask, head_mask=head_mask
                )

                pooled_output = self.pooler(encoder_outputs)
                logits = output_layers[i](output_dropout(pooled_output))
                res.append(logits)
        elif self.patience == 0:  # Use all layers for inference
            encoder_outputs = self.encoder(
                embedding_output, attention_mask=extended_attention_mask, head_mask=head_mask
            )
            pooled_output = self.pooler(encoder_outputs[0])
            res = [output_layers[self.config.num_hidden_layers - 1](pooled_output)]
        else:
            patient_counter = 0
            patient_result = None
            calculated_layer_num = 0
            for i in range(self.config.num_hidden_layers):
                calculated_layer_num += 1
                encoder_outputs = self.encoder.adaptive_forward(
                    encoder_outputs, current_layer=i, attention_mask=extended_attention_mask, head_mask=head_mask
                )

                pooled_output = self.pooler(encoder_outputs)
                logits = output_layers[i](pooled_output)
                if regression:
                    labels = logits.detach()
                    if patient_result is not None:
                        patient_labels = patient_result.detach()
                    if (patient_result is not None) and torch.abs(patient_result - labels) < self.regression_threshold:
                        patient_counter += 1
                    else:
                        patient_counter = 0
                else:
                    labels = logits.detach().argmax(dim=1)
                    if patient_result is not None:
                        patient_labels = patient_result.detach().argmax(dim=1)
                    if (patient_result is not None) and torch.all(labels.eq(patient_labels)):
                        patient_counter += 1
                    else:
                        patient_counter = 0

                patient_result = logits
                if patient_counter == self.patience:
                    break
            res = [patient_result]
            self.inference_layers_num += calculated_layer_num
            self.inference_instances_num += 1

        return res


class BertForSequenceClassificationWithPabee(BertPreTrainedModel):
    """A classifier of sentences that needs `patience` layers in a row to agree with the one before them.

    With a single label it is a regression, and to agree is to differ by less than the regression threshold.
    """

    def __init__(self, config: BertConfig | None = None, patience: int = 2, seed: int = 0) -> None:
        config = config or BertConfig(num_hidden_layers=6)
        super().__init__(config)
        self.num_labels = config.num_labels
        with reproducible(seed):
            self.bert = BertModelWithPabee(config)
            self.dropout = nn.Dropout(config.hidden_dropout_prob)
            self.classifiers = nn.ModuleList(
                [nn.Linear(config.hidden_size, self.config.num_labels) for _ in range(config.num_hidden_layers)]
            )
            self._fit()
        self.bert.set_patience(patience)
        self.requires_grad_(False)
        self.eval()

    def forward(self, input_ids=None, attention_mask=None, token_type_ids=None, position_ids=None, head_mask=None):
        """The logits f32[batch, labels] of sentences i64[batch, tokens], which all leave together."""
        logits = self.bert(
            input_ids=input_ids,
            attention_mask=attention_mask,
            token_type_ids=token_type_ids,
            position_ids=position_ids,
            head_mask=head_mask,
            output_dropout=self.dropout,
            output_layers=self.classifiers,
            regression=self.num_labels == 1,
        )

        return (logits[-1],)

    def _fit(self) -> None:
        """Make each class as likely as the others, by classifiers of the same direction, so that layers may agree."""
        initialize_transformer(self)
        self.eval()
        self.bert.set_regression_threshold(0.5)
        hidden_states = self.bert.embeddings(sample_tokens(64, 16))
        first = self.classifiers[0]
        for i, classifier in enumerate(self.classifiers):
            (hidden_states,) = self.bert.encoder.layer[i](hidden_states)
            classifier.load_state_dict(first.state_dict())
            standardize(classifier, input_of(classifier, partial(self._classify, classifier, hidden_states)))

    def _classify(self, classifier, hidden_states):
        return classifier(self.bert.pooler(hidden_states))


class PabeeBase(BertForSequenceClassificationWithPabee):
    """BERT-base with the paper's patience of 6."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(BERT_BASE, patience=6, seed=seed)
