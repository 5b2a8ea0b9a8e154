"""The settings of datasets, frames and class embeddings."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, SerializeAsAny, model_validator

from aurl.experiment.base import PartSettings, Positive, Settings, named_part_reader, part_name_check, parts_schema
from aurl.experiment.parts import ENCODERS, LAYOUTS, check_tokens

Layout = Annotated[str, part_name_check(LAYOUTS, ["find"]), Field(json_schema_extra=parts_schema(LAYOUTS, "name"))]
Tokens = Annotated[
    str,
    AfterValidator(check_tokens),
    Field(json_schema_extra={"values": "`words`, `lemmas`, or a dataset of `data/class_tokens.csv`"}),
]


RENDERED_CLASSES = {"kinetics700": 551, "ucf101": 81, "hmdb51": 44}  # in data/rendered_world.csv


class RenderSettings(Settings):
    """A part of the rendered world: `classes` classes of a dataset's names from `first_class` on; null for all.

    Videos are numbered from `first_video` on. Datasets of the same classes with other numbers share no video.

    Only the classes whose words the shipped word vectors know can be rendered: 551 of kinetics700, 81 of ucf101, 44 of
    hmdb51.
    """

    classes_of: Literal["kinetics700", "ucf101", "hmdb51"]
    first_class: Annotated[int, Field(ge=0)] = 0
    classes: Positive | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    videos_per_class: Positive
    first_video: Annotated[int, Field(ge=0, exclude_if=lambda first: not first)] = 0  # so that blocks stay equal
    frames: tuple[Annotated[int, Field(ge=8)], Annotated[int, Field(le=1000)]] = (12, 20)
    width: Annotated[int, Field(ge=16, le=1024, multiple_of=2)] = 32
    height: Annotated[int, Field(ge=16, le=1024, multiple_of=2)] = 24
    codec: Literal["h264", "xvid"]
    domain_shift: bool = False

    @property
    def number_of_classes(self) -> int:
        """Return how many classes are rendered."""
        return RENDERED_CLASSES[self.classes_of] - self.first_class if self.classes is None else self.classes

    @model_validator(mode="after")
    def _consistent(self) -> "RenderSettings":
        known = RENDERED_CLASSES[self.classes_of]
        if self.first_class + max(self.number_of_classes, 1) > known:
            raise ValueError(f"first_class + classes must not pass the {known} classes of {self.classes_of}")
        if self.frames[0] > self.frames[1]:
            raise ValueError("frames must be [shortest, longest]")
        return self


class SourceSettings(Settings):
    """Name the source of a dataset's videos: a folder in a known layout, or the rendered world.

    `list` is a path below the folder, for a layout that reads a list of videos from another place than usual.
    """

    folder: str | None = None
    layout: Layout = "class_folders"
    list: Annotated[str | None, Field(exclude_if=lambda path: path is None)] = None  # so that blocks stay equal
    versioned: bool = False
    render: RenderSettings | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "SourceSettings":
        if (self.folder is None) == (self.render is None):
            raise ValueError("give exactly one of folder and render")
        if self.folder is None and self.list is not None:
            raise ValueError("list: rendered videos have no list; remove the key")
        if self.list is not None and (not self.list or self.list[0] in "/$~" or ".." in self.list.split("/")):
            raise ValueError(f"list: '{self.list}' is no path below the folder; write it relative to the folder")
        return self


class DatasetSettings(Settings):
    """One dataset: its source, how class names become tokens, and what to do with broken files and equal classes.

    `equal_words` is about classes of a test set that have the same words: of these, only one can be predicted.
    `evaluate_only` is for a test set that networks never knew of: the strict-label filter passes over it, so that adding
    it trains nothing.
    """

    source: SourceSettings
    tokens: Tokens
    broken: Literal["error", "leave_out", "keep_partial"]
    shards: Annotated[int, Field(ge=1, le=100_000)]
    equal_words: Literal["error", "allow"] = "error"
    evaluate_only: Annotated[bool, Field(exclude_if=lambda chosen: not chosen)] = False  # so that blocks stay equal


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
