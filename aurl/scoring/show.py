"""Show a result as text of at most 80 columns."""

import textwrap

from aurl.scoring.result import CONFIDENCE, Comparison, Result, Row

WIDTH = 80
HEAD = f"{'protocol':26}{'runs':>4}{'classes':>9}  {'top-1':<20}{'top-5':>8}{'class mean':>11}"
NAMES = {"closeness": "closeness", "dispersion": "dispersion", "hub_skewness": "hub skewness"}


def as_text(result: Result, comparisons: list[Comparison] | None = None, against: str = "") -> str:
    """Write the table of a result, its notes, and the comparison with another file."""
    lines = [*_wrap(f"{result.test_set_label}: {result.videos:,} videos of {result.origin}"), "", HEAD]
    lines += [_line(row) for row in result.rows]
    if result.geometry:
        values = ", ".join(f"{NAMES[name]} {value:.3f}" for name, value in result.geometry.items())
        lines += ["", *_wrap(f"Embeddings: {values}.")]
    lines += ["", *_wrap(f"Percent. [{100 * CONFIDENCE:.0f} % interval, classes and videos drawn anew]"
                         " or ± standard deviation over runs.")]  # fmt: skip
    for note in result.notes:
        lines += _wrap(note)
    if comparisons is not None:
        lines += ["", *_wrap(f"Against {against}, in points of top-1:"), *map(_comparison, comparisons)]
        lines += _wrap("p: McNemar's exact test over videos, for protocols of one run; not corrected for their number.")
    return "\n".join(lines)


def _line(row: Row) -> str:
    if row.top1_std is not None:
        top1 = f"{row.top1:.2f} ± {row.top1_std:.2f}"
    else:
        top1 = "{:.2f} [{:.1f}, {:.1f}]".format(row.top1, *row.intervals["top1"])
    top5 = "-" if row.top5 is None else f"{row.top5:.2f}"
    return f"{row.label:26}{row.runs:>4}{row.classes:>9}  {top1:<20}{top5:>8}{row.class_top1:>11.2f}"


def _comparison(comparison: Comparison) -> str:
    start = f"{comparison.label:26}{comparison.runs:>4}{comparison.difference:>+9.2f}  "
    if comparison.interval is not None and comparison.p is not None:
        low, high = comparison.interval
        p = "p < 0.001" if comparison.p < 0.001 else f"p = {comparison.p:.2g}"
        return f"{start}[{low:.1f}, {high:.1f}], {p}"
    return f"{start}better in {comparison.better_runs} of {comparison.runs} runs"


def _wrap(text: str) -> list[str]:
    return textwrap.wrap(text, WIDTH)
