"""A test set that is added to a finished experiment: it trains nothing, and leaves no trace when it goes."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml
from repositories import runner
from runs import digests, planned

pytestmark = pytest.mark.workflow

SOURCE = {
    "render": {"classes_of": "kinetics700", "first_class": 10, "classes": 4, "videos_per_class": 2, "codec": "xvid"}
}
HELD_OUT = {
    "render": {"classes_of": "kinetics700", "classes": 12, "first_video": 3, "videos_per_class": 1, "codec": "h264"}
}


def add_test_set(params: Path, evaluate_only: bool = True) -> None:
    """Add `micro_extra`, two of whose four classes are seen ones, as a test set with a column; and held-out videos."""
    raw = yaml.safe_load(params.read_text())
    settings = {"source": SOURCE, "tokens": "kinetics700", "broken": "error", "shards": 1}
    raw["datasets"]["micro_extra"] = settings | ({"evaluate_only": True} if evaluate_only else {})
    raw["datasets"]["micro_others"] = settings | {"source": HELD_OUT}
    raw["unseen"].append("micro_extra")
    raw["held_out"] = ["micro_others"]
    raw["report"]["test_sets"]["extra"] = {"dataset": "micro_extra", "label": "Extra", "published": None}
    params.write_text(yaml.safe_dump(raw, sort_keys=False))


def check_generalised(micro: Path) -> None:
    """Compute S, U and H of one network from its stored features, and compare them with the results."""
    results = micro / "results/micro"
    lines = (results / "metrics.csv").read_text().splitlines()
    table = [dict(zip(lines[0].split(","), line.split(","), strict=True)) for line in lines[1:]]
    of_aurl = {row["dataset"]: row for row in table if row["variant"] == "aurl" and row["protocol"] == "generalised"}
    assert list(of_aurl) == ["micro_extra", "micro_hmdb", "micro_ucf"]
    kept = [row.split(",")[1] for row in (results / "seen_classes.csv").read_text().splitlines()].count("True")
    for dataset, (left_out, unseen) in {"micro_extra": (2, 2), "micro_ucf": (0, 7), "micro_hmdb": (0, 6)}.items():
        row = of_aurl[dataset]
        assert (float(row["trained_test_classes"]), int(row["classes"])) == (left_out, kept + unseen)
        s, u, h = (float(row[name]) for name in ("generalised_seen", "generalised_unseen", "harmonic"))
        assert h == pytest.approx(2 * s * u / (s + u) if s + u else 0, abs=1e-4)
    listing = {
        name: {row.split(",")[3] for row in (results / f"datasets/{name}.csv").read_text().splitlines()[1:]}
        for name in ("micro_seen", "micro_others")
    }
    assert len(listing["micro_others"]) == 12
    assert not listing["micro_seen"] & listing["micro_others"], "no video is a training video"
    markdown = (results / "tables/generalised.md").read_text()
    assert f"{kept} seen + 2 of 4" in markdown
    assert "left out of the candidates with its videos" in " ".join(markdown.split())
    assert "generalised, H" in (results / "tables/protocols.md").read_text()


def test_a_test_set_and_held_out_videos_that_are_only_evaluated_train_nothing(micro: Path) -> None:
    run, params, results = runner(micro), micro / "params.yaml", micro / "results/micro"
    before, original = digests(results), params.read_text()
    add_test_set(params, evaluate_only=False)
    assert planned(run)["seen_classes"] == 1, "without the flag the filter takes it in"
    params.write_text(original)
    add_test_set(params)
    plan = planned(run)
    assert plan == Counter(
        ingest=2, manifest=2, frames=2, frames_index=2, embeddings=2, features=5, evaluate=5, generalised=5, collect=1,
        backbone_features=2, method_scores=1, statistics=1, tables=1, figures=1, report=1,
    )  # fmt: skip
    run("snakemake")
    assert planned(run) == Counter()
    after = digests(results)
    untouched = ("checkpoints/", "seen_classes.csv", "features/", "metrics/", "frames/", "embeddings/")
    assert {name: after[name] for name in before if name.startswith(untouched)} == {
        name: digest for name, digest in before.items() if name.startswith(untouched)
    }
    table = (results / "tables/ablation.md").read_text()
    assert "Extra top-1" in table
    rows = [row for row in (results / "metrics.csv").read_text().splitlines() if ",micro_extra," in row]
    assert len(rows) == (5 + 1) * 2 * 4 + 5, "of variants and a method; five of generalised recognition"
    check_generalised(micro)
    flat = " ".join(table.split())
    assert "micro_extra: only evaluated, unknown to the strict-label filter. Of its 4 classes" in flat
    seen = {row.split(",")[0] for row in (results / "seen_classes.csv").read_text().splitlines()[1:]}
    extra = {row.split(",")[1] for row in (results / "manifests/micro_extra.csv").read_text().splitlines()[1:]}
    assert len(seen & extra) == 2
    assert "with all seen classes 2 and" in flat
    run("aurl", "record")
    assert json.loads(run("dvc", "status", "--json").stdout) == {}
    run("aurl", "audit")
    params.write_text(original)
    assert planned(run)["train"] == planned(run)["seen_classes"] == 0
    run("snakemake")
    again = digests(results)
    added = re.compile("micro_extra|micro_others|report.html")
    assert {name: digest for name, digest in again.items() if not added.search(name)} == {
        name: digest for name, digest in before.items() if name != "report.html"
    }
