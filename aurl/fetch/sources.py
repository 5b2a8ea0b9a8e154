"""Read the official sources of datasets and word vectors: `data/sources.yaml`, typed."""

from pathlib import Path, PurePosixPath
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, TypeAdapter, ValidationError, model_validator

from aurl.experiment.read import read_yaml
from aurl.experiment.settings import Layout, Name, Positive, Settings
from aurl.fetch.names import safe_path
from aurl.system.errors import AurlError, choices

Address = Annotated[str, Field(pattern=r"^https?://[^\s/]+/\S+$")]


class Checksum(Settings):
    """Hold the digest of a whole file."""

    algorithm: Literal["md5", "sha1", "sha256"]
    hex: Annotated[str, Field(pattern=r"^[0-9a-f]{32,64}$")]


class SourceFile(Settings):
    """Name a file by its official address, or (`list`) a text file with such an address in each line.

    `into` is the folder, below the dataset's, that its contents belong to.
    """

    url: Address
    list: bool = False
    into: Annotated[str, Field(pattern=r"^[a-z]*$")] = ""
    bytes: Positive | None = None
    checksum: Checksum | None = None
    stated_by: str | None = None

    @property
    def name(self) -> str:
        """Take the file's name from its address."""
        return PurePosixPath(unquote(urlsplit(self.url).path)).name

    @model_validator(mode="after")
    def _consistent(self) -> "SourceFile":
        if (self.bytes is not None or self.checksum is not None) != (self.stated_by is not None):
            raise ValueError("bytes or checksum and stated_by belong together: none is written without its source")
        safe_path(self.name)
        return self


class Limits(Settings):
    """Limit the contents of a dataset's archives."""

    bytes: Positive
    entries: Positive


class Source(Settings):
    """Declare a dataset (with `layout`: archives that unpack to the folder `target`) or word vectors.

    `authors_videos` is the count of the AURL authors' copy, for planning; a copy is not held against it.
    """

    title: str
    page: Address
    licence: str
    note: str
    size: str
    target: Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w.-]*$")]
    also: str | None = None
    layout: Layout | None = None
    classes: Positive | None = None
    videos: Positive | None = None
    authors_videos: Positive | None = None
    vectors: tuple[Positive, Positive] | None = None
    counts_stated_by: str
    limits: Limits | None = None
    files: Annotated[list[SourceFile], Field(min_length=1)]

    @model_validator(mode="after")
    def _consistent(self) -> "Source":
        if self.layout is None:
            if self.vectors is None or len(self.files) != 1 or self.files[0].checksum is None:
                raise ValueError("without a layout it is word vectors: give vectors, and one file with its checksum")
        elif self.classes is None or self.limits is None:
            raise ValueError("with a layout, classes and limits must be given")
        return self


def load_sources(path: Path) -> dict[str, Source]:
    """Read and check the file of sources.

    Raises: AurlError, one line, if it is missing, no YAML, or a key or value is not allowed.
    """
    try:
        return TypeAdapter(dict[Name, Source]).validate_python(read_yaml(path))
    except FileNotFoundError:
        raise AurlError(f"{path}: no such file; run this in the repository's folder, or restore it from git") from None
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise AurlError(f"{path}: {key}: {message} ({error.error_count()} problems in all)") from None


def find_source(sources: dict[str, Source], name: str) -> Source:
    """Find a source by its name. Raises: AurlError for an unknown one."""
    if name not in sources:
        raise AurlError(f"there is no source '{name}'; {choices(name, sources)}")
    return sources[name]
