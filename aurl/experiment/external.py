"""The settings of rows from outside: score files of methods that this experiment does not run."""

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field

from aurl.experiment.base import Name, Positive, Settings

Track = Literal["inductive", "inductive with descriptions", "unseen names", "open vocabulary", "transductive"]
TRACKS: tuple[str, ...] = get_args(Track)
OWN_TRACK = "inductive"  # of the experiment's own variants: class names as words, no test video in training


class ScoreFileSettings(Settings):
    """A file of scores or embeddings (docs/scoring.md), and the SHA-256 that it must have."""

    file: Annotated[str, Field(description="the file of scores or embeddings")]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$"), Field(description="the SHA-256 that the file must have")]


def _no_bare_name(value: Any) -> Any:
    if isinstance(value, str):
        raise ValueError(
            "a file needs its SHA-256 beside it, {file: ..., sha256: ...};"
            f" 'aurl add-scores {value} --row ROW --test-set KEY' writes both"
        )
    return value


class ExternalSettings(Settings):
    """A row from outside: its label, its track, the clips that it averages, and a file for each test set.

    `track` is the regime that the method works in; rows of different tracks do not compare. The keys of `files` are
    those of `report.test_sets`. `clips` is how many clips of a video the method averages, as its authors say.
    """

    label: Annotated[
        str, Field(min_length=1, max_length=60), Field(description="the name of the row in tables and figures")
    ]
    track: Annotated[
        Track, Field(description="the regime that the method works in; rows of different tracks do not compare")
    ]
    clips: Annotated[Positive, Field(description="how many clips of a video the method averages")] = 1
    files: Annotated[
        dict[Name, Annotated[ScoreFileSettings, BeforeValidator(_no_bare_name)]],
        Field(min_length=1),
        Field(description="a file for each test set, by the keys of `report.test_sets`"),
    ]
