"""Make the table of generalised zero-shot recognition: seen and unseen classes are candidates together.

Source of the measures: `aurl/evaluation/generalised.py`.
"""

from aurl.evaluation.labels import counted
from aurl.report.evaluate_only import list_trained
from aurl.report.results import Together
from aurl.report.tables.base import Cell, Sources, Table

TITLE = "Seen and unseen classes together"


def make_table(sources: Sources) -> Table:
    """Make a row for each variant that was measured; no rows where `held_out` names no videos."""
    report, labels = sources.report, sources.labels
    measured = {
        (name, key): sources.results.together(name, test_set.dataset, report.ablation_clips)
        for name in sources.settings.variants
        for key, test_set in report.test_sets.items()
    }
    rows = [name for name in labels if any(measured.get((name, key)) for key in report.test_sets)]
    text, quantities = {"Method": [labels[name] for name in rows]}, dict[str, list[Cell]]()
    for key, test_set in report.test_sets.items():
        cells = [measured[name, key] for name in rows]
        text[f"{test_set.label} classes"] = [_classes(cell) for cell in cells]
        quantities |= _quantities(test_set.label, cells)
    caption = f"{report.title}: seen and unseen classes together"
    return Table(caption, text, quantities, _notes(sources, rows), False, published=False)


def _quantities(label: str, cells: list[Together | None]) -> dict[str, list[Cell]]:
    return {
        f"{label} S": [Cell(cell.seen_accuracy if cell else None, None, 1) for cell in cells],
        f"{label} U": [Cell(cell.unseen_accuracy if cell else None, None, 1) for cell in cells],
        f"{label} H": [Cell(cell.harmonic if cell else None, None, 1) for cell in cells],
        f"{label} AUSUC": [Cell(cell.ausuc if cell else None, None, 3) for cell in cells],
    }


def _classes(cell: Together | None) -> str:
    """Write the label space: "510 seen + 81", or "510 seen + 79 of 81" where test classes were trained on too."""
    if cell is None:
        return ""
    unseen = cell.classes - cell.seen
    return f"{cell.seen} seen + {unseen}" + (f" of {unseen + cell.left_out}" if cell.left_out else "")


def _notes(sources: Sources, rows: list[str]) -> list[str]:
    if not rows:
        return [
            "Nothing was measured: 'held_out' in params.yaml names no videos of the seen classes, or they are not here."
        ]
    return [
        f"{counted(sources.report.ablation_clips, 'clip')} a video. Candidates are all classes that the network was trained"
        " on, and those of the test set. S is the mean class accuracy of held-out videos of the former, U that of the"
        " latter's videos, H their harmonic mean, each as the network is (gamma 0). AUSUC is the area below S over U for all"
        " gammas.",
        "A test class with the name of a trained class (but for its form), or nearer than tau to one, is not unseen: it is"
        " left out of the candidates with its videos ('a of b').",
        *_named(sources),
        "H at a calibrated gamma is not shown: gamma must be chosen on validation classes, which this experiment has not.",
        *sources.notes,
    ]


def _named(sources: Sources) -> list[str]:
    """Name the test classes that are left out, of networks with strict labels."""
    listed = {
        test_set.label: list_trained(sources.inputs, sources.settings, test_set.dataset)
        for test_set in sources.report.test_sets.values()
    }
    named = "; ".join(f"{label}{pairs}" for label, pairs in listed.items() if pairs)
    return [f"Left out with strict labels, which compare by tau alone: {named}."] if named else []
