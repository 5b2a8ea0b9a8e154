"""The manifest: one row for each video file, saying what a full decode of it found.

Broken files are listed and left out, or stop the run: never replaced by anything else.
"""

from dataclasses import asdict
from pathlib import Path

import pandas as pd

from aurl.datasets.table import USABLE, read_table, usable_videos
from aurl.errors import AurlError
from aurl.files import replacing
from aurl.frames.video import VideoProperties, probe
from aurl.isolated import Failure, map_isolated
from aurl.progress import log, track

COLUMNS = [
    *("path", "class", "bytes", "frames", "rate", "duration", "status"),
    *("width", "height", "rotation", "sha256", "reason"),
]


def make_manifest(listing: Path, folder: Path, broken: str, manifest: Path, workers: int, timeout: float,
                  memory_mb: int | None = None) -> None:  # fmt: skip
    """Decode every listed video, in processes of their own, and write the manifest.

    Args:
        listing: the ingest stage's list of files.
        folder: where its relative paths start.
        broken: `error` (any file that is not ok stops the run), `leave_out` (they are listed and left
            out) or `keep_partial` (partly decodable ones stay with the frames that they have).
        timeout, memory_mb: seconds and MiB allowed for decoding one file.
    Raises:
        AurlError: files are broken and `broken` is `error`, or a class has no usable video left.
    """
    files = read_table(listing)
    results = map_isolated(probe, [folder / path for path in files["path"]], workers, timeout, memory_mb)
    found = [
        VideoProperties("unreadable", result.reason) if isinstance(result, Failure) else result
        for result in track(results, f"probe {listing.stem}", "videos", len(files))
    ]
    table = pd.concat([files, pd.DataFrame([asdict(properties) for properties in found])], axis=1)[COLUMNS]
    check_usable(table, folder, broken, listing.stem)
    with replacing(manifest) as (temporary,):
        table.to_csv(temporary, index=False, float_format="%.6f", lineterminator="\n")


def check_usable(table: pd.DataFrame, folder: Path, broken: str, dataset: str) -> None:
    """Report the broken files. Raises: AurlError where the policy does not allow them."""
    left_out = table[~table["status"].isin(USABLE[broken])]
    if broken == "error" and len(left_out):
        first = left_out.iloc[0]
        names = "".join(
            f"\n  {folder / row.path}: {row.status}: {row.reason}" for row in left_out.iloc[1:20].itertuples()
        )
        raise AurlError(
            f"{folder / first['path']}: {first['status']}: {first['reason']} ({len(left_out)} of {len(table)} videos of"
            f" dataset '{dataset}' cannot be used); replace the file, remove it, or set"
            f" datasets.{dataset}.broken to leave_out or keep_partial{names}"
        )
    for row in table[table["status"] != "ok"].itertuples():
        use = "kept as far as it goes" if row.status in USABLE[broken] else "left out"
        log(f"{folder / row.path}: {row.status}: {row.reason}; {use}")
    empty = sorted(set(table["class"]) - set(usable_videos(table, broken)["class"]))
    if empty:
        raise AurlError(
            f"{folder}: class '{empty[0]}' of dataset '{dataset}' has no usable video ({len(empty)} such classes);"
            " add videos or remove the class folder"
        )
