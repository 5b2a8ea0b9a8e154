"""Results of an equal job of another experiment are taken over; anything else is made."""

from pathlib import Path

import pytest
import yaml
from repositories import REPOSITORY

from aurl.experiment.presets import preset_text
from aurl.experiment.read import parse_experiment
from aurl.lineage import reuse
from aurl.lineage.blocks import read_block
from aurl.lineage.recorded import run_recorded
from aurl.pipeline.jobs import Job, Jobs


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").symlink_to(REPOSITORY / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ingest(name: str, videos: int = 1) -> Job:
    """Run the stage `ingest` of the smallest test set in an experiment of a name."""
    raw = yaml.safe_load(preset_text("micro"))
    raw["datasets"]["micro_hmdb"]["source"]["render"] |= {"classes": 2, "videos_per_class": videos}
    jobs = Jobs(parse_experiment(raw | {"experiment": name}, "params.yaml"))
    job = jobs.of("ingest", dataset="micro_hmdb")
    run_recorded(jobs, job)
    return job


def test_an_equal_job_is_taken_over_with_its_circumstance(place: Path) -> None:
    first, second = ingest("one"), ingest("two")
    made, taken = read_block(first.block), read_block(second.block)
    assert "taken_from" not in made.circumstance
    assert taken.circumstance == made.circumstance | {"taken_from": "one"}
    assert list(taken.outputs.values()) == list(made.outputs.values())
    assert taken.identity == made.identity
    for one, two in zip(first.made, second.made, strict=True):
        files = [path for path in one.rglob("*") if path.is_file()] if one.is_dir() else [one]
        assert files
        for file in files:
            assert (two / file.relative_to(one) if one.is_dir() else two).samefile(file)


def test_other_settings_are_made(place: Path) -> None:
    ingest("one")
    assert "taken_from" not in read_block(ingest("two", videos=2).block).circumstance


def test_what_is_there_is_made_anew(place: Path) -> None:
    ingest("one")
    second = ingest("two")
    ingest("two")  # as `snakemake --force` does
    assert "taken_from" not in read_block(second.block).circumstance


@pytest.mark.parametrize("fault", ["damaged", "missing", "other_cpu"])
def test_unusable_results_are_not_taken(place: Path, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    first = ingest("one")
    if fault == "damaged":
        first.outputs.listing.write_text("x")
    elif fault == "missing":
        first.outputs.listing.unlink()
    else:
        monkeypatch.setattr(reuse, "cpu_model", lambda: "another")
    assert "taken_from" not in read_block(ingest("two").block).circumstance


def test_without_links_the_files_are_copied(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    first = ingest("one")
    monkeypatch.setattr(reuse.os, "link", refuse)
    second = ingest("two")
    assert read_block(second.block).circumstance["taken_from"] == "one"
    assert second.outputs.listing.read_bytes() == first.outputs.listing.read_bytes()
    assert not second.outputs.listing.samefile(first.outputs.listing)
