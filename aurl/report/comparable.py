"""Decide whether the measured values compare with the published ones."""

from collections.abc import Mapping

from aurl.experiment.settings import DatasetSettings, ReportSettings
from aurl.report.results import Results
from aurl.semantics.tokens import FROM_NAMES, read_token_table
from aurl.system.shipped import TOKEN_TABLE


def incomplete_test_sets(
    results: Results, report: ReportSettings, datasets: Mapping[str, DatasetSettings]
) -> list[str]:
    """List the test sets of which not all official classes were tested, each with its reason."""
    reasons = []
    for test_set in report.test_sets.values():
        counts, source = results.counts(test_set.dataset), datasets[test_set.dataset].tokens
        official = len(read_token_table(TOKEN_TABLE, source)) if source not in FROM_NAMES else None
        if counts is not None and official is not None and counts[1] < official:
            reasons.append(f"{test_set.dataset} was tested on {counts[1]} of its {official} classes")
    return reasons


def compared(
    results: Results, report: ReportSettings, datasets: Mapping[str, DatasetSettings]
) -> tuple[ReportSettings, str | None]:
    """Turn `paper_setting` off where only a part of a test set was tested; also return the reason.

    Values on a part of the classes do not compare with the published values.
    """
    incomplete = incomplete_test_sets(results, report, datasets)
    if not (report.paper_setting and incomplete):
        return report, None
    return report.model_copy(update={"paper_setting": False}), f"No difference is printed: {'; '.join(incomplete)}."
