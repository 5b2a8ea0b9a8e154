"""Growth: how the time of a stage grows with the videos and with the classes, as exponents."""

import numpy as np
from harness import Comparison
from scale import CLASSES, MIDDLE_CLASSES, MIDDLE_SIZE, SIZES, Taken, measure_all

STAGES = ["ingest", "manifest", "frames", "frames_index", "embeddings", "features", "evaluate", "statistics", "tables"]
AIM = 1.1  # linear is 1


def measure() -> list[Comparison]:
    """Two rows for each stage: its own time, without the start of Python and imports, over videos and over classes."""
    rows = measure_all()
    found = []
    for stage in STAGES:
        videos = [row for size in SIZES for row in rows if (row.stage, row.videos, row.classes) == (stage, size, MIDDLE_CLASSES)]  # fmt: skip
        classes = [row for count in CLASSES for row in rows if (row.stage, row.videos, row.classes) == (stage, MIDDLE_SIZE, count)]  # fmt: skip
        found.append(compare(f"{stage}: time over videos", videos, [row.videos for row in videos]))
        found.append(compare(f"{stage}: time over classes", classes, [row.classes for row in classes]))
    return found


def compare(what: str, rows: list[Taken], sizes: list[int]) -> Comparison:
    """The exponent by least squares on the logarithms; the range is that of the exponents between neighbours."""
    size, seconds = np.log(sizes), np.log([row.seconds for row in rows])
    exponent = float(np.polyfit(size, seconds, 1)[0])
    steps = (np.diff(seconds) / np.diff(size)).tolist()
    figures = {f"at {count:,} [s]": row.seconds for count, row in zip(sizes, rows, strict=True)}
    figures["from the middle to the largest, exponent"] = steps[-1]
    return Comparison(what, "exponent 1 (linear)", [exponent], AIM, "smaller", figures)
