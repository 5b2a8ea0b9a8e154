"""Ingests a dataset: lists every file with its SHA-256, and copies or renders the files where they are versioned.

The list is the start of the lineage. DVC stores a rendered or versioned dataset as a part of the results. A dataset
that stays in its own folder (Kinetics-700 has 600 GB) is fixed by the digests in the list: later stages compare every
byte that they read with them.
"""

import csv
import functools
import os
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from aurl.datasets.layouts.base import VideoFile, load_layout
from aurl.datasets.rendered import render_video, rendered_videos
from aurl.datasets.same_files import list_same, same_files
from aurl.experiment.folders import source_folder
from aurl.experiment.settings import RenderSettings
from aurl.pipeline.jobs import Job
from aurl.system.errors import AurlError
from aurl.system.files import replacing, sha256_file
from aurl.system.isolated import Failure, map_isolated
from aurl.system.progress import log, track
from aurl.system.terminal import counted

COLUMNS = ("path", "class", "bytes", "sha256")
NOT_VERSIONED = (
    "The videos of this dataset stay in their own folder; the list beside this folder holds their SHA-256.\n"
)
MOST_NAMED = 5  # files passed over that a line names
RENDER_TIMEOUT_SECONDS = 120.0


def find_videos(folder: Path, layout: str, listed: str | None = None) -> list[VideoFile]:
    """List a dataset's video files, sorted by class, then path (both by code point).

    Args:
        layout: a file of `aurl/datasets/layouts`, or a dotted name.
        listed: path of the list below the folder, for a layout that reads one; by default its own.
    Raises:
        AurlError: the folder is missing or has no class folders, a class has no video, or the layout does not allow
            a file.
    """
    if not folder.is_dir():
        raise AurlError(f"{folder}: no such folder; put the dataset there or change datasets.<name>.source.folder")
    module: Any = load_layout(layout)
    if listed is not None and not hasattr(module, "LIST"):
        raise AurlError(f"datasets.<name>.source.list: '{listed}', but layout '{layout}' reads no list; remove the key")
    videos: list[VideoFile] = module.find(folder) if listed is None else module.find(folder, listed)
    if not videos:
        raise AurlError(f"{folder}: no class folders with videos found (layout '{layout}')")
    for video in videos:
        if not video.path.isprintable():
            raise AurlError(
                f"{folder}: the name {video.path!a} contains a line break or another character that cannot be printed;"
                " rename it"
            )
    _check_spelling(folder, {video.class_name for video in videos})
    _log_passed_over(folder, videos)
    return _sorted(videos)


def _sorted(videos: Iterable[VideoFile]) -> list[VideoFile]:
    return sorted(videos, key=lambda video: (video.class_name, video.path))


def _log_passed_over(folder: Path, videos: list[VideoFile]) -> None:
    """Log how many files the layout has not taken, in the dataset's folder and anywhere below its class folders."""
    taken = {video.path for video in videos}
    class_folders = {Path(path).parent for path in taken} - {Path()}
    outermost = [place for place in class_folders if class_folders.isdisjoint(place.parents)]
    above = {Path(), *(parent for place in outermost for parent in place.parents)}
    paths = [path.relative_to(folder).as_posix() for place in above for path in (folder / place).iterdir()
             if path.is_file() and not path.name.startswith(".")]  # fmt: skip
    for place in outermost:
        for root, folders, files in os.walk(folder / place):
            folders[:] = [name for name in folders if not name.startswith(".")]
            paths += [Path(root, name).relative_to(folder).as_posix() for name in files if not name.startswith(".")]
    passed = sorted(path for path in paths if path not in taken)
    if passed:
        suffixes = Counter(Path(path).suffix.lower() or "no suffix" for path in passed)
        kinds = ", ".join(f"{suffix}: {count}" for suffix, count in sorted(suffixes.items()))
        named = ", ".join(f"{path!a}"[1:-1] for path in passed[:MOST_NAMED])
        more = f" and {len(passed) - MOST_NAMED} more" if len(passed) > MOST_NAMED else ""
        log(f"{folder}: {counted(len(passed), 'file')} passed over, not taken as videos ({kinds}): {named}{more}")


