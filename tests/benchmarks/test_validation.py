"""The choice on validation classes: paired by seed, honest about what is missing, and blind to the test sets."""

import csv
import sys
from typing import Any

import pytest
from repositories import REPOSITORY

sys.path.insert(0, str(REPOSITORY / "benchmarks"))
import validation

sys.path.remove(str(REPOSITORY / "benchmarks"))


def cell(cosine: float, csls: float) -> dict[str, Any]:
    top1 = dict.fromkeys(validation.RULES, csls) | {"cosine": cosine}
    classes = {rule: [value - 1, value, value + rule.count("5")] for rule, value in top1.items()}
    return {"top1": top1, "of_classes": classes, "closeness": 0.2, "dispersion": 0.1}


def test_the_choice_is_paired_by_seed() -> None:
    found = {
        "aurl": {0: cell(60, 60), 1: cell(40, 40), 2: cell(50, 50)},
        "lucky": {0: cell(61, 58)},  # the highest mean, of the best seed alone
        "better": {0: cell(62, 63), 1: cell(42, 43), 2: cell(52, 53.5)},
    }
    assert validation.choose(found) == ("better", "csls 5")
    assert validation.gains(found, "better", "csls 5") == pytest.approx([3, 3, 3.5])
    assert validation.wins(found, "better", "csls 5")
    assert not validation.wins(found, "lucky", "cosine"), "one seed"
    text = validation.verdict(found, ("better", "csls 5"))
    assert "better, by csls 5" in text.partition("over classes: ")[2]
    assert "ls_e2e, seed 0" in text.partition("Not finished: ")[2]


def test_the_final_verdict_names_the_test_sets_that_are_won() -> None:
    base, better = {0: cell(60, 60), 1: cell(40, 40)}, {0: cell(62, 63), 1: cell(42, 43.2)}
    by_test = {"one": {"aurl": base, "better": better}, "other": {"aurl": base, "better": base}}
    text = validation.final_verdict(by_test, ("better", "csls 5"))
    assert "over classes on no test set: one +3.1 (+3.0, +3.2)" in text, "two seeds prove nothing at this level"
    many = {seed: cell(60, 63 + seed / 10) for seed in range(10)}
    by_test = {"one": {"aurl": {seed: cell(60, 60) for seed in range(10)}, "better": many}}
    assert "over classes on one: " in validation.final_verdict(by_test, ("better", "csls 5"))


def test_the_validation_classes_are_60_seen_ones() -> None:
    with validation.CLASSES.open() as handle:
        held = [row["class"] for row in csv.DictReader(handle)]
    with (REPOSITORY / "data/class_tokens.csv").open() as handle:
        kinetics = {row["class"] for row in csv.DictReader(handle) if row["dataset"] == "kinetics700"}
    assert held == sorted(set(held))
    assert len(held) == validation.NUMBER
    assert set(held) <= kinetics


def test_the_page_is_what_was_measured() -> None:
    import json

    assert validation.PAGE.read_text() == validation.page(json.loads(validation.MEASURED.read_text()))
