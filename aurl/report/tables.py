"""The paper's tables: ours (mean, standard deviation over seeds, interval), published, and the difference.

An unknown published cell stays empty, and so does one that was not measured. Differences are printed
only where the experiment is the paper's setting.
"""

import html
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from aurl.datasets.table import USABLE, iterate_table, iterate_usable
from aurl.evaluation.predictions import top1_of_predictions
from aurl.experiment.settings import DatasetSettings, ReportSettings, VariantSettings, WeightsSettings
from aurl.pipeline.jobs import Job
from aurl.report.comparable import compared
from aurl.report.intervals import Interval, Statistics
from aurl.report.results import Measured, Results, read_published
from aurl.semantics.classes import read_embeddings, read_seen_table
from aurl.semantics.tau_sweep import REMOVED, TAUS, tau_sweep
from aurl.semantics.tokens import FROM_NAMES, read_token_table
from aurl.system.files import replacing
from aurl.system.shipped import PREDICTIONS, TOKEN_TABLE

PAPER_LABELS = {"ucf101": "UCF101", "hmdb51": "HMDB51"}
PAPER_MARKS = ["L_S", "e2e", "L_US", "CG"]  # columns of the paper's ablation table; those of other terms follow
AUTHORS, AUTHORS_METHOD = "authors", "AURL, the authors' predictions"
AUTHORS_NOTE = (
    "The authors' predictions: top-1 of the per-video predictions that they published for UCF101 and HMDB51 (1 clip, all"
    " classes), computed here as ours are, whatever the experiment's own test sets are."
)
THREE_SPLITS_NOTE = (
    "The published 3-split rows of other methods are probably all classes on the three official video lists"
    " (assumed), another protocol than half of the classes."
)
MOST_NAMES = 5  # class names in a cell that people read
LONGEST_LINE = 80  # characters of a cell


@dataclass(frozen=True)
class Cell:
    """One quantity of one row: measured, published, how many decimals it is shown with, and its interval."""

    measured: Measured | None
    published: float | None
    decimals: int
    interval: Interval | None = None

    def difference(self) -> float | None:
        """Ours minus published, where both exist."""
        if self.measured is None or self.published is None:
            return None
        return self.measured.mean - self.published


@dataclass(frozen=True)
class Table:
    """Leading text columns and, for each quantity, one cell a row; csv may hold another text in a column.

    `intervals` names the quantities that can have an interval: csv has columns for it.
    """

    caption: str
    text: dict[str, list[str]]
    quantities: dict[str, list[Cell]]
    notes: list[str]
    differences: bool
    csv_text: dict[str, list[str]] = field(default_factory=dict)
    intervals: tuple[str, ...] = ()

    def values(self) -> pd.DataFrame:
        """Numbers in columns of their own, for csv."""
        columns: dict[str, list[object]] = {
            name: list(column) for name, column in {**self.text, **self.csv_text}.items()
        }
        for name, cells in self.quantities.items():
            columns[name] = [_rounded(cell.measured.mean if cell.measured else None) for cell in cells]
            columns[f"{name} std"] = [_rounded(cell.measured.std if cell.measured else None) for cell in cells]
            if name in self.intervals:
                for bound in ("low", "high", "fixed_low", "fixed_high"):
                    columns[f"{name} {bound.replace('_', ' ')}"] = [
                        getattr(cell.interval, bound, None) for cell in cells
                    ]
            columns[f"{name} published"] = [cell.published for cell in cells]
            if self.differences:
                columns[f"{name} difference"] = [_rounded(cell.difference()) for cell in cells]
        return pd.DataFrame(columns)

    def display(self) -> pd.DataFrame:
        """Text for people: "44.4 ± 0.3 [41.0, 47.9]"."""
        columns: dict[str, list[str]] = dict(self.text)
        for name, cells in self.quantities.items():
            columns[name] = [_show(cell) for cell in cells]
            columns[f"{name}, published"] = [_number(cell.published, cell.decimals) for cell in cells]
            if self.differences:
                columns[f"{name}, difference"] = [_number(cell.difference(), cell.decimals, "+") for cell in cells]
        return pd.DataFrame(columns)


