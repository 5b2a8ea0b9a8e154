"""Say what a table is, and what it may read.

A table is one file in this folder. The file's name is the table's name. It holds:

- `TITLE`: the heading on the page.
- `make_table(sources: Sources) -> Table`: the rows. Where nothing was measured the table has its columns, but its
  measured cells (or its rows) are empty. The same sources give the same table.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from aurl.experiment.external import OWN_TRACK
from aurl.experiment.settings import (
    DatasetSettings,
    ExternalSettings,
    MethodSettings,
    ReportSettings,
    VariantSettings,
    WeightsSettings,
)
from aurl.report.intervals import Interval, Statistics
from aurl.report.results import Measured, Results

if TYPE_CHECKING:
    import pandas as pd

Best = Literal["highest", "lowest"]
CHECK = "✓"
BOUNDS = ("low", "high", "fixed_low", "fixed_high")  # of an interval


@dataclass(frozen=True)
class TableInputs:
    """The files that tables read.

    Manifests and class embeddings are given by dataset. `absent` maps what is missing to where it was expected.
    """

    metrics: Path
    statistics: Path
    seen_classes: Path | None
    manifests: Mapping[str, Path]
    embeddings: Mapping[str, Path]
    absent: Mapping[str, str]
    frames: Mapping[str, Path] = field(default_factory=dict)  # indexes, by dataset


@dataclass(frozen=True)
class TableSettings:
    """The parameters that tables depend on; `variants` holds those that are rows."""

    report: ReportSettings
    variants: Mapping[str, VariantSettings]
    imported: Mapping[str, WeightsSettings]
    datasets: Mapping[str, DatasetSettings]
    seen: str
    unseen: Sequence[str]
    tau: float
    external: Mapping[str, ExternalSettings] = field(default_factory=dict)
    methods: Mapping[str, MethodSettings] = field(default_factory=dict)


@dataclass(frozen=True)
class Sources:
    """Hold what every table may read: files, parameters, results, labels of variants, and notes on the setting."""

    inputs: TableInputs
    settings: TableSettings
    results: Results
    statistics: Statistics
    labels: Mapping[str, str]
    notes: Sequence[str]

    @property
    def report(self) -> ReportSettings:
        """Return the parameters of `report`; `paper_setting` is off where the results do not compare."""
        return self.settings.report

    def clips(self, row: str, usual: int) -> int:
        """Return the clips of a video that a row is shown with: `usual`, or a row from outside its own."""
        external = self.settings.external
        return external[row].clips if row in external else usual

    def tracks(self, rows: Iterable[str | None]) -> dict[str, list[str]]:
        """Make the column `Track` where there are rows from outside; None stands for a row that was not measured."""
        external = self.settings.external
        if not external:
            return {}
        names = ("" if row is None else external[row].track if row in external else OWN_TRACK for row in rows)
        return {"Track": list(names)}


@dataclass(frozen=True)
class Cell:
    """One quantity of one row: measured, published, the decimals that are shown, and the interval.

    `bound` says that the row is a limit and no method, so that it never counts as the best.
    """

    measured: Measured | None
    published: float | None
    decimals: int
    interval: Interval | None = None
    bound: bool = False

    def difference(self) -> float | None:
        """Subtract the published value from the measured mean, where both exist."""
        if self.measured is None or self.published is None:
            return None
        return self.measured.mean - self.published

    def ours(self) -> str:
        """Format the measured value: "44.4 ± 0.3"."""
        if self.measured is None:
            return ""
        std = "" if self.measured.std is None else f" ± {self.measured.std:.{self.decimals}f}"
        return f"{self.measured.mean:.{self.decimals}f}{std}"

    def bounds(self) -> str:
        """Format the interval of a measured value: "[41.0, 47.9]"; nothing for one without a width."""
        if self.measured is None or self.interval is None or not self.interval.has_width:
            return ""
        return f"[{self.interval.low:.{self.decimals}f}, {self.interval.high:.{self.decimals}f}]"

    def paper(self, differences: bool) -> str:
        """Format the published value, and if wanted ours minus it: "44.4", "44.4, -1.2 here"."""
        difference = self.difference() if differences else None
        here = "" if difference is None else f", {_number(difference, self.decimals, '+')} here"
        return f"{_number(self.published, self.decimals)}{here}"

    def text(self) -> str:
        """Format value and interval: "44.4 ± 0.3 [41.0, 47.9]"."""
        return " ".join(filter(None, (self.ours(), self.bounds())))

    def whole(self, differences: bool) -> str:
        """Format ours and the paper's: "44.4 ± 0.3 [41.0, 47.9] (paper 44.4)"."""
        paper = self.paper(differences)
        return " ".join(filter(None, (self.text(), f"(paper {paper})" if paper else "")))


