"""Make the comparison of methods that ran here: same videos, words, splits and statistics for every row."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aurl.evaluation.labels import counted
from aurl.evaluation.published_methods import PublishedMethod, read_published_methods
from aurl.evaluation.tracks import may_see
from aurl.experiment.settings import TestSetSettings
from aurl.report.method_rows import assumed, rows_of_networks
from aurl.report.tables.base import Cell, Sources, Table

TITLE = "Methods on the same videos"
END_TO_END = "Trained end to end"
NOT_RUN = "Published, not run here"
BANKS = {"seen": "CSLS with seen videos", "test": "CSLS with test videos (transductive)"}


@dataclass(frozen=True)
class Row:
    """A row: its group, label, what it may see, where it was measured, and its published results."""

    group: str
    label: str
    may_see: str
    name: str
    corrected: str
    published: tuple[PublishedMethod, ...] = ()
    why_not_run: str = ""
    assumed: str = ""


def make_table(sources: Sources) -> Table:
    """Make the rows of networks, of methods by the network whose features they read, and of published results.

    Without a row that a method fits the table has no rows. Raises: AurlError for a damaged file of published results.
    """
    rows, test_sets = list(method_rows(sources)), list(sources.report.test_sets.values())
    quantities = {f"{each.label} top-1": [_top1(sources, row.name, each, "top1") for row in rows] for each in test_sets}
    for bank, title in BANKS.items():
        for each in test_sets:
            cells = [_top1(sources, row.corrected, each, f"csls_{bank}_top1") for row in rows]
            if any(cell.measured for cell in cells):
                quantities[f"{each.label}, {title}"] = cells
    quantities |= {
        f"{each.label}, hub skewness": [_skewness(sources, row.name, each) for row in rows] for each in test_sets
    }
    text = {
        "Group": [row.group for row in rows],
        "Method": [row.label for row in rows],
        "May see": [row.may_see for row in rows],
    }
    last = {
        f"{each.label}, against {_proposed(sources)}": [_difference(sources, row.name, each) for row in rows]
        for each in test_sets
    }
    names = [each.published for each in test_sets if each.published]
    last |= {f"Published, {name}": [_published(row.published, name) for row in rows] for name in names}
    last |= {"Assumed here": [row.assumed for row in rows]}
    last |= {"Not run because": [row.why_not_run for row in rows]}
    return Table(f"{sources.report.title}: methods", text, quantities, _notes(sources, rows), False,
                 intervals=tuple(f"{each.label} top-1" for each in test_sets), published=False, last=last)  # fmt: skip


def method_rows(sources: Sources) -> Iterator[Row]:
    """List all rows, group by group; none where no method was fitted."""
    settings = sources.settings
    if not any(sources.results.splits(name) for name in settings.methods):
        return
    published = read_published_methods()
    own = rows_of_networks(settings.methods)
    for name in settings.variants:
        results = tuple(each for each in published if each.row == name)
        yield Row(END_TO_END, sources.labels[name], "inductive", name, own.get(name, ""), results)
    for network in dict.fromkeys(row.features for row in settings.methods.values()):
        for name, row in settings.methods.items():
            if row.features == network and name not in own.values():
                results = tuple(each for each in published if each.row == row.method)
                yield Row(
                    _group(sources, network),
                    sources.labels[name],
                    may_see(row),
                    name,
                    name,
                    results,
                    assumed=assumed(row),
                )
    for each in published:
        if each.why_not_run:
            yield Row(NOT_RUN, each.method, each.may_see, "", "", (each,), each.why_not_run)


def _group(sources: Sources, network: str) -> str:
    """Name the group of a network's features, with what the features have seen."""
    variant = sources.settings.variants.get(network)
    if variant is None:
        return f"On features of {network}, which saw no words"
    return f"On features of {sources.labels[network]}, which saw the seen classes' words"


def _proposed(sources: Sources) -> str:
    return sources.labels.get(sources.report.proposed, sources.report.proposed)


def _top1(sources: Sources, name: str, test_set: TestSetSettings, column: str) -> Cell:
    if not name:
        return Cell(None, None, 1)
    clips = sources.report.ablation_clips
    measured = sources.results.cell(name, test_set.dataset, clips, 1, column)
    interval = sources.statistics.interval(name, test_set.dataset, clips) if column == "top1" else None
    return Cell(measured, None, 1, interval)


def _difference(sources: Sources, name: str, test_set: TestSetSettings) -> str:
    """Write the paired difference to the proposed variant in points, and its corrected p."""
    for test in sources.statistics.comparisons:
        if (test.variant, test.against, test.dataset) == (name, sources.report.proposed, test_set.dataset):
            return f"{test.difference:+.1f} (p {test.p_corrected:.2g})"
    return ""


def _skewness(sources: Sources, name: str, test_set: TestSetSettings) -> Cell:
    if not name:
        return Cell(None, None, 2)
    return Cell(sources.results.cell(name, test_set.dataset, sources.report.ablation_clips, 1, "hub_skewness"), None, 2)


def _published(results: Iterable[PublishedMethod], test_set: str) -> str:
    """Write published results with their protocol: "48.0 (half of the classes; Kinetics (664), R(2+1)D-18)"."""
    texts = []
    for each in results:
        if test_set in each.top1:
            mean, std = each.top1[test_set]
            spread = "" if std is None else f" ± {std}"
            texts.append(
                f"{each.method} {mean}{spread} ({each.protocol}; {each.trained_on}, {each.video}, {each.words})"
            )
    return "; ".join(texts)


def _notes(sources: Sources, rows: list[Row]) -> list[str]:
    if not rows:
        return ["No method was fitted in this experiment: 'aurl use methods' runs all of them."]
    return [
        f"All classes, {counted(sources.report.ablation_clips, 'clip')} a video. May see: 'inductive' methods see seen"
        " videos and the words of seen classes; 'names' also the words of unseen classes while they learn;"
        " 'transductive' test videos together.",
        "CSLS corrects scores for hubs, classes that attract most videos. With seen videos as its bank it stays"
        " inductive. Hub skewness is that of the predictions without the correction; 0 means equally many for each class.",
        "Published numbers are of other features, words, training data and protocols, which stand in brackets: they are"
        " no yardstick for these rows.",
        *sources.notes,
        *sources.statistics.notes(),
    ]
