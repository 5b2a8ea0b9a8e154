"""Make the ablation table: every variant on all classes of each test set, with `report.ablation_clips` clips."""

from collections.abc import Mapping
from dataclasses import dataclass

from aurl.evaluation.ceilings import Ceilings
from aurl.evaluation.labels import counted, test_set_labels
from aurl.evaluation.predictions import prediction_files, top1_of_predictions
from aurl.evaluation.published import PublishedRow, read_published
from aurl.experiment.settings import ReportSettings, TestSetSettings
from aurl.experiment.variants import VariantSettings
from aurl.report.limits import ceilings_by_test_set
from aurl.report.results import Measured
from aurl.report.tables.base import Best, Cell, Sources, Table

TITLE = "Ablation"
PAPER_MARKS = ["L_S", "e2e", "L_US", "CG"]  # columns of the paper's table; those of other terms follow
AUTHORS_METHOD = "AURL"  # the published method that data/authors_predictions_*.csv are from
AUTHORS = "authors' predictions"  # in the place of a variant's name; it has a blank, so no variant has it
CEILINGS = {  # the same; rows below the variants of a rendered experiment
    "ceiling chance": "Chance", "ceiling linear": "Linear map of the words", "ceiling oracle": "Oracle (true factors)",
}  # fmt: skip
CEILINGS_NOTE = (
    "The last three rows are no methods: they are computed from the factors that the videos were drawn with. The oracle"
    " knows the factors of each video and of each class. The linear map knows those of each video, but predicts those of"
    " a class from its words, by ridge regression fitted on the seen classes."
)


@dataclass(frozen=True)
class Row:
    """A row: the variant, the text of its first column, and what was published for it."""

    variant: str
    method: str
    published: PublishedRow | None

    def value(self, test_set: TestSetSettings, metric: str) -> float | None:
        """Return the published value on a test set. The poster names no test set for closeness and dispersion."""
        if self.published is None or test_set.published is None:
            return None
        return self.published.value(test_set.published if metric == "top1" else "", metric)


def make_table(sources: Sources) -> Table:
    """Make the published rows, the authors' own predictions, and the experiment's other variants.

    Raises: AurlError for a damaged file of published numbers.
    """
    report, variants = sources.report, sources.settings.variants
    authors = authors_top1(report)
    settings, inputs = sources.settings, sources.inputs
    limits = ceilings_by_test_set(
        settings.datasets, settings.seen, settings.unseen, inputs.seen_classes, inputs.embeddings
    )
    labels = {name: label for name, label in sources.labels.items() if name not in sources.settings.methods}
    rows = ablation_rows(labels, bool(authors) and report.paper_setting)
    rows += [Row(name, method, None) for name, method in CEILINGS.items() if limits]
    quantities: dict[str, list[Cell]] = {}
    best: dict[str, Best] = {}
    closeness_set = report.test_sets[report.closeness_of]
    for metric in ("closeness", "dispersion"):
        name = f"{metric.capitalize()} ({closeness_set.label})"
        best[name] = "lowest" if metric == "closeness" else "highest"
        quantities[name] = [
            Cell(_measured(sources, row, closeness_set, metric), row.value(closeness_set, metric), 2) for row in rows
        ]
    for key, test_set in report.test_sets.items():
        best[f"{test_set.label} top-1"] = "highest"
        quantities[f"{test_set.label} top-1"] = [
            _top1(sources, row, test_set, authors.get(key), limits.get(test_set.dataset)) for row in rows
        ]
    names = [row.variant for row in rows]
    tracks = sources.tracks(name if name in sources.labels else None for name in names)
    components = _components(names, variants)
    return Table(
        f"{report.title}: ablation",
        {"Method": [row.method for row in rows], **tracks, **components},
        quantities,
        _notes(sources, rows, authors),
        report.paper_setting,
        intervals=tuple(f"{test_set.label} top-1" for test_set in report.test_sets.values()),
        marks=tuple(components),
        best=best,
        only_files=sources.statistics.paired_notes({row.variant: row.method for row in rows}, test_set_labels(report)),
    )


