"""Make the table of the strict-label filter at other thresholds."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from aurl.datasets.table import iterate_usable
from aurl.frames.store import frames_left_out
from aurl.report.tables.base import Sources, Table
from aurl.semantics.tau_sweep import REMOVED, TAUS, tau_sweep

TITLE = "Strict labels"
STAGE = "seen_classes"
MOST_NAMES = 5  # class names in a cell that people read


def make_table(sources: Sources) -> Table:
    """Make one row for each threshold; without rows where data are missing that the filter needs.

    Raises: AurlError for a damaged file.
    """
    inputs, settings, title = sources.inputs, sources.settings, sources.report.title
    if inputs.seen_classes is None:
        return no_sweep_table(title)
    seen = settings.seen
    left_out = frames_left_out(inputs.frames[seen]) if seen in inputs.frames else {}
    rows = iterate_usable(inputs.manifests[seen], settings.datasets[seen].broken)
    videos = Counter(row["class"] for row in rows if row["path"] not in left_out)
    return sweep_table(inputs.seen_classes, settings.tau, videos, title)


def sweep_table(seen_classes: Path, tau: float, videos: Mapping[str, int], title: str) -> Table:
    """Make the rows; csv names every removed class, the other formats those nearest to a test class."""
    swept = tau_sweep(seen_classes, sorted({*TAUS, tau}), videos)
    text = {
        "tau": [f"{value:g}" for value in swept["tau"]],
        **{name: [str(value) for value in swept[name]] for name in swept.columns.drop(["tau", REMOVED])},
    }
    shown = ["; ".join(names[:MOST_NAMES]) + _and_more(len(names) - MOST_NAMES) for names in swept[REMOVED]]
    notes = [
        f"The experiment's tau is {tau:g}; 0 means no filter. A class stays if its distance (1 - cos) to every test"
        " class is at least tau. The brackets give the nearest test class and the distance to it.",
        "Only classes that have an embedding are counted, and their usable training videos.",
    ]
    removed = {REMOVED: ["; ".join(names) for names in swept[REMOVED]]}
    return Table(f"{title}: strict labels by tau", {**text, REMOVED: shown}, {}, notes, False, removed, stage=STAGE)


def no_sweep_table(title: str) -> Table:
    """Make the table without rows, where data are missing that the strict-label filter needs."""
    text: dict[str, list[str]] = {name: [] for name in ("tau", "classes kept", "classes removed", REMOVED)}
    return Table(f"{title}: strict labels by tau", text, {}, ["Data are missing: no class was filtered."], False)


def _and_more(number: int) -> str:
    return f" and {number} more" if number > 0 else ""
