"""A test set that is added to a finished experiment: it trains nothing, and leaves no trace when it goes."""

import json
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


def add_test_set(params: Path, evaluate_only: bool = True) -> None:
    """Add `micro_extra`, two of whose four classes are seen ones, as a test set with a column."""
    raw = yaml.safe_load(params.read_text())
    settings = {"source": SOURCE, "tokens": "kinetics700", "broken": "error", "shards": 1}
    raw["datasets"]["micro_extra"] = settings | ({"evaluate_only": True} if evaluate_only else {})
    raw["unseen"].append("micro_extra")
    raw["report"]["test_sets"]["extra"] = {"dataset": "micro_extra", "label": "Extra", "published": None}
    params.write_text(yaml.safe_dump(raw, sort_keys=False))


def test_a_test_set_that_is_only_evaluated_trains_nothing(micro: Path) -> None:
    run, params, results = runner(micro), micro / "params.yaml", micro / "results/micro"
    before, original = digests(results), params.read_text()
    add_test_set(params, evaluate_only=False)
    assert planned(run)["seen_classes"] == 1, "without the flag the filter takes it in"
    params.write_text(original)
    add_test_set(params)
    plan = planned(run)
    assert plan == Counter(
        ingest=1, manifest=1, frames=1, frames_index=1, embeddings=1, features=5, evaluate=5, collect=1, statistics=1,
        tables=1, figures=1, report=1,
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
    assert len(rows) == 5 * 2 * 4
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
    assert {name: digest for name, digest in again.items() if "micro_extra" not in name and name != "report.html"} == {
        name: digest for name, digest in before.items() if name != "report.html"
    }
