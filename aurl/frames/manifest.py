"""Writes the manifest: one row for each video file, with the result of a full decode.

Broken files are listed and left out, or they stop the run. Nothing ever replaces them.
"""

import csv
from pathlib import Path

from aurl.datasets.table import USABLE, iterate_table
from aurl.experiment.folders import video_folder
from aurl.experiment.settings import FrameSettings
from aurl.frames.video import VideoProperties, probe
from aurl.pipeline.jobs import Job
from aurl.system.errors import AurlError
from aurl.system.files import replacing
from aurl.system.isolated import Failure, map_isolated
from aurl.system.progress import log, track

COLUMNS = [
    *("path", "class", "bytes", "frames", "rate", "duration", "status"),
    *("width", "height", "rotation", "sha256", "reason"),
]
MOST_NAMED = 20  # broken files in the message of an error


def make_manifest(
    listing: Path, folder: Path, broken: str, frames: FrameSettings, manifest: Path, workers: int = 1
) -> None:
    """Decode every listed video in a process of its own, and write the manifest.

    Memory does not grow with the number of videos.

    Args:
        listing: the ingest stage's list of files.
        folder: where its relative paths start.
        broken: `error` (a file that is not ok stops the run), `leave_out` (such files are listed and left
            out) or `keep_partial` (partly decodable files stay with the frames that they have).
        frames: the time and the memory that decoding one file may take.
    Raises:
        AurlError: files are broken and `broken` is `error`, or a class has no usable video left.
    """
    total = sum(1 for _ in iterate_table(listing))
    paths = (folder / row["path"] for row in iterate_table(listing))
    results = map_isolated(probe, paths, workers, frames.timeout_seconds, frames.memory_mb)
    statuses = Statuses(folder, broken, listing.stem)
    with replacing(manifest) as (temporary,):
        with temporary.open("w", newline="") as handle:
            rows = csv.writer(handle, lineterminator="\n")
            rows.writerow(COLUMNS)
            tracked = track(results, f"probe {listing.stem}", "videos", total)
            for file, result in zip(iterate_table(listing), tracked, strict=True):
                properties = VideoProperties("unreadable", result.reason) if isinstance(result, Failure) else result
                statuses.add(file["path"], file["class"], properties)
                known = {name: getattr(properties, name) for name in ("rate", "duration")}
                floats = {name: f"{value:.6f}" if value else "" for name, value in known.items()}
                cells = {**file, **vars(properties), **floats}
                rows.writerow([cells[name] for name in COLUMNS])
        statuses.check()


class Statuses:
    """Collects the broken videos of a manifest, and its classes without a usable video."""

    def __init__(self, folder: Path, broken: str, dataset: str) -> None:
        self.folder, self.broken, self.dataset = folder, broken, dataset
        self.videos = self.left_out = 0
        self.named: list[str] = []
        self.classes: set[str] = set()
        self.usable: set[str] = set()

    def add(self, path: str, class_name: str, properties: VideoProperties) -> None:
        """Add one video; log a broken one, unless it stops the run."""
        self.videos += 1
        self.classes.add(class_name)
        used = properties.status in USABLE[self.broken]
        if used:
            self.usable.add(class_name)
        else:
            self.left_out += 1
        line = f"{self.folder / path}: {properties.status}: {properties.reason}"
        if self.broken == "error":
            if not used and len(self.named) < MOST_NAMED:
                self.named.append(line)
        elif properties.status != "ok":
            log(f"{line}; {'kept as far as it goes' if used else 'left out'}")

    def check(self) -> None:
        """Raises: AurlError for broken videos that the policy does not allow, or a class without a usable video."""
        if self.named:
            first, *others = self.named
            names = "".join(f"\n  {line}" for line in others)
            raise AurlError(
                f"{first} ({self.left_out} of {self.videos} videos of dataset '{self.dataset}' cannot be used);"
                f" replace the file, remove it, or set datasets.{self.dataset}.broken to leave_out or"
                f" keep_partial{names}"
            )
        empty = sorted(self.classes - self.usable)
        if empty:
            raise AurlError(
                f"{self.folder}: class '{empty[0]}' of dataset '{self.dataset}' has no usable video ({len(empty)} such"
                " classes); add videos or remove the class folder"
            )


def run(job: Job) -> None:
    """Run the stage `manifest`."""
    settings = job.settings
    videos = video_folder(settings["datasets.{dataset}.source"], job.inputs.videos)
    broken, frames = settings["datasets.{dataset}.broken"], settings["frames"]
    make_manifest(job.inputs.listing, videos, broken, frames, job.outputs.manifest, job.workers)
