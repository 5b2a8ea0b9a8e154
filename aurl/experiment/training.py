"""The settings of the model, of computing and of training."""

from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny

from aurl.experiment.base import PartSettings, Positive, Settings, named_part_reader, parts_schema
from aurl.experiment.variants import OptimizerSettings

BACKBONES = "aurl.backbones"
Channel = tuple[float, float, float]
Size = Annotated[int, Field(ge=2, le=1 << 24)]  # of a layer; a larger one is a mistake
Backbone = Annotated[
    SerializeAsAny[PartSettings],
    named_part_reader(BACKBONES, PartSettings, ["build"]),
    Field(json_schema_extra=parts_schema(BACKBONES, "named")),
]


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
    """Set where and how torch computes. Two results are equal to the byte only where these are."""

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
