"""The example programs: what they take, at test size and at the size that their papers give."""

from dataclasses import dataclass, field
from typing import Any

IMAGE = "x: f32[1, 3, 32, 32]"


@dataclass(frozen=True)
class Example:
    """A program of `examples/`, as `dycl compile` is given it."""

    reference: str
    signature: str
    arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    """Of the constructor, at test size."""
    full: str = ""
    """The reference at its paper's size; the same as at test size where empty."""
    full_signature: str = ""
    full_arguments: dict[str, Any] = field(default_factory=dict[str, Any])
    state: tuple[str, ...] = ()
    tolerance: float = 1e-5
    """Of outputs; 1e-4 for recurrences over more than 50 steps."""

    @property
    def name(self) -> str:
        return self.reference.rpartition(":")[2]

    @property
    def at_full_size(self) -> "Example":
        return Example(
            self.full or self.reference,
            self.full_signature or self.signature,
            self.full_arguments,
            state=self.state,
            tolerance=max(self.tolerance, 1e-4),
        )


def _example(file: str, name: str, signature: str = IMAGE, full: str = "", **more: Any) -> Example:
    return Example(f"examples/{file}.py:{name}", signature, full=full and f"examples/{file}.py:{full}", **more)


GALLERY: tuple[Example, ...] = (
    _example(
        "batch_compaction",
        "CompactingClassifier",
        "x: f32[4, 3, 16, 16]",
        "CompactingClassifier12",
        full_signature="x: f32[4, 3, 32, 32]",
    ),
    _example("batch_compaction", "FastClassifier", "x: f32[4, 3, 16, 16]"),
    _example("blockdrop", "BlockDrop", arguments={"layer_config": [2, 2, 2]}),
    _example("calm_gpt", "GPT", "idx: i64[1, 4]", "CalmGPT2"),
    _example(
        "captioning_googlenet",
        "GoogLeNetCaptioner",
        "image: f32[1, 3, 64, 64]",
        "GoogLeNetFullCaptioner",
        full_signature="image: f32[1, 3, 256, 256]",
    ),
    _example(
        "captioning_resnext",
        "ResNeXtCaptioner",
        "image: f32[1, 3, 64, 64]",
        "ResNeXt50Captioner",
        full_signature="image: f32[1, 3, 256, 256]",
    ),
    _example("deebert", "DeeBertForSequenceClassification", "input_ids: i64[1, 16]", "DeeBertBase"),
    _example("digits_branchynet", "DigitsBranchyNet", "x: f32[1, 1, 8, 8]"),
    _example("digits_skipnet", "DigitsSkipNet", "x: f32[1, 1, 8, 8]"),
    _example("mixtral", "HitExpertsMixtral", "input_ids: i64[1, 6]"),
    _example("mixtral", "Mixtral", "input_ids: i64[1, 6]", "MixtralTiny"),
    _example("mixture_of_depths", "MoDTransformer", "tokens: i64[1, 12]", "MoD220M"),
    _example("msdnet", "MSDNet", full="MSDNetCifar"),
    _example("nmt", "Seq2Seq", "src: i64[10, 1]", "Seq2SeqMulti30k", tolerance=1e-4),
    _example(
        "pabee",
        "BertForSequenceClassificationWithPabee",
        "input_ids: i64[1, 16]",
        "PabeeBase",
        state=("bert.inference_layers_num", "bert.inference_instances_num"),
    ),
    _example("pondernet", "ParityPonderGRU", "x: f32[3, 8]", "PaperPonderGRU", full_signature="x: f32[3, 64]"),
    _example("shallow_deep_mobilenet", "ShallowDeepMobileNet", full="ShallowDeepMobileNet100"),
    _example("shallow_deep_resnet", "ShallowDeepResNet", arguments={"blocks_per_stage": 1}, full="ShallowDeepResNet56"),
    _example("shallow_deep_vgg", "ShallowDeepVGG", full="ShallowDeepVGG16"),
    _example("shallow_deep_wideresnet", "ShallowDeepWideResNet", full="ShallowDeepWideResNet32x4"),
    _example("skipnet", "RecurrentSkipNet", arguments={"layers": [1, 1, 1]}, full="RecurrentSkipNet38"),
    _example("skipnet", "SkipNet", arguments={"layers": [1, 1, 1]}, full="SkipNet74"),
    _example("switch_transformer", "SwitchTransformer", "tokens: i64[6, 1]", "SwitchBase8"),
    _example(
        "tree_lstm",
        "SimilarityTreeLSTM",
        "ltree: i64[10, 2], linputs: i64[10], rtree: i64[10, 2], rinputs: i64[10]",
        "SimilarityTreeLSTM150",
    ),
    _example("tree_lstm", "TreeLSTMSentiment", "left: i64[10], right: i64[10], words: i64[10]", "TreeLSTMSentiment150"),
    _example(
        "universal_transformer", "BabiUTransformer", "story: i64[1, 5, 6], query: i64[1, 6]", "BabiUTransformer128"
    ),
)

TIMED: tuple[Example, ...] = (
    _example("shallow_deep_resnet", "ShallowDeepResNet56"),
    _example("skipnet", "SkipNet38"),
    _example("skipnet", "SkipNet74"),
    _example("skipnet", "RecurrentSkipNet38"),
    _example("blockdrop", "BlockDrop"),
)
"""The image classifiers at the sizes of their papers, which `make bench` times."""
