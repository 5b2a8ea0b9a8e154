"""Top-1 of the ablation table, as status and rerun show it first."""

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest
from finished_experiment import write_results
from repositories import REPOSITORY

from aurl.experiment.presets import load_preset
from aurl.operate.proposed import Top1, changed_top1, proposed_lines, read_top1
from aurl.pipeline.jobs import Jobs


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    (tmp_path / "data").symlink_to(REPOSITORY / "data")
    with chdir(tmp_path):
        yield Jobs(load_preset("mini"))


def test_top1_comes_from_the_table(jobs: Jobs, tmp_path: Path) -> None:
    assert read_top1(jobs) == {}
    assert proposed_lines(jobs) == []
    write_results(jobs.experiment, tmp_path)
    cells = read_top1(jobs)
    assert {dataset for _, dataset in cells} == {"UCF-like", "HMDB-like"}
    ours = {dataset: cell for (method, dataset), cell in cells.items() if method == "AURL"}
    text = " ".join(" ".join(proposed_lines(jobs)).split())
    assert text.startswith("AURL, top-1 in %: ")
    assert all(f"{dataset} {cell}" in text for dataset, cell in ours.items())
    assert "mean ± deviation of 3 seeds" in text
    jobs.paths.of("ablation_csv").write_text("Method\nAURL\n")
    assert read_top1(jobs) == {}, "damaged"


def test_what_changed_is_before_and_after() -> None:
    before = {("AURL", "A"): Top1("14.2857", ""), ("Base", "A"): Top1("1", "")}
    after = {("AURL", "A"): Top1("16.6667", "0.25"), ("Base", "A"): Top1("1", ""), ("New", "A"): Top1("3", "")}
    (table,) = changed_top1(before, after)
    rows = table.partition("--\n")[2].splitlines()
    assert [line.split() for line in rows] == [
        ["AURL", "A", "14.3", "16.7", "±", "0.2"],
        ["New", "A", "none", "3.0"],
    ]
    assert list(changed_top1(before, before)) == ["top-1: no number changed"]
