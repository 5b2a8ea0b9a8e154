"""What the limits on a decoder cost: videos a second with and without them, in turns, through the same worker process.

    python benchmarks/isolation.py          # writes benchmarks/isolation.json

Every turn probes and extracts the same rendered videos, once without limits and once with a memory limit and what
comes with it. The ratio is of the CPU time of the workers and this process, summed over all turns, since other
programs on the machine disturb the clock more than the limits do; the clock's medians stand beside it.
"""

import functools
import resource
import statistics
import tempfile
import time
from pathlib import Path

from aurl.datasets.ingest import render_dataset
from aurl.experiment.settings import RenderSettings
from aurl.inference.predict import decode_video
from aurl.system.files import write_json
from aurl.system.isolated import Failure, map_isolated

TURNS, CLASSES, VIDEOS, MEMORY_MB = 12, 20, 10, 2048
OUTPUT = Path("benchmarks/isolation.json")


def cpu_seconds() -> float:
    """CPU time of this process and of its workers that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main() -> None:
    """Measure in turns and write the figures."""
    decode = functools.partial(decode_video, size=112, quality=90, chroma="420")
    cpu: dict[str, list[float]] = {"without": [], "with": []}
    clock: dict[str, list[float]] = {"without": [], "with": []}
    with tempfile.TemporaryDirectory() as folder:
        made = render_dataset(Path(folder), RenderSettings(classes=CLASSES, videos_per_class=VIDEOS, codec="h264"))
        paths = [Path(folder) / video.path for video in made]
        for turn in range(2 * TURNS):
            kind = "with" if (turn + turn // 2) % 2 else "without"  # a b b a a b b a
            memory_mb = MEMORY_MB if kind == "with" else None
            started, used = time.perf_counter(), cpu_seconds()
            results = list(map_isolated(decode, paths, 1, 60, memory_mb))
            clock[kind].append(time.perf_counter() - started)
            cpu[kind].append(cpu_seconds() - used)
            assert not any(isinstance(result, Failure) for result in results)
    videos = CLASSES * VIDEOS
    figures = {
        "turns": TURNS,
        "videos": videos,
        "cpu_ratio": round(sum(cpu["without"]) / sum(cpu["with"]), 3),
        "videos_per_second": {kind: round(videos / statistics.median(clock[kind]), 1) for kind in clock},
        "videos_per_cpu_second": {kind: round(videos / statistics.median(cpu[kind]), 1) for kind in cpu},
    }
    write_json(OUTPUT, figures)
    print(OUTPUT.read_text(), end="")


if __name__ == "__main__":
    main()
