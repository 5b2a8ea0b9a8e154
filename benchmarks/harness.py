"""What the benchmarks share: interleaved rounds, ratios with their spread, and the record that the page is made of.

Each benchmark is a module of this folder with a function `measure() -> list[Comparison]`; `benchmarks/run.py`
runs them all (`make benchmark`), saves `benchmarks/measured/<name>.json` and writes docs/performance.md.
"""

import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

ROUNDS = 5


@dataclass
class Comparison:
    """One row of the page: what was measured, against what, and whether the aim was met.

    Attributes:
        what, against: plain words.
        ratios: one for each round; above 1 is better for `larger`, below for `smaller`.
        aim: the number that the ratio shall reach.
        better: "larger" or "smaller".
        figures: further figures by name (medians with their unit in the name).
        note: why an aim was missed, or what was learned.
    """

    what: str
    against: str
    ratios: list[float]
    aim: float | None
    better: str = "larger"
    figures: dict[str, float | str] = field(default_factory=dict)
    note: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.ratios)

    @property
    def met(self) -> bool | None:
        """Whether the median ratio reaches the aim; None without an aim."""
        if self.aim is None:
            return None
        return self.median >= self.aim if self.better == "larger" else self.median <= self.aim


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds of one call by a clock: wall time, or `time.process_time` for those of all cores together."""
    gc.collect()
    began = clock()
    work()
    return clock() - began


def interleaved(
    *works: Callable[[], object], rounds: int = ROUNDS, warm: int = 1, clock: Callable[[], float] = time.perf_counter
) -> list[list[float]]:
    """Seconds of each work in each round, [work][round].

    All works run once in every round, in turn, their order reversed in every other round, so that a machine that
    slows down meanwhile slows all of them.

    Args:
        warm: rounds that are run first and not counted.
        clock: `time.process_time` for work of this process alone, "per core": others on the machine change it less.
    """
    times: list[list[float]] = [[] for _ in works]
    for number in range(warm + rounds):
        order = range(len(works)) if number % 2 == 0 else reversed(range(len(works)))
        for index in order:
            took = seconds(works[index], clock)
            if number >= warm:
                times[index].append(took)
    return times


def ratios(numerator: list[float], denominator: list[float]) -> list[float]:
    """Round by round."""
    return [above / below for above, below in zip(numerator, denominator, strict=True)]
