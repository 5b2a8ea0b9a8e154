"""The typed experiment: the models of every key of `params.yaml`.

Every model forbids unknown keys. `read.py` reads the file and words the messages.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SerializeAsAny, model_validator

from aurl.experiment.base import Name, PartSettings, Positive, Settings, named_part_reader, parts_reader, parts_schema
from aurl.experiment.parts import ENCODERS, LAYOUTS, check_layout, check_tokens
from aurl.experiment.variants import OptimizerSettings, VariantSettings
from aurl.system.errors import AurlError

__all__ = [
    "Name",
    "OptimizerSettings",
    "PartSettings",
    "Positive",
    "Settings",
    "VariantSettings",
]  # for those who import them here
PROTOCOLS = "aurl.evaluation.protocols"
DEFAULT_PROTOCOL = "half_splits"  # whose rows tables and figures show
Fraction = Annotated[float, Field(ge=0, le=1)]
Channel = tuple[float, float, float]
Size = Annotated[int, Field(ge=2, le=1 << 24)]  # of a layer; a larger one is a mistake
Layout = Annotated[str, AfterValidator(check_layout), Field(json_schema_extra=parts_schema(LAYOUTS, "name"))]
Tokens = Annotated[
    str,
    AfterValidator(check_tokens),
    Field(json_schema_extra={"values": "`words`, `lemmas`, or a dataset of `data/class_tokens.csv`"}),
]


Backbone = Annotated[
    SerializeAsAny[PartSettings],
    named_part_reader("aurl.backbones", PartSettings, ["build"]),
    Field(json_schema_extra=parts_schema("aurl.backbones", "named")),
]


class RenderSettings(Settings):
    """A part of the rendered world: classes `first_class` .. `first_class + classes` of a seeded order."""

    seed: Annotated[int, Field(ge=0)] = 0
    first_class: Annotated[int, Field(ge=0, lt=480)] = 0
    classes: Annotated[int, Field(ge=1, le=480)]
    videos_per_class: Positive
    frames: tuple[Annotated[int, Field(ge=8)], Annotated[int, Field(le=1000)]] = (32, 48)
    width: Annotated[int, Field(ge=16, le=1024, multiple_of=2)] = 64
    height: Annotated[int, Field(ge=16, le=1024, multiple_of=2)] = 48
    codec: Literal["h264", "xvid"]
    domain_shift: bool = False

    @model_validator(mode="after")
    def _consistent(self) -> "RenderSettings":
        if self.first_class + self.classes > 480:
            raise ValueError("first_class + classes must not pass the world's 480 classes")
        if self.frames[0] > self.frames[1]:
            raise ValueError("frames must be [shortest, longest]")
        return self


class SourceSettings(Settings):
    """Where a dataset's videos come from: a folder in a known layout, or the rendered world."""

    folder: str | None = None
    layout: Layout = "class_folders"
    versioned: bool = False
    render: RenderSettings | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "SourceSettings":
        if (self.folder is None) == (self.render is None):
            raise ValueError("give exactly one of folder and render")
        return self


class DatasetSettings(Settings):
    """One dataset: its source, how class names become tokens, and what to do with broken files."""

    source: SourceSettings
    tokens: Tokens
    broken: Literal["error", "leave_out", "keep_partial"]
    shards: Annotated[int, Field(ge=1, le=100_000)]


class FrameSettings(Settings):
    """The packed frame store: every frame squashed to `size` x `size`, as JPEG; and the limits of decoding one video."""

    size: Annotated[int, Field(ge=16, le=512)]
    quality: Annotated[int, Field(ge=1, le=100)]
    chroma: Literal["420", "444"]
    timeout_seconds: Annotated[float, Field(gt=0, le=86_400)] = 300
    memory_mb: Annotated[int, Field(ge=64, le=1_048_576)] = 2048

    @property
    def stored(self) -> dict[str, Any]:
        """The settings that shape the stored frames: `size`, `quality` and `chroma`."""
        return {"size": self.size, "quality": self.quality, "chroma": self.chroma}


class EncoderSettings(PartSettings):
    """The text encoder: a file of `aurl/semantics/encoders`, or a module from outside, and its own settings.

    `dimension` is that of the class embeddings. `missing` says what happens to a class that the encoder cannot embed.
    """

    dimension: Positive
    missing: Literal["error", "drop_class"]