@dataclass(frozen=True)
class Table:
    """Text columns, and for each quantity one cell a row.

    Attributes:
        caption: the line above the table, with the experiment's title.
        text: the first columns.
        differences: ours minus published has a column of its own.
        csv_text: columns in which csv has a longer text.
        intervals: quantities that can have an interval; csv has columns for its bounds.
        title: the heading on the page.
        published: each quantity has a column of published values.
        last: text columns after the numbers.
        stage: the stage from whose result every number follows, where there is one.
        marks: text columns of check marks: "x" or nothing.
        best: quantity -> whether the highest or the lowest value is the best; no value of other quantities stands out.
        within: the text column whose equal values say which rows compare; None where all do.
        only_files: further notes, which the page states elsewhere.
    """

    caption: str
    text: dict[str, list[str]]
    quantities: dict[str, list[Cell]]
    notes: list[str]
    differences: bool
    csv_text: dict[str, list[str]] = field(default_factory=dict)
    intervals: tuple[str, ...] = ()
    title: str = ""
    published: bool = True
    last: dict[str, list[str]] = field(default_factory=dict)
    stage: str | None = None
    marks: tuple[str, ...] = ()
    best: Mapping[str, Best] = field(default_factory=dict)
    within: str | None = None
    only_files: Sequence[str] = ()

    def values(self) -> "pd.DataFrame":
        """Return the numbers in columns of their own, for csv."""
        import pandas as pd

        columns: dict[str, list[object]] = {
            name: list(column) for name, column in {**self.text, **self.csv_text}.items()
        }
        for name, cells in self.quantities.items():
            columns[name] = [_rounded(cell.measured.mean if cell.measured else None) for cell in cells]
            columns[f"{name} std"] = [_rounded(cell.measured.std if cell.measured else None) for cell in cells]
            if name in self.intervals:
                for bound in BOUNDS:
                    columns[f"{name} {bound.replace('_', ' ')}"] = [
                        getattr(cell.interval, bound, None) for cell in cells
                    ]
            if self.published:
                columns[f"{name} published"] = [cell.published for cell in cells]
            if self.differences:
                columns[f"{name} difference"] = [_rounded(cell.difference()) for cell in cells]
        return pd.DataFrame({**columns, **self.last})

    def texts(self) -> dict[str, list[str]]:
        """Return the text columns for people, with check marks."""
        return {name: [CHECK if text and name in self.marks else text for text in column]
                for name, column in self.text.items()}  # fmt: skip

    def display(self) -> "pd.DataFrame":
        """Return every cell as text for people: ours and the paper's value of a quantity in one cell."""
        import pandas as pd

        columns = self.texts()
        for name, cells in self.quantities.items():
            columns[name] = [cell.whole(self.differences) for cell in cells]
        return pd.DataFrame({**columns, **self.last})


def _number(value: float | None, decimals: int, sign: str = "") -> str:
    return "" if value is None else f"{round(value, decimals) + 0.0:{sign}.{decimals}f}"  # + 0.0: no "-0.0"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)
