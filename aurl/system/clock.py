"""Reset file times that are in the future."""

import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from aurl.system.files import SNAKEMAKE_STAMP
from aurl.system.terminal import counted

TOLERANCE_SECONDS = 2.0


def reset_future_times(paths: Iterable[Path]) -> Iterator[str]:
    """Give files from the future (the clock was set back) the present time; yield a line if there are any.

    Snakemake fails a job whose outputs are older than its inputs or code. Their order in time does not matter here:
    inputs are compared by content.
    """
    now = time.time()
    stamped = {path / SNAKEMAKE_STAMP if path.is_dir() else path for path in paths}
    times = {path: path.stat().st_mtime for path in sorted(stamped) if os.path.exists(path)}
    ahead = [path for path, mtime in times.items() if mtime > now + TOLERANCE_SECONDS]
    if ahead:
        furthest = max(times.values()) - now
        yield (
            f"{counted(len(ahead), 'file')} up to {furthest:.0f} s in the future, first {ahead[0]}: was the clock set back?"
            " They get the present time"
        )
    for path in ahead:
        try:
            os.utime(path)
        except OSError as error:
            yield f"{path}: keeps its time ({error.strerror}); jobs that read it fail until then"
