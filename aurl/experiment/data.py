"""The settings of datasets, frames and class embeddings."""

from typing import Annotated, Literal

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

    classes_of: Annotated[
        Literal["kinetics700", "ucf101", "hmdb51"], Field(description="the data set whose class names are rendered")
    ]
    first_class: Annotated[
        int, Field(ge=0), Field(description="the first class of the list; 0 is the first of all")
    ] = 0
    classes: Annotated[
        Positive | None, Field(description="how many classes from `first_class` on; null for all that follow")
    ] = None
    seed: Annotated[int, Field(ge=0), Field(description="the seed of everything random in the videos")] = 0
    videos_per_class: Annotated[Positive, Field(description="how many videos each class gets")]
    first_video: Annotated[
        int,
        Field(ge=0, exclude_if=lambda first: not first),  # so that blocks stay equal
        Field(description="the number of each class's first video; other numbers are other videos of the same class"),
    ] = 0
    frames: Annotated[
        tuple[Annotated[int, Field(ge=8)], Annotated[int, Field(le=1000)]],
        Field(description="the fewest and the most frames of a video"),
    ] = (12, 20)
    width: Annotated[int, Field(ge=16, le=1024, multiple_of=2), Field(description="the width of a video in pixels")] = (
        32
    )
    height: Annotated[
        int, Field(ge=16, le=1024, multiple_of=2), Field(description="the height of a video in pixels")
    ] = 24
    codec: Annotated[
        Literal["h264", "xvid"], Field(description="how the videos are encoded: H.264 in mp4, or XviD in avi")
    ]
    domain_shift: Annotated[
        bool,
        Field(description="change exposure, add noise and blur, so that the test set looks unlike the seen videos"),
    ] = False

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

    folder: Annotated[str | None, Field(description="the folder of the videos; null where they are rendered")] = None
    layout: Annotated[Layout, Field(description="how the folder is arranged")] = "class_folders"
    list: Annotated[
        str | None,
        Field(exclude_if=lambda path: path is None),  # so that blocks stay equal
        Field(description="a file below the folder with the list of videos, for a layout that reads a list"),
    ] = None
    versioned: Annotated[
        bool, Field(description="let DVC keep a copy of the videos, so that `aurl sync` brings them")
    ] = False
    render: Annotated[RenderSettings | None, Field(description="render the videos instead of reading a folder")] = None

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

    source: Annotated[SourceSettings, Field(description="where the videos come from")]
    tokens: Annotated[
        Tokens,
        Field(description="how a class name becomes words: those of the name, their lemmas, or an official list"),
    ]
    broken: Annotated[
        Literal["error", "leave_out", "keep_partial"],
        Field(
            description="what to do with a video that cannot be decoded: stop, leave it out, or keep its first frames"
        ),
    ]
    shards: Annotated[
        int,
        Field(ge=1, le=100_000),
        Field(description="in how many files the frames are stored; each is a job of its own"),
    ]
    equal_words: Annotated[
        Literal["error", "allow"],
        Field(description="what to do with test classes of the same words: only one of them can be predicted"),
    ] = "error"
    evaluate_only: Annotated[
        bool,
        Field(exclude_if=lambda chosen: not chosen),
        Field(description="only test on this set: no class of it changes which classes are trained on"),
    ] = False  # so that blocks stay equal


class FrameSettings(Settings):
    """The packed frame store: every frame squashed to `size` x `size`, as JPEG; and the limits of decoding one video."""

    size: Annotated[int, Field(ge=16, le=512), Field(description="width and height of a stored frame in pixels")]
    quality: Annotated[int, Field(ge=1, le=100), Field(description="the quality of its JPEG, 1 to 100")]
    chroma: Annotated[
        Literal["420", "444"],
        Field(description="colours at a quarter of the pixels (`420`), or at all of them (`444`)"),
    ]
    timeout_seconds: Annotated[
        float, Field(gt=0, le=86_400), Field(description="how long decoding one video may take")
    ] = 300
    memory_mb: Annotated[
        int, Field(ge=64, le=1_048_576), Field(description="how much memory decoding one video may take, in MiB")
    ] = 2048


class EncoderSettings(PartSettings):
    """The text encoder: a file of `aurl/semantics/encoders`, or a module from outside, and its own settings.

    `dimension` is that of the class embeddings. `missing` says what happens to a class that the encoder cannot embed.
    """

    dimension: Annotated[Positive, Field(description="the length of a class embedding")]
    missing: Annotated[
        Literal["error", "drop_class"],
        Field(description="what to do with a class that the encoder cannot embed: stop the run, or drop it"),
    ]


class SemanticsSettings(Settings):
    """The text encoder and the strict-label filter."""

    encoder: Annotated[
        SerializeAsAny[EncoderSettings],
        named_part_reader(ENCODERS, EncoderSettings, ["inputs", "encode"]),
        Field(json_schema_extra=parts_schema(ENCODERS, "named")),
        Field(description="the text encoder that turns class names into vectors"),
    ]
    tau: Annotated[
        float,
        Field(ge=0, le=2),
        Field(description="drop seen classes nearer than this (1 - cosine) to a test class; 0 for no filter"),
    ]
    expected_seen_classes: Annotated[
        Positive | None,
        Field(description="how many seen classes the filter must keep, or the run stops; null to allow any number"),
    ]
