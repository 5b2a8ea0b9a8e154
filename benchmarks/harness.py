"""What the benchmarks share: interleaved rounds, ratios with their spread, and a row of the page.

Each benchmark is a module of this folder with a function `measure() -> list[Comparison]`, listed in `run.py`.
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
        aim: the number that the median shall reach; None for none.
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

    def cells(self) -> list[str]:
        """The row of the page's table: what, against, ratio, aim, whether it is met."""
        median, larger = statistics.median(self.ratios), self.better == "larger"
        spread = f"{median:.3g} ({min(self.ratios):.3g} to {max(self.ratios):.3g})"
        if self.aim is None:
            return [self.what, self.against, spread, "", ""]
        met = median >= self.aim if larger else median <= self.aim
        return [self.what, self.against, spread, f"{'≥' if larger else '≤'} {self.aim:g}", "yes" if met else "**no**"]

    def details(self) -> str:
        """The further figures and the note, as a line of a list; empty without any."""
        shown = ", ".join(
            f"{name} {value:,.4g}" if isinstance(value, float | int) else f"{name} {value}"
            for name, value in self.figures.items()
        )
        text = ". ".join(part for part in (shown, self.note) if part)
        return f"- {self.what}: {text}" if text else ""


def seconds(work: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    """Time one call by a clock: wall time, or `time.process_time` for CPU time of all threads."""
    gc.collect()
    began = clock()
    work()
    return clock() - began


def interleaved(
    *works: Callable[[], object], rounds: int = ROUNDS, warm: int = 1, clock: Callable[[], float] = time.perf_counter
) -> list[list[float]]:
    """Time each work in each round; returns seconds as [work][round].

    All works run once in every round, in turn, their order reversed in every other round, so that a machine that
    slows down meanwhile slows all of them.

    Args:
        warm: rounds that are run first and not counted.
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
    """Divide round by round."""
    return [above / below for above, below in zip(numerator, denominator, strict=True)]
