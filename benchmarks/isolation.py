"""Limits on a decoder: probing and extracting the same videos with them and without.

    python benchmarks/run.py isolation

200 rendered videos through the same worker process. CPU time of the workers and of this process.
"""

import functools
import tempfile
from pathlib import Path

from clips import SETTINGS
from harness import Comparison, interleaved, ratios
from processes import cpu_of_children

from aurl.datasets.ingest import render_dataset
from aurl.experiment.settings import RenderSettings
from aurl.inference.embed import decode_video
from aurl.system.isolated import Failure, map_isolated

CLASSES, VIDEOS, MEMORY_MB, ROUNDS = 20, 10, 2048, 12


def measure() -> list[Comparison]:
    """One row: videos a second of CPU time with limits over those without."""
    decode = functools.partial(decode_video, **SETTINGS)
    with tempfile.TemporaryDirectory() as folder:
        rendered = render_dataset(
            Path(folder),
            RenderSettings(
                classes_of="kinetics700",
                classes=CLASSES,
                videos_per_class=VIDEOS,
                frames=(32, 48),
                width=64,
                height=48,
                codec="h264",
            ),
        )
        paths = [Path(folder) / video.path for video in rendered]

        def extract(memory_mb: int | None) -> None:
            results = list(map_isolated(decode, paths, 1, 60, memory_mb))
            assert not any(isinstance(result, Failure) for result in results)

        without, limited = interleaved(
            lambda: extract(None), lambda: extract(MEMORY_MB), rounds=ROUNDS, clock=cpu_of_children
        )
    what = f"videos/s of {len(paths)} rendered videos, with limits"
    return [Comparison(what, "without limits, CPU time", ratios(without, limited), None)]
