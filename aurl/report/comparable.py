"""Whether what was measured compares with what is published."""

from aurl.experiment.settings import DatasetSettings, ReportSettings
from aurl.report.results import Results
from aurl.semantics.tokens import FROM_NAMES, read_token_table
from aurl.system.shipped import TOKEN_TABLE


def incomplete_test_sets(results: Results, report: ReportSettings, datasets: dict[str, DatasetSettings]) -> list[str]:
    """The test sets of which not all official classes were tested: their values compare with no published one."""
    found = []
    for test_set in report.test_sets.values():
        counts, source = results.counts(test_set.dataset), datasets[test_set.dataset].tokens
        official = len(read_token_table(TOKEN_TABLE, source)) if source not in FROM_NAMES else None
        if counts is not None and official is not None and counts[1] < official:
            found.append(f"{test_set.dataset} was tested on {counts[1]} of its {official} classes")
    return found


def compared(
    results: Results, report: ReportSettings, datasets: dict[str, DatasetSettings]
) -> tuple[ReportSettings, str | None]:
    """The report's settings as they hold for these results, and why no difference is printed in the paper's setting.

    In the paper's setting with a part of a test set, `paper_setting` is off.
    """
    incomplete = incomplete_test_sets(results, report, datasets)
    if not (report.paper_setting and incomplete):
        return report, None
    return report.model_copy(update={"paper_setting": False}), f"No difference is printed: {'; '.join(incomplete)}."
