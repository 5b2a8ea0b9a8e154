"""Count the videos of a dataset for the page, and list those that are not whole."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from aurl.datasets.table import USABLE, iterate_table
from aurl.experiment.settings import DatasetSettings
from aurl.frames.store import frames_left_out
from aurl.report.table_notes import NO_FRAMES

MOST_LEFT_OUT = 200  # files that the page names for a dataset; the manifest has all


@dataclass(frozen=True)
class DatasetSummary:
    """The counts of a manifest.

    Attributes:
        statuses: status -> number of videos, most frequent first.
        not_ok: (path, status, reason) of videos that are not whole, at most MOST_LEFT_OUT.
        more: how many further ones there are.
    """

    name: str
    manifest: Path
    videos: int
    usable: int
    classes: int
    frames: int
    statuses: dict[str, int]
    broken: str
    not_ok: list[tuple[str, str, str]]
    more: int


def describe_manifest(
    name: str, manifest: Path, settings: DatasetSettings, frames_index: Path | None = None
) -> DatasetSummary:
    """Summarise a manifest, and which of its videos have no frames. Raises: AurlError for a damaged file."""
    left_out = frames_left_out(frames_index) if frames_index else {}
    statuses: Counter[str] = Counter()
    classes: set[str] = set()
    listed: list[tuple[str, str, str]] = []
    frames = 0
    for row in iterate_table(manifest):
        if row["path"] in left_out:
            row |= {"status": NO_FRAMES, "reason": left_out[row["path"]]}
        statuses[row["status"]] += 1
        if row["status"] in USABLE[settings.broken]:
            classes.add(row["class"])
            frames += int(row["frames"])
        if row["status"] != "ok" and len(listed) < MOST_LEFT_OUT:
            listed.append((row["path"], row["status"], row["reason"]))
    used = sum(statuses[status] for status in USABLE[settings.broken])
    return DatasetSummary(
        name, manifest, statuses.total(), used, len(classes), frames, dict(statuses.most_common()), settings.broken,
        listed, statuses.total() - statuses["ok"] - len(listed),
    )  # fmt: skip
