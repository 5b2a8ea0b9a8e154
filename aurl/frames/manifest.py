"""The manifest: one row for each video file, saying what a full decode of it found.

Broken files are listed and left out, or stop the run: never replaced by anything else.
"""

import csv
from pathlib import Path

from aurl.datasets.table import USABLE, iterate_table
from aurl.experiment.folders import video_folder
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


def make_manifest(listing: Path, folder: Path, broken: str, manifest: Path, workers: int, timeout: float,
                  memory_mb: int | None = None) -> None:  # fmt: skip
    """Decode every listed video, in processes of their own, and write the manifest.

    Memory does not grow with the number of videos.

    Args:
        listing: the ingest stage's list of files.
        folder: where its relative paths start.
        broken: `error` (any file that is not ok stops the run), `leave_out` (they are listed and left
            out) or `keep_partial` (partly decodable ones stay with the frames that they have).
        timeout, memory_mb: seconds and MiB allowed for decoding one file.
    Raises:
        AurlError: files are broken and `broken` is `error`, or a class has no usable video left.
    """
    total = sum(1 for _ in iterate_table(listing))
    paths = (folder / row["path"] for row in iterate_table(listing))
    results = map_isolated(probe, paths, workers, timeout, memory_mb)
    found = Findings(folder, broken, listing.stem)
    with replacing(manifest) as (temporary,):
        with temporary.open("w", newline="") as handle:
            rows = csv.writer(handle, lineterminator="\n")
            rows.writerow(COLUMNS)
            tracked = track(results, f"probe {listing.stem}", "videos", total)
            for file, result in zip(iterate_table(listing), tracked, strict=True):
                properties = VideoProperties("unreadable", result.reason) if isinstance(result, Failure) else result
                found.add(file["path"], file["class"], properties)
                floats = {name: f"{getattr(properties, name):.6f}" for name in ("rate", "duration")}
                cells = {**file, **vars(properties), **floats}
                rows.writerow([cells[name] for name in COLUMNS])
        found.check()


class Findings:
    """What is told of the videos of a manifest: broken ones, and classes that have no usable one."""

    def __init__(self, folder: Path, broken: str, dataset: str) -> None:
        self.folder, self.broken, self.dataset = folder, broken, dataset
        self.videos = self.left_out = 0
        self.named: list[str] = []
        self.classes: set[str] = set()
        self.usable: set[str] = set()

    def add(self, path: str, class_name: str, properties: VideoProperties) -> None:
        """Take up one video; what is wrong with it goes to the log where the run goes on."""
        self.videos += 1
        self.classes.add(class_name)
        used = properties.status in USABLE[self.broken]
        if used:
            self.usable.add(class_name)
        else:
            self.left_out += 1
        told = f"{self.folder / path}: {properties.status}: {properties.reason}"
        if self.broken == "error":
            if not used and len(self.named) < MOST_NAMED:
                self.named.append(told)
        elif properties.status != "ok":
            log(f"{told}; {'kept as far as it goes' if used else 'left out'}")

    def check(self) -> None:
        """Raises: AurlError where the policy does not allow what was found."""
        if self.named:
            first, *others = self.named
            names = "".join(f"\n  {told}" for told in others)
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
    make_manifest(
        job.inputs.listing, video_folder(settings["datasets.{dataset}.source"], job.inputs.videos),
        settings["datasets.{dataset}.broken"], job.outputs.manifest, job.workers, settings["frames.timeout_seconds"],
        settings["frames.memory_mb"],
    )  # fmt: skip