def ablation_table(
    results: Results, statistics: Statistics, variants: dict[str, VariantSettings], report: ReportSettings,
    notes: list[str], authors: Mapping[Any, float],
) -> Table:  # fmt: skip
    """The ablation: all classes of each test set, `report.ablation_clips` clips.

    Args:
        authors: `ucf101`, `hmdb51` -> top-1 of the authors' own predictions; a row of its own.
    """
    published = read_published("ablation")
    own = [name for name in variants if name not in set(published["variant"])]
    rows = [(row.variant, row.method, row) for row in published.itertuples()] + [(name, name, None) for name in own]
    after_aurl = 1 + published["variant"].tolist().index("aurl")
    rows.insert(after_aurl, (AUTHORS, AUTHORS_METHOD, rows[after_aurl - 1][2]))
    quantities: dict[str, list[Cell]] = {}
    closeness_set = report.test_sets[report.closeness_of]
    for metric in ("closeness", "dispersion"):
        quantities[f"{metric.capitalize()} ({closeness_set.label})"] = [
            Cell(results.cell(variant, closeness_set.dataset, report.ablation_clips, 1, metric), _value(row, metric), 2)
            for variant, _, row in rows
        ]
    for column, test_set in report.test_sets.items():
        quantities[f"{test_set.label} top-1"] = [
            Cell(
                Measured(authors[column], None, 1)
                if variant == AUTHORS
                else results.cell(variant, test_set.dataset, report.ablation_clips, 1, "top1"),
                _value(row, f"{column}_top1"),
                1,
                statistics.interval(variant, test_set.dataset, report.ablation_clips),
            )
            for variant, _, row in rows
        ]
    text = {"Method": [method for _, method, _ in rows], **_components([variant for variant, _, _ in rows], variants)}
    protocol = (
        f"All classes, {_clips(report.ablation_clips)}. The poster does not say on which test set closeness and"
        f" dispersion were taken: {PAPER_LABELS[report.closeness_of]} is assumed."
    )
    methods = {variant: method for variant, method, _ in rows}
    labels = {test_set.dataset: test_set.label for test_set in report.test_sets.values()}
    paired = statistics.paired_notes(methods, labels)
    notes = [protocol, AUTHORS_NOTE, *notes, *statistics.notes(), *paired]
    return Table(
        f"{report.title}: ablation", text, quantities, notes, report.paper_setting, intervals=_top1_columns(report)
    )


def sota_table(results: Results, statistics: Statistics, report: ReportSettings, notes: list[str]) -> Table:
    """The comparison with other methods, `report.sota_clips` clips."""
    published = read_published("sota")
    rows = list(published.itertuples())
    quantities = {
        f"{test_set.label} top-1": [
            Cell(
                _sota_measured(results, row, test_set.dataset, report.sota_clips),
                _value(row, f"{column}_top1"),
                1,
                statistics.interval(_text(row.variant), test_set.dataset, report.sota_clips)
                if _text(row.test_splits) == "1"
                else None,
            )
            for row in rows
        ]
        for column, test_set in report.test_sets.items()
    }
    text = {
        "Method": [row.method + ("*" if row.starred == "yes" else "") for row in rows],
        "Test splits": [_text(row.test_splits) for row in rows],
        **{
            f"Trained on ({PAPER_LABELS[column]})": [_text(getattr(row, f"{column}_train")) for row in rows]
            for column in report.test_sets
        },
    }
    protocol = (
        f"Ours: {_clips(report.sota_clips)}; 1 test split is all classes, n splits the mean over half-class draws 0 .. n-1."
        " What the star means is not stated in the poster: most probably strict labels (assumed); the unstarred AURL row"
        " is variant aurl_all, trained without the filter."
    )
    return Table(
        f"{report.title}: comparison",
        text,
        quantities,
        [protocol, THREE_SPLITS_NOTE, *notes, *statistics.notes()],
        report.paper_setting,
        intervals=_top1_columns(report),
    )


