"""Applies the strict-label filter at other thresholds tau."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from aurl.semantics.classes import read_seen_table
from aurl.semantics.seen import passes_filter

TAUS = tuple(step / 100 for step in range(21))  # 0, 0.01 .. 0.2
REMOVED = "removed since the previous tau"


def tau_sweep(
    seen_classes: Path, taus: Sequence[float] = TAUS, videos: Mapping[str, int] | None = None
) -> pd.DataFrame:
    """Make one row for each tau, ascending: what stays, and the classes removed since the previous tau.

    Decides as the filter does (`aurl.semantics.seen`), from the distances in seen_classes.csv, which have all digits.

    Args:
        videos: training videos by class, for the column `videos kept`.
    Returns:
        Columns `tau`, `classes kept`, `classes removed`, `videos kept` (where given) and `removed since the previous
        tau`: a list of texts "class (nearest test class distance)", nearest first.
    Raises:
        AurlError: seen_classes.csv is damaged.
    """
    table = read_seen_table(seen_classes)
    table["shown"] = (table["distance"].round(4) + 0.0).map("{:.4f}".format)  # + 0.0: equal classes may have -0
    table["text"] = table["class"] + " (" + table["nearest_class"] + " " + table["shown"] + ")"
    table = table.sort_values(["shown", "class"])
    before = pd.Series(True, index=table.index)
    rows = []
    for tau in sorted(taus):
        kept = pd.Series(passes_filter(table["distance"].to_numpy(), tau), index=table.index)
        row = {"tau": tau, "classes kept": int(kept.sum()), "classes removed": int((~kept).sum())}
        if videos is not None:
            row["videos kept"] = sum(videos.get(name, 0) for name in table["class"][kept])
        rows.append({**row, REMOVED: table["text"][before & ~kept].tolist()})
        before = kept
    return pd.DataFrame(rows)


def borderline(seen_classes: Path, tau: float, number: int) -> pd.DataFrame:
    """Select the `number` seen classes whose distance is nearest to tau, sorted by distance."""
    table = read_seen_table(seen_classes)
    nearest = (table["distance"] - tau).abs().sort_values(kind="stable").index[:number]
    return table.loc[nearest].sort_values(["distance", "class"])
