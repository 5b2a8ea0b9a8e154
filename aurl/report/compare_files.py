"""Compare two files of metrics by the rule of `aurl compare` (docs/compare.md)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from aurl.report.agreement import Difference, compare_cells
from aurl.report.runs import run_of_file


def compare_files(old: Path, new: Path) -> tuple[list[str], bool]:
    """Say in lines whether two files of metrics agree, and whether they do.

    Raises: AurlError for a damaged file.
    """
    before, now = (run_of_file(path, path.name).cells() for path in (old, new))
    if before.keys() != now.keys():
        return ["metrics.csv has other rows"], False
    agreement = compare_cells(now, before, old.read_bytes() == new.read_bytes())
    verdict = "is identical" if agreement.identical else "agrees within what the seeds explain"
    lines = [*_differences(agreement.differing), f"metrics.csv {verdict if agreement.agrees else 'does not agree'}"]
    return lines, agreement.agrees


def _differences(differing: Sequence[Difference]) -> Iterator[str]:
    for each in differing[:20]:
        cell = each.cell
        where = f"{cell.variant}, {cell.dataset}, {cell.clips} clips"
        yield f"{where}: {each.there.mean:.2f} in the bundle, {each.here.mean:.2f} now"