def sweep_table(seen_classes: Path, tau: float, videos: Mapping[str, int], title: str) -> Table:
    """The strict-label filter at other thresholds; csv names every class that goes, the other formats the nearest."""
    swept = tau_sweep(seen_classes, sorted({*TAUS, tau}), videos)
    text = {
        "tau": [f"{value:g}" for value in swept["tau"]],
        **{name: [str(value) for value in swept[name]] for name in swept.columns.drop(["tau", REMOVED])},
    }
    shown = ["; ".join(names[:MOST_NAMES]) + _and_more(len(names) - MOST_NAMES) for names in swept[REMOVED]]
    notes = [
        f"The experiment's tau is {tau:g}; 0 is no filter. A class stays if its distance (1 - cos) to every test class"
        " is at least tau; in brackets the nearest test class and the distance to it.",
        "Only classes that have an embedding are counted, and their usable training videos.",
    ]
    removed = {REMOVED: ["; ".join(names) for names in swept[REMOVED]]}
    return Table(f"{title}: strict labels by tau", {**text, REMOVED: shown}, {}, notes, False, removed)


def no_sweep_table(title: str) -> Table:
    """The table without rows, where data are missing that the strict-label filter needs."""
    text: dict[str, list[str]] = {name: [] for name in ("tau", "classes kept", "classes removed", REMOVED)}
    return Table(f"{title}: strict labels by tau", text, {}, ["Data are missing: no class was filtered."], False)


def describe_setting(results: Results, seen_classes: Path | None, tau: float, report: ReportSettings) -> list[str]:
    """Notes on the setting, the seeds, and what the strict-label filter left (where it could be applied)."""
    notes = [report.setting]
    if not report.paper_setting:
        notes.append(
            "This is not the paper's setting: published values stand beside ours for orientation,"
            " and no difference is printed."
        )
    if not results.seeds:
        return [*notes, "Nothing was measured."]
    seeds = "1 seed; no standard deviation"
    if results.seeds > 1:
        seeds = f"{results.seeds} seeds; ± is the standard deviation over seeds"
    if seen_classes is None:
        return [*notes, f"{seeds}."]
    filtered = read_seen_table(seen_classes)
    kept = f"Strict labels with tau {tau:g} keep {int(filtered['kept'].sum())} of {len(filtered)} seen classes."
    return [*notes, f"{seeds}. {kept}"]


def describe_dataset(name: str, settings: DatasetSettings, manifest: Path, embeddings: Path | None) -> str:
    """What of a dataset was used: videos that were left out or are only partial, classes that are not there."""
    found = Counter((row["class"], row["status"]) for row in iterate_table(manifest))
    used = {key: videos for key, videos in found.items() if key[1] in USABLE[settings.broken]}
    names = len({class_name for class_name, _ in used})
    classes = f"{names} classes"
    if settings.tokens not in FROM_NAMES:
        official = len(read_token_table(TOKEN_TABLE, settings.tokens))
        classes = f"{names} of the {official} classes of {settings.tokens}"
    partial = sum(videos for (_, status), videos in used.items() if status == "partial")
    dropped = read_embeddings(embeddings).dropped if embeddings else {}
    return (
        f"{name}: {sum(used.values())} of {found.total()} videos usable, {classes}"
        + (f", {partial} of the videos only partly decodable" if partial else "")
        + ("; classes dropped for unknown words: " if dropped else "")
        + ", ".join(f"{class_name} ({' '.join(words)})" for class_name, words in dropped.items())
    )


def describe_tested(results: Results, name: str) -> str:
    """On how much of a test set the tables stand."""
    counts = results.counts(name)
    return "not tested on" if counts is None else "tested on {} videos of {} classes".format(*counts)