def ablation_rows(labels: Mapping[str, str], with_authors: bool) -> list[Row]:
    """List the published rows, with the authors' predictions below their method, then the other variants."""
    rows = []
    for published in read_published("ablation"):
        rows.append(Row(published.variant, labels.get(published.variant, published.method), published))
        if with_authors and published.method == AUTHORS_METHOD:
            rows.append(Row(AUTHORS, f"{AUTHORS_METHOD}, the authors' predictions", published))
    names = [row.variant for row in rows]
    return rows + [Row(name, label, None) for name, label in labels.items() if name not in names]


def authors_top1(report: ReportSettings) -> dict[str, float]:
    """Compute top-1 of the authors' own predictions for each test set that they published predictions of."""
    files = prediction_files()
    return {
        key: top1_of_predictions(files[name])
        for key, test_set in report.test_sets.items()
        if (name := (test_set.published or "").lower()) in files
    }


def _measured(sources: Sources, row: Row, test_set: TestSetSettings, metric: str) -> Measured | None:
    clips = sources.clips(row.variant, sources.report.ablation_clips)
    return sources.results.cell(row.variant, test_set.dataset, clips, 1, metric)


def _top1(
    sources: Sources, row: Row, test_set: TestSetSettings, authors: float | None, limits: Ceilings | None
) -> Cell:
    measured = _measured(sources, row, test_set, "top1")
    if row.variant == AUTHORS and authors is not None:
        measured = Measured(authors, None, 1)
    if row.variant in CEILINGS and limits is not None:
        origin = row.variant, test_set.dataset  # no cell of metrics.csv, so it leads to no lineage
        measured = Measured(getattr(limits, row.variant.split()[1]), None, 1, origin)
    clips = sources.clips(row.variant, sources.report.ablation_clips)
    interval = sources.statistics.interval(row.variant, test_set.dataset, clips)
    return Cell(measured, row.value(test_set, "top1"), 1, interval, row.variant in (*CEILINGS, AUTHORS))


def _notes(sources: Sources, rows: list[Row], authors: Mapping[str, float]) -> list[str]:
    report = sources.report
    notes = [f"All classes, {counted(report.ablation_clips, 'clip')} a video."]
    published = report.test_sets[report.closeness_of].published
    if published is not None:
        notes[0] += (
            f" The poster does not say which test set its closeness and dispersion are from; we assume {published}."
        )
    if authors:
        notes.append(_authors_note(report, authors))
    if any(row.variant in CEILINGS for row in rows):
        notes.append(CEILINGS_NOTE)
    return [*notes, *sources.notes, *sources.statistics.notes()]


def _authors_note(report: ReportSettings, authors: Mapping[str, float]) -> str:
    """Say what the authors' own predictions give; outside of the paper's setting they have no row."""
    values = " and ".join(f"{top1:.1f} % on {report.test_sets[key].published}" for key, top1 in authors.items())
    return (
        "The authors published a prediction for every video (1 clip, all classes). Top-1 of these, computed here, is"
        f" {values}. It does not depend on this experiment's test sets."
    )


def _components(names: list[str], variants: Mapping[str, VariantSettings]) -> dict[str, list[str]]:
    """Mark what each variant has: a column for each loss term's symbol (none for a variant that is not run)."""
    marks = {name: _marks(variant) for name, variant in variants.items()}
    columns = dict.fromkeys([*PAPER_MARKS, *(mark for marked in marks.values() for mark in marked)])
    return {column: ["x" if column in marks.get(name, ()) else "" for name in names] for column in columns}


def _marks(variant: VariantSettings) -> list[str]:
    terms = variant.losses.values()
    marks = [term.symbol for term in terms if term.marked]
    marks += ["e2e"] if variant.word_projector else []
    return marks + (["CG"] if any(term.generates_classes for term in terms) else [])
