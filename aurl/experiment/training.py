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

    file: Annotated[str, Field(description="the file of weights")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), Field(description="the SHA-256 that the file must have")]


class NetworkSettings(Settings):
    """The backbone, the projectors, and the normalisation of frames."""

    backbone: Annotated[Backbone, Field(description="the network that reads the clips")]
    embedding: Annotated[Size, Field(description="the length of the joint embedding of videos and classes")] = 2048
    word_hidden: Annotated[
        Size, Field(description="the width of the hidden layer that maps words to the joint space")
    ] = 512
    dropout: Annotated[
        float, Field(ge=0, lt=1), Field(description="the share of values that the word layers drop in training")
    ] = 0.05
    mean: Annotated[Channel, Field(description="what is subtracted from red, green and blue of a frame (0 to 1)")] = (
        0.43216,
        0.394666,
        0.37645,
    )
    std: Annotated[
        tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]],
        Field(description="what red, green and blue are divided by afterwards"),
    ] = (
        0.22803,
        0.22145,
        0.216989,
    )


class ModelSettings(NetworkSettings):
    """The network, the frames of a clip, and the published weights that its backbone starts from."""

    clip_length: Annotated[Positive, Field(description="frames of a clip")] = 16
    initial_backbone: Annotated[
        WeightsSettings | None,
        Field(description="weights that the backbone starts from; null to start from random ones"),
    ] = None


class ComputeSettings(Settings):
    """Set where and how torch computes. Two results are equal to the byte only where these are."""

    device: Annotated[
        Literal["auto", "cpu", "cuda"], Field(description="`cpu`, `cuda`, or `auto`: a GPU where there is one")
    ] = "auto"
    precision: Annotated[
        Literal["float32", "bfloat16"], Field(description="`bfloat16` is faster on new GPUs and less exact")
    ] = "float32"
    channels_last: Annotated[bool, Field(description="keep channels last in memory: faster for most networks")] = True
    compile: Annotated[bool, Field(description="compile the network first: slower start, faster steps")] = False
    threads: Annotated[
        Positive, Field(description="threads of torch; results repeat to the byte with equal numbers")
    ] = 1
    workers: Annotated[
        int, Field(ge=0), Field(description="processes that read frames ahead; 0 reads them in between")
    ] = 0


class TrainingSettings(Settings):
    """The training recipe shared by all variants.

    `batch_size` is the total: of all `processes` (one for each GPU) and of the `accumulation` parts in which
    each of them takes its share. Losses and gradients are those of the whole batch; BatchNorm sees one part of
    all processes.
    """

    epochs: Annotated[Positive, Field(description="how often the training passes over the seen videos")]
    batch_size: Annotated[int, Field(ge=2), Field(description="videos of a step, over all processes and parts")]
    accumulation: Annotated[
        Positive, Field(description="parts of a batch that a process computes one after the other, to save memory")
    ] = 1
    processes: Annotated[Positive, Field(description="processes that share a batch, one for each GPU")] = 1
    epoch_videos: Annotated[Positive | None, Field(description="videos of an epoch; null for all")] = None
    scale: Annotated[float, Field(gt=0), Field(description="lambda: what cosines are multiplied by in the loss")] = 10.0
    optimizer: Annotated[OptimizerSettings, Field(description="the optimiser of all variants without one of their own")]
    compute: Annotated[ComputeSettings, Field(description="where and how the training computes")] = ComputeSettings()
    resume_every: Annotated[
        Positive, Field(description="steps between two saved states; a killed training goes on from the last")
    ] = 500