def describe_absent(absent: dict[str, str]) -> str:
    """What is missing, and what that leaves empty."""
    listed = "; ".join(f"{name} ({where})" for name, where in absent.items())
    return (
        f"Missing: {listed}. Cells that need it are empty: nothing is trained without all datasets and the vectors."
        " 'aurl fetch' and docs/datasets.md say how to get them; then run the same command again."
    )


@dataclass(frozen=True)
class TableInputs:
    """The files that tables are made from; manifests and class embeddings by dataset, and what is absent."""

    metrics: Path
    statistics: Path
    seen_classes: Path | None
    manifests: dict[str, Path]
    embeddings: dict[str, Path]
    absent: dict[str, str]


def make_tables(
    inputs: TableInputs, report: ReportSettings, variants: dict[str, VariantSettings],
    imported: dict[str, WeightsSettings], datasets: dict[str, DatasetSettings], unseen: list[str], tau: float,
) -> dict[str, Table]:  # fmt: skip
    """All tables of an experiment."""
    results, statistics = Results(inputs.metrics), Statistics(inputs.statistics)
    notes = describe_setting(results, inputs.seen_classes, tau, report)
    notes += [
        f"{name}: not trained here, but imported from {Path(weights.file).name} (SHA-256 {weights.sha256[:12]})."
        for name, weights in imported.items()
    ]
    for name, manifest in inputs.manifests.items():
        tested = f"; {describe_tested(results, name)}" if name in unseen else ""
        notes.append(f"{describe_dataset(name, datasets[name], manifest, inputs.embeddings.get(name))}{tested}.")
    if inputs.absent:
        notes.append(describe_absent(inputs.absent))
    report, reason = compared(results, report, datasets)
    if reason is not None:
        notes.append(reason)
    authors = {column: top1_of_predictions(PREDICTIONS[column]) for column in report.test_sets}
    sweep = no_sweep_table(report.title)
    if inputs.seen_classes is not None:
        (seen,) = set(datasets) - set(unseen)
        videos = Counter(row["class"] for row in iterate_usable(inputs.manifests[seen], datasets[seen].broken))
        sweep = sweep_table(inputs.seen_classes, tau, videos, report.title)
    return {
        "ablation": ablation_table(results, statistics, variants, report, notes, authors),
        "sota": sota_table(results, statistics, report, notes),
        "tau_sweep": sweep,
    }


def write_tables(tables: dict[str, Table], files: dict[tuple[str, str], Path]) -> None:
    """Write every table in every format, all or none; `files` maps (table, extension) to a path."""
    render = {"csv": _csv, "md": _markdown, "tex": _latex, "html": _html}
    with replacing(*files.values()) as temporaries:
        for (name, extension), temporary in zip(files, temporaries, strict=True):
            temporary.write_text(render[extension](tables[name]))


def _top1_columns(report: ReportSettings) -> tuple[str, ...]:
    return tuple(f"{test_set.label} top-1" for test_set in report.test_sets.values())


def _components(names: list[str], variants: dict[str, VariantSettings]) -> dict[str, list[str]]:
    """Mark what each variant has: a column for each loss term's symbol (none for a variant that is not run)."""
    marks = {name: _marks(variant) for name, variant in variants.items()}
    columns = dict.fromkeys([*PAPER_MARKS, *(mark for marked in marks.values() for mark in marked)])
    return {column: ["x" if column in marks.get(name, ()) else "" for name in names] for column in columns}


def _marks(variant: VariantSettings) -> list[str]:
    terms = variant.losses.values()
    marks = [term.symbol for term in terms if term.marked]
    marks += ["e2e"] if variant.word_projector else []
    return marks + (["CG"] if any(term.generates_classes for term in terms) else [])


def _sota_measured(results: Results, row: object, dataset: str, clips: int) -> Measured | None:
    variant, splits = _text(getattr(row, "variant", None)), _text(getattr(row, "test_splits", None))
    return results.cell(variant, dataset, clips, int(splits), "top1") if variant and splits else None