class SemanticsSettings(Settings):
    """The text encoder and the strict-label filter."""

    encoder: Annotated[
        SerializeAsAny[EncoderSettings],
        named_part_reader(ENCODERS, EncoderSettings, ["inputs", "encode"]),
        Field(json_schema_extra=parts_schema(ENCODERS, "named")),
    ]
    tau: Annotated[float, Field(ge=0, le=2)]
    expected_seen_classes: Positive | None


class WeightsSettings(Settings):
    """A file of published weights, and the SHA-256 that it must have."""

    file: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class NetworkSettings(Settings):
    """The backbone, the projectors, and the normalisation of frames."""

    backbone: Backbone
    embedding: Size = 2048
    word_hidden: Size = 512
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    mean: Channel = (0.43216, 0.394666, 0.37645)
    std: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (
        0.22803,
        0.22145,
        0.216989,
    )


class ModelSettings(NetworkSettings):
    """The network, the frames of a clip, and the published weights that its backbone starts from."""

    clip_length: Positive = 16
    initial_backbone: WeightsSettings | None = None


class ComputeSettings(Settings):
    """Where and how torch computes; part of what makes two results equal to the byte."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["float32", "bfloat16"] = "float32"
    channels_last: bool = True
    compile: bool = False
    threads: Positive = 1
    workers: Annotated[int, Field(ge=0)] = 0


class TrainingSettings(Settings):
    """The training recipe shared by all variants.

    `batch_size` is the total: of all `processes` (one for each GPU) and of the `accumulation` parts in which
    each of them takes its share. Losses and gradients are those of the whole batch; BatchNorm sees one part of
    all processes.
    """

    epochs: Positive
    batch_size: Annotated[int, Field(ge=2)]
    accumulation: Positive = 1
    processes: Positive = 1
    epoch_videos: Positive | None = None
    scale: Annotated[float, Field(gt=0)] = 10.0
    optimizer: OptimizerSettings
    compute: ComputeSettings = ComputeSettings()
    resume_every: Positive = 500


class StatisticsSettings(Settings):
    """The bootstrap: how many resamples, the seed of their random numbers, and the confidence of the intervals."""

    resamples: Annotated[int, Field(ge=100, le=1_000_000)]
    seed: Annotated[int, Field(ge=0)]
    confidence: Annotated[float, Field(ge=0.5, lt=1)]


class EvaluationSettings(Settings):
    """Clips per video, the test protocols with their settings, and the bootstrap."""

    clips: Annotated[list[Positive], Field(min_length=1)]
    protocols: Annotated[
        dict[str, SerializeAsAny[Settings]],
        Field(min_length=1, json_schema_extra=parts_schema(PROTOCOLS, "mapping")),
        parts_reader(PROTOCOLS, Settings, ["evaluate"]),
    ]
    statistics: StatisticsSettings
    batch_size: Positive
    compute: ComputeSettings


class TestSetSettings(Settings):
    """A test set in tables and figures: the dataset, its label, and its name in `data/published_results.csv`.

    `published` is null for a test set without published numbers.
    """

    dataset: Name
    label: Annotated[str, Field(min_length=1)]
    published: str | None


class ReportSettings(Settings):
    """The layout of tables and figures: test sets, labels, protocols, and what may be compared.

    `proposed` is the variant of the method that the report is about, `baseline` the one that figures show beside it.
    The experiment need not have these two. `labels` names variants; by default a variant has its published name, or its
    own key.
    """

    title: str
    paper_setting: bool = False
    setting: str
    proposed: Name
    baseline: Name
    labels: dict[Name, Annotated[str, Field(min_length=1)]] = {}
    test_sets: Annotated[dict[Name, TestSetSettings], Field(min_length=1)]
    closeness_of: Name
    ablation_clips: Positive = 1
    sota_clips: Positive = 25


class Experiment(Settings):
    """A whole experiment: the contents of `params.yaml`.

    What a stage tracks has no default here: it is written out in the file, where DVC reads it too.
    """

    experiment: Name
    seen: Name
    unseen: Annotated[list[Name], Field(min_length=1)]
    datasets: dict[Name, DatasetSettings]
    frames: FrameSettings
    semantics: SemanticsSettings
    model: ModelSettings
    training: TrainingSettings
    variants: Annotated[dict[Name, VariantSettings], Field(min_length=1)]
    trained: list[Name]
    imported: dict[Name, WeightsSettings]
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1)]
    evaluation: EvaluationSettings
    report: ReportSettings
    absent: Literal["error", "leave_out"] = "error"
    record: Literal["manual", "automatic"] = "manual"

    def variant(self, name: str) -> VariantSettings:
        """The variant's settings. Raises: AurlError for a name that is not in the experiment."""
        return _known(self.variants, name, "variant", f"experiment '{self.experiment}'")

    def weights(self, variant: str) -> WeightsSettings:
        """The file that a variant is imported from. Raises: AurlError if it is not imported."""
        return _known(self.imported, variant, "imported variant", f"experiment '{self.experiment}'")

    def dataset(self, name: str) -> DatasetSettings:
        """The dataset's settings. Raises: AurlError for a name that is not in the experiment."""
        return _known(self.datasets, name, "dataset", f"experiment '{self.experiment}'")

    def optimizer(self, variant: str) -> OptimizerSettings:
        """The variant's own optimiser, or the recipe's."""
        return self.variant(variant).optimizer or self.training.optimizer

    @model_validator(mode="after")
    def _consistent(self) -> "Experiment":
        if sorted([self.seen, *self.unseen]) != sorted(self.datasets):
            raise ValueError(
                f"seen ({self.seen}) and unseen ({', '.join(self.unseen)}) must name each dataset once;"
                f" datasets has {', '.join(self.datasets)}"
            )
        lists: dict[str, Sequence[Any]] = {
            "trained": self.trained,
            "seeds": self.seeds,
            "evaluation.clips": self.evaluation.clips,
        }
        for key, values in lists.items():
            if len(set(values)) != len(values):
                raise ValueError(f"{key}: {values} names a value twice")
        if sorted([*self.trained, *self.imported]) != sorted(self.variants):
            raise ValueError(
                f"trained ({', '.join(self.trained)}) and imported ({', '.join(self.imported) or 'none'}) must name each"
                f" variant once; variants has {', '.join(self.variants)}"
            )
        if self.imported and len(self.seeds) > 1:
            raise ValueError(f"seeds: {self.seeds}: imported weights are one network, of no seed; leave one seed")
        for column, test_set in self.report.test_sets.items():
            if test_set.dataset not in self.unseen:
                raise ValueError(
                    f"report.test_sets.{column}.dataset: '{test_set.dataset}' is none of the unseen datasets"
                    f" ({', '.join(self.unseen)})"
                )
        if self.report.closeness_of not in self.report.test_sets:
            raise ValueError(f"report.closeness_of: '{self.report.closeness_of}' is not in report.test_sets")
        self._check_report_names()
        for key in ("ablation_clips", "sota_clips"):
            if getattr(self.report, key) not in self.evaluation.clips:
                raise ValueError(f"report.{key}: {getattr(self.report, key)} is not in evaluation.clips")
        if DEFAULT_PROTOCOL not in self.evaluation.protocols:
            raise ValueError(f"evaluation.protocols: must contain {DEFAULT_PROTOCOL}, which the ablation table shows")
        return self

    def _check_report_names(self) -> None:
        """Check names and labels of `report`. Raises: ValueError."""
        unknown = [name for name in self.report.labels if name not in self.variants]
        if unknown:
            known = ", ".join(self.variants)
            raise ValueError(f"report.labels: '{unknown[0]}' is none of the variants ({known})")
        shown = [test_set.dataset for test_set in self.report.test_sets.values()]
        labels = [test_set.label for test_set in self.report.test_sets.values()]
        lists = {
            "report.test_sets: dataset": shown,
            "report.test_sets: label": labels,
            "report.labels": list(self.report.labels.values()),
        }
        for where, values in lists.items():
            if len(set(values)) != len(values):
                raise ValueError(f"{where}: {values} names a value twice")


def _known(mapping: dict[str, Any], name: str, kind: str, where: str) -> Any:
    if name not in mapping:
        raise AurlError(f"unknown {kind} '{name}' in {where}; known: {', '.join(mapping)}")
    return mapping[name]
