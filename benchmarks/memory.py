"""Memory: the greatest memory of every stage, at 1,000, 10,000 and 100,000 videos."""

from harness import Comparison
from scale import MIDDLE_CLASSES, MIDDLE_SIZE, SIZES, STAGES, Taken, measure_all

AIM = 1.15  # of a process of 70 to 400 MiB; an index in memory is a few bytes for each video
NATURE = {
    "ingest": "the paths and classes of the folder's files, sorted before they are listed",
    "frames": "8 bytes for each frame and video of the shard, three times while its index is written",
    "train": "length, label, order and clip start of every video",
    "features": "lengths, labels, and the paths, which stand in the file's head",
    "evaluate": "labels, the paths in the file's head, and a distance of every video",
    "statistics": "a hit of every video, variant, seed, number of clips and rank; labels; the paths of one file",
    "predict": "the names on the command line and the answer of every video",
}


def measure() -> list[Comparison]:
    """One row for each stage; each measurement is one process, and repeats to within a few MiB."""
    rows = {(row.stage, row.videos): row for row in measure_all() if row.classes == MIDDLE_CLASSES}
    return [compare(stage, [rows[stage, size] for size in SIZES if (stage, size) in rows]) for stage in STAGES]


def compare(stage: str, rows: list[Taken]) -> Comparison:
    """The process's greatest memory for the most videos, against that for the fewest."""
    fewest, middle, most = rows[0], next(row for row in rows if row.videos == MIDDLE_SIZE), rows[-1]
    before = middle if most is not middle else fewest
    figures = {f"peak at {row.videos:,} [MiB]": row.own / 2**20 for row in rows}
    figures["with pages of files [MiB]"] = most.peak / 2**20
    figures["of it Python and imports [MiB]"] = fewest.imported / 2**20
    figures["worker process [MiB]"] = most.children / 2**20
    figures["for each further video [bytes]"] = (most.own - before.own) / (most.videos - before.videos)
    note = f"Held for every video: {NATURE[stage]}." if stage in NATURE else ""
    what = f"{stage}: own memory at {most.videos:,} videos"
    return Comparison(what, f"at {fewest.videos:,}", [most.own / fewest.own], AIM, "smaller", figures, note)