def _csv(table: Table) -> str:
    return str(table.values().to_csv(index=False, lineterminator="\n"))


def _markdown(table: Table) -> str:
    notes = "".join(f"- {note}\n" for note in table.notes)
    body = table.display().to_markdown(index=False, disable_numparse=True)
    return f"**{table.caption}**\n\n{body}\n\n{notes}"


def _latex(table: Table) -> str:
    shown = table.display()
    shown = shown.map(_escape_latex)
    shown.columns = [_escape_latex(column) for column in shown.columns]
    text = set(map(_escape_latex, table.text))
    notes = "".join(f"{_escape_latex(note)}\\par\n" for note in table.notes)
    body = str(
        shown.to_latex(
            index=False,
            caption=_escape_latex(table.caption),
            column_format="".join(_latex_column(shown[name], name in text) for name in shown.columns),
        )
    )
    return body.replace(r"\end{table}", f"\\par\\footnotesize\n{notes}\\end{{table}}")


def _latex_column(cells: pd.Series, text: bool) -> str:
    """Text to the left, broken into lines where it is long; numbers to the right."""
    if not text:
        return "r"
    return r"p{0.5\textwidth}" if max(map(len, cells), default=0) > LONGEST_LINE else "l"


def _html(table: Table) -> str:
    notes = "".join(f"<li>{html.escape(note)}</li>\n" for note in table.notes)
    body = table.display().to_html(index=False, border=0, escape=True)
    title = html.escape(table.caption)
    return (
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{title}</title>\n'
        "<style>body{font-family:sans-serif;margin:2em}"
        "td,th{padding:.3em .8em;text-align:left;border-bottom:1px solid #ccc}</style>\n"
        f"</head>\n<body>\n<h1>{title}</h1>\n{body}\n<ul>\n{notes}</ul>\n</body>\n</html>\n"
    )


LATEX = str.maketrans(
    {character: f"\\{character}" for character in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "±": r"$\pm$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
)


def _escape_latex(text: str) -> str:
    return text.translate(LATEX)


def _and_more(number: int) -> str:
    return f" and {number} more" if number > 0 else ""


def _show(cell: Cell) -> str:
    if cell.measured is None:
        return ""
    decimals = cell.decimals
    spread = "" if cell.measured.std is None else f" ± {cell.measured.std:.{decimals}f}"
    bounds = "" if cell.interval is None else f" [{cell.interval.low:.{decimals}f}, {cell.interval.high:.{decimals}f}]"
    return f"{cell.measured.mean:.{decimals}f}{spread}{bounds}"


def _number(value: float | None, decimals: int, sign: str = "") -> str:
    return "" if value is None else f"{round(value, decimals) + 0.0:{sign}.{decimals}f}"  # + 0.0: no "-0.0"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def _value(row: object, column: str) -> float | None:
    value = getattr(row, column, None)
    return None if value is None or pd.isna(value) else float(value)


def _text(value: object) -> str:
    return "" if value is None or pd.isna(value) else str(value)


def _clips(number: int) -> str:
    return "1 clip a video" if number == 1 else f"{number} clips a video"


def tables_of(job: Job) -> dict[str, Table]:
    """Make the tables from the inputs of the stages `tables` and `report`."""
    settings, inputs = job.settings, job.inputs
    files = TableInputs(
        inputs.metrics, inputs.statistics, next(iter(inputs.seen_classes.values()), None), inputs.manifests,
        inputs.embeddings, dict(job.missing),
    )  # fmt: skip
    return make_tables(
        files, settings["report"], settings["variants"], settings["imported"], settings["datasets"],
        settings["unseen"], settings["semantics.tau"],
    )  # fmt: skip


def run(job: Job) -> None:
    """Run the stage `tables`."""
    files = {(path.stem, path.suffix[1:]): path for path in job.made}
    write_tables(tables_of(job), files)
