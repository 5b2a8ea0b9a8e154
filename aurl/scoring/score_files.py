"""Score files: `aurl score`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aurl.evaluation.test_sets import TestSet
from aurl.evaluation.test_sets import test_set as find_test_set
from aurl.scoring.card import card
from aurl.scoring.evaluate import evaluate_submission
from aurl.scoring.formats.base import read_file
from aurl.scoring.result import Result
from aurl.scoring.show import as_text
from aurl.system.files import sha256_file, write_text
from aurl.system.json_files import write_json


def score_files(
    file: Path,
    test_set: str,
    protocols: Sequence[str] = (),
    against: Path | None = None,
    output: Path | None = None,
    card_file: Path | None = None,
    overlap: Mapping[str, Any] | None = None,
) -> str:
    """Score a file, compare it with another one, and give the numbers as text.

    Args:
        against: the other file. output: of JSON. card_file: of a result card.
        overlap: what seen and test classes share, for the card.

    Raises: AurlError for bad input; nothing is written then.
    """
    chosen = find_test_set(test_set)
    result = _score(file, chosen, protocols)
    content = result.as_json() | {"sha256": sha256_file(file)}
    comparisons = None
    if against is not None:
        other = _score(against, chosen, protocols)
        comparisons = result.compare(other)
        content["against"] = other.as_json() | {"sha256": sha256_file(against)}
        content["comparisons"] = [asdict(comparison) for comparison in comparisons]
    if output is not None:
        write_json(output, content)
    if card_file is not None:
        write_text(card_file, card(result, content["sha256"], overlap))
    return as_text(result, comparisons, str(against))


def _score(file: Path, test_set: TestSet, protocols: Sequence[str]) -> Result:
    return evaluate_submission(read_file(file, test_set), test_set, protocols)
