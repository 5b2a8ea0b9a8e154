"""Label rows and test sets: the same text in tables, figures, plans and pages."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from aurl.evaluation.published import published_methods
from aurl.experiment.external import TRACKS
from aurl.experiment.settings import Experiment, ExternalSettings, MethodSettings, ReportSettings
from aurl.system.errors import AurlError
from aurl.system.shipped import PUBLISHED
from aurl.system.terminal import counted

__all__ = ["baseline_and_proposed", "counted", "row_labels", "test_set_labels", "variant_labels"]


def variant_labels(
    variants: Iterable[str],
    report: ReportSettings,
    external: Mapping[str, ExternalSettings] | None = None,
    methods: Mapping[str, MethodSettings] | None = None,
    published: Path = PUBLISHED,
) -> dict[str, str]:
    """Map each variant to its label.

    A label is that of `report.labels`, else the published method's name, else the variant's own name. The order is that
    of the ablation table: the published rows, the experiment's other variants, the rows that methods fit, and the rows
    from outside by track.

    Args:
        published: the file of published numbers.
    Raises: AurlError if two variants would have one label.
    """
    names, known = list(variants), published_methods(published)
    ordered = [*(name for name in known if name in names), *(name for name in names if name not in known)]
    labels = {name: report.labels.get(name, known.get(name, name)) for name in ordered}
    labels |= {name: row.label or name for name, row in (methods or {}).items()}
    by_track = sorted((external or {}).items(), key=lambda item: TRACKS.index(item[1].track))
    labels |= {name: row.label for name, row in by_track}
    owners: dict[str, str] = {}
    for name, label in labels.items():
        if owners.setdefault(label, name) != name:
            raise AurlError(
                f"variants '{owners[label]}' and '{name}' have the same label '{label}';"
                " see report.labels, methods and external"
            )
    return labels


def row_labels(experiment: Experiment, published: Path = PUBLISHED) -> dict[str, str]:
    """Map every row that an experiment measures to its label.

    Raises: AurlError, as `variant_labels`.
    """
    return variant_labels(experiment.rows, experiment.report, experiment.external, experiment.methods, published)


def test_set_labels(report: ReportSettings) -> dict[str, str]:
    """Map each dataset of `report.test_sets` to its label; without one, it has its own name."""
    return {test_set.dataset: test_set.label for test_set in report.test_sets.values()}


def baseline_and_proposed(measured: Sequence[str], report: ReportSettings) -> list[str]:
    """Choose the variants that figures show side by side: the baseline and the proposed one.

    If one of them was not measured, the first or the last of the measured variants takes its place.
    """
    baseline = report.baseline if report.baseline in measured else measured[0]
    proposed = report.proposed if report.proposed in measured else measured[-1]
    return list(dict.fromkeys([baseline, proposed]))