def _check_spelling(folder: Path, classes: set[str]) -> None:
    """Raises: AurlError for two classes whose names differ only in how letters with accents are stored."""
    known: dict[str, str] = {}
    for name in sorted(classes):
        other = known.setdefault(unicodedata.normalize("NFC", name), name)
        if other != name:
            raise AurlError(
                f"{folder}: the classes {other!a} and {name!a} look the same (their accents are stored in two ways);"
                " put their videos into one folder"
            )


def _check_regular(folder: Path, videos: list[VideoFile]) -> None:
    """Raises: AurlError for a video that is a folder, a pipe, a device, or a link to one or to nothing."""
    for video in videos:
        path = folder / video.path
        try:
            regular = path.is_file()
        except OSError:  # a link to itself
            regular = False
        if not regular:
            raise AurlError(f"{path}: not a regular file, nor a link to one; remove it")


def render_dataset(folder: Path, render: RenderSettings, workers: int = 1) -> list[VideoFile]:
    """Render a part of the embedded world into class folders; the number of workers does not change a byte.

    Raises: AurlError if a video could not be written (a full disk, say).
    """
    videos = list(rendered_videos(render))
    folder.mkdir(parents=True, exist_ok=True)
    write = functools.partial(render_video, folder, render=render)
    results = map_isolated(write, videos, workers, RENDER_TIMEOUT_SECONDS)
    paths = _succeed(results, len(videos), "render", "videos")
    return _sorted(VideoFile(path, path.split("/")[0]) for path in paths)


def ingest_rendered(render: RenderSettings, copies: Path, listing: Path, workers: int) -> None:
    """Render a dataset into `copies` and list its files in `listing`; both or neither appear."""
    with replacing(copies, listing) as (folder, table):
        videos = render_dataset(folder, render, workers)
        write_listing(table, folder, videos, workers)


def ingest_folder(
    source: Path, layout: str, versioned: bool, copies: Path, listing: Path, workers: int, listed: str | None = None
) -> None:
    """List a dataset's files, and copy them into `copies` if it is versioned.

    Args:
        listed: as `find_videos` takes it.
    Raises: AurlError for a missing folder, an empty class, or a file that its layout does not allow.
    """
    videos = find_videos(source, layout, listed)
    _check_regular(source, videos)
    with replacing(copies, listing) as (folder, table):
        folder.mkdir(parents=True)
        if versioned:
            for video in track(videos, f"copy {source.name}", "videos", len(videos)):
                (folder / video.path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source / video.path, folder / video.path)
        else:
            (folder / "README.txt").write_text(NOT_VERSIONED)
        write_listing(table, folder if versioned else source, videos, workers)


def write_listing(table: Path, folder: Path, videos: list[VideoFile], workers: int) -> None:
    """Write path, class, bytes and SHA-256 of every video, in the given order."""
    paths = (folder / video.path for video in videos)
    results = map_isolated(size_and_digest, paths, workers, timeout=3600.0)
    with table.open("w", newline="") as handle:
        rows = csv.writer(handle, lineterminator="\n")
        rows.writerow(COLUMNS)
        for video, (size, sha256) in zip(videos, _succeed(results, len(videos), "digest", "videos"), strict=True):
            rows.writerow((video.path, video.class_name, size, sha256))
    if same := same_files({folder.name: table}):
        log(f"{folder}: the same file (SHA-256) in several classes: {list_same(same)}")


def size_and_digest(path: Path) -> tuple[int, str]:
    """Return the size in bytes and the hex SHA-256 of a file."""
    return path.stat().st_size, sha256_file(path)


FEW = 3  # videos, of which no progress is shown


def _succeed(results: Iterable[Any], total: int, description: str, unit: str) -> Iterator[Any]:
    for result in track(results, description, unit, total, brief=total <= FEW):
        if isinstance(result, Failure):
            raise AurlError(f"{description}: {result.reason}")
        yield result


def run(job: Job) -> None:
    """Run the stage `ingest`."""
    source = job.settings["datasets.{dataset}.source"]
    if source.render is not None:
        ingest_rendered(source.render, job.outputs.videos, job.outputs.listing, job.workers)
    else:
        ingest_folder(
            source_folder(source.folder), source.layout, source.versioned, job.outputs.videos, job.outputs.listing,
            job.workers, source.list,
        )  # fmt: skip
