"""The typed experiment: the models of every key of `params.yaml`.

Every model forbids unknown keys. `read.py` reads the file and words the messages.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SerializeAsAny, model_validator

from aurl.experiment.parts import ENCODERS, LAYOUTS, check_layout, check_tokens, read_part
from aurl.system.errors import AurlError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Positive = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(ge=0, le=1)]
LossPart = Literal["mse", "seen", "centres", "synthetic"]
Channel = tuple[float, float, float]
Layout = Annotated[str, AfterValidator(check_layout), Field(json_schema_extra={"part_of": LAYOUTS})]
Tokens = Annotated[
    str,
    AfterValidator(check_tokens),
    Field(json_schema_extra={"values": "`words`, `lemmas`, or a dataset of `data/class_tokens.csv`"}),
]


class Settings(BaseModel):
    """Base: unknown keys are errors, so are NaN and infinity; values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


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


class EncoderSettings(Settings):
    """The text encoder: a file of `aurl/semantics/encoders`, or a module from outside, and its own settings.

    `dimension` is that of the class embeddings. `missing` says what happens to a class that the encoder cannot embed.
    """

    name: Annotated[str, Field(json_schema_extra={"part_of": ENCODERS})]
    dimension: Positive
    missing: Literal["error", "drop_class"]


class SemanticsSettings(Settings):
    """The text encoder and the strict-label filter."""

    encoder: Annotated[
        SerializeAsAny[EncoderSettings],
        BeforeValidator(read_part(ENCODERS)),
        Field(json_schema_extra={"part_of": ENCODERS}),
    ]
    tau: Annotated[float, Field(ge=0, le=2)]
    expected_seen_classes: Positive | None


class WeightsSettings(Settings):
    """A file of published weights, and the SHA-256 that it must have."""

    file: str
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class ModelSettings(Settings):
    """R(2+1)D of any width and depth, and the projectors."""

    clip_length: Positive = 16
    width: Annotated[int, Field(ge=2)] = 64
    blocks: Annotated[list[Positive], Field(min_length=1, max_length=6)] = [2, 2, 2, 2]
    embedding: Annotated[int, Field(ge=2)] = 2048
    word_hidden: Annotated[int, Field(ge=2)] = 512
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.05
    mean: Channel = (0.43216, 0.394666, 0.37645)
    std: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (
        0.22803,
        0.22145,
        0.216989,
    )
    initial_backbone: WeightsSettings | None = None


class OptimizerSettings(Settings):
    """SGD with warm-up and cosine (the paper's recipe), or Adam with steps (the earlier paper's)."""

    name: Literal["sgd", "adam"]
    lr: Annotated[float, Field(gt=0)]
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.9
    weight_decay: Annotated[float, Field(ge=0)] = 0.0
    schedule: Literal["cosine", "steps"]
    warmup_epochs: Annotated[float, Field(ge=0)] = 0.0
    milestones: list[Annotated[float, Field(gt=0)]] = []
    gamma: Annotated[float, Field(gt=0, le=1)] = 0.1


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


class ClassGeneratorSettings(Settings):
    """Synthetic classes: rows of mixing weights drawn from U(low, high), or the identity (no generator)."""

    mix: Literal["uniform", "identity"] = "uniform"
    low: float = 0.0
    high: float = 1.0
    rows: Positive | None = None

    @model_validator(mode="after")
    def _range(self) -> "ClassGeneratorSettings":
        if self.low >= self.high:
            raise ValueError("low must be below high")
        return self


class VariantSettings(Settings):
    """One row of the ablation: the parts of the loss with their weights, and what is learned."""

    losses: Annotated[dict[LossPart, Annotated[float, Field(gt=0)]], Field(min_length=1)]
    word_projector: bool
    class_generator: ClassGeneratorSettings | None = None
    us_query: Literal["semantic", "visual"] = "semantic"
    strict_labels: bool = True
    optimizer: OptimizerSettings | None = None

    @model_validator(mode="after")
    def _parts_fit(self) -> "VariantSettings":
        if ("synthetic" in self.losses) != (self.class_generator is not None):
            raise ValueError("the loss part 'synthetic' and class_generator belong together")
        if "synthetic" in self.losses and "centres" not in self.losses:
            raise ValueError("the loss part 'synthetic' needs 'centres': it mixes the visual centres")
        if "mse" in self.losses and self.word_projector:
            raise ValueError("the loss part 'mse' is for fixed word vectors: set word_projector to false")
        return self


class StatisticsSettings(Settings):
    """The bootstrap: how many resamples, the seed of their random numbers, and the confidence of the intervals."""

    resamples: Annotated[int, Field(ge=100, le=1_000_000)]
    seed: Annotated[int, Field(ge=0)]
    confidence: Annotated[float, Field(ge=0.5, lt=1)]


class EvaluationSettings(Settings):
    """Clips per video and random half-class splits; the draws are seeds 0 .. splits - 1."""

    clips: Annotated[list[Positive], Field(min_length=1)]
    splits: Annotated[list[Positive], Field(min_length=1)]
    statistics: StatisticsSettings
    batch_size: Positive
    compute: ComputeSettings


class TestSetSettings(Settings):
    """Which dataset of the experiment stands in a published column, and how the column is headed."""

    dataset: Name
    label: str


class ReportSettings(Settings):
    """The layout of the tables: which protocol goes into which, and what may be compared."""

    title: str
    paper_setting: bool = False
    setting: str
    test_sets: dict[Literal["ucf101", "hmdb51"], TestSetSettings]
    closeness_of: Literal["ucf101", "hmdb51"] = "ucf101"
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
            "evaluation.splits": self.evaluation.splits,
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
        for key in ("ablation_clips", "sota_clips"):
            if getattr(self.report, key) not in self.evaluation.clips:
                raise ValueError(f"report.{key}: {getattr(self.report, key)} is not in evaluation.clips")
        if 1 not in self.evaluation.splits:
            raise ValueError("evaluation.splits: must contain 1 (all classes), which the ablation table shows")
        return self


def _known(mapping: dict[str, Any], name: str, kind: str, where: str) -> Any:
    if name not in mapping:
        raise AurlError(f"unknown {kind} '{name}' in {where}; known: {', '.join(mapping)}")
    return mapping[name]
