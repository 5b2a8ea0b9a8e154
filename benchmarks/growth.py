"""Growth: how the CPU time of a stage grows with the videos and with the classes, as exponents."""

import numpy as np
from harness import Comparison
from scale import CLASSES, MIDDLE_CLASSES, MIDDLE_SIZE, SIZES, Taken, measure_all

STAGES = ["ingest", "manifest", "frames", "frames_index", "embeddings", "features", "evaluate", "statistics", "tables"]
AIM = 1.1  # linear is 1


def measure() -> list[Comparison]:
    """Two rows for each stage: its own CPU time, without the start of Python and imports, over videos and over classes."""
    rows = measure_all()
    found = []
    for stage in STAGES:
        own = {(row.videos, row.classes): row for row in rows if row.stage == stage}
        over_videos = [own[size, MIDDLE_CLASSES] for size in SIZES]
        over_classes = [own[MIDDLE_SIZE, count] for count in CLASSES]
        found.append(compare(f"{stage}: CPU time over videos", over_videos, list(SIZES)))
        found.append(compare(f"{stage}: CPU time over classes", over_classes, list(CLASSES)))
    return found


def compare(what: str, rows: list[Taken], sizes: list[int]) -> Comparison:
    """The exponent by least squares on the logarithms."""
    size, seconds = np.log(sizes), np.log([row.seconds for row in rows])
    exponent = float(np.polyfit(size, seconds, 1)[0])
    steps = (np.diff(seconds) / np.diff(size)).tolist()
    figures = {f"at {count:,} [s]": row.seconds for count, row in zip(sizes, rows, strict=True)}
    figures["from the middle to the largest, exponent"] = steps[-1]
    return Comparison(what, "exponent 1 (linear)", [exponent], AIM, "smaller", figures)
