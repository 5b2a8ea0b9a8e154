"""Published weights through the whole chain: declared, imported, evaluated, recorded, audited."""

import csv
import json
from pathlib import Path

import pytest
import torch
import yaml
from foreign_weights import aurl_state, beside
from repositories import runner
from runs import digests, edit, planned

from aurl.experiment.read import load_experiment
from aurl.models.checkpoint import load_model
from aurl.operate.import_weights import declare_weights
from aurl.system.errors import AurlError

pytestmark = pytest.mark.workflow


def as_published(folder: Path) -> Path:
    """The trained micro network `aurl` as its authors would have published it."""
    place = folder / "results/micro/checkpoints/aurl"
    model, _ = load_model(place / "seed0.safetensors", place / "seed0.json")
    torch.save(beside(state_dict=aurl_state(model)), folder / "aurl.pth.tar")
    return folder / "aurl.pth.tar"


def test_imported_weights_are_evaluated_to_the_same_numbers(micro: Path) -> None:
    run = runner(micro)
    file = as_published(micro)
    refused = run("aurl", "import-weights", file.name, "--variant", "aurl", ok=False)
    assert "has a trained checkpoint, which the import would replace" in refused.stderr
    told = run("aurl", "import-weights", file.name, "--variant", "aurl", "--force").stdout
    assert "variant 'aurl' is now imported from aurl.pth.tar (kind aurl" in told
    params = (micro / "params.yaml").read_text()
    assert "record: manual  # or automatic" in params, "comments stay"
    assert "rows: null}" in params
    raw = yaml.safe_load(params)
    assert raw["trained"] == ["mse", "ls", "ls_e2e", "aurl_no_cg"]
    assert planned(run) == {
        "import_weights": 1, "features": 2, "evaluate": 2, "collect": 1, "statistics": 1, "tables": 1,
        "figures": 1, "report": 1,
    }  # fmt: skip
    before = digests(micro / "results/micro")
    run("snakemake")
    after = digests(micro / "results/micro")
    assert after["metrics.csv"] == before["metrics.csv"]
    assert after["checkpoints/aurl/seed0.safetensors"] == before["checkpoints/aurl/seed0.safetensors"]
    assert (
        "AURL: not trained here, but imported from aurl.pth.tar (SHA-256 "
        in (micro / "results/micro/tables/ablation.md").read_text()
    )
    assert planned(run) == {}
    run("aurl", "record")
    assert json.loads(run("dvc", "status", "--json").stdout) == {}
    assert "import_weights@micro-aurl-0" in (micro / "dvc.lock").read_text()
    assert "all agree" in run("aurl", "audit", "--all").stdout
    file.write_bytes(file.read_bytes() + b" ")
    failed = run("snakemake", ok=False)
    assert "is not the file that was declared" in failed.stdout + failed.stderr
    assert digests(micro / "results/micro") == after


def test_a_network_of_another_shape_is_refused(micro: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(micro)
    file, params = as_published(micro), Path("params.yaml")
    before = params.read_text()
    with pytest.raises(AurlError, match="word_projector True, expected False"):
        list(declare_weights(params, load_experiment(params), "ls", file, force=True))
    edit(params, "width: 4", "width: 6")
    with pytest.raises(AurlError, match="width 4, expected 6"):
        list(declare_weights(params, load_experiment(params), "aurl", file, force=True))
    edit(params, "width: 6", "width: 4")
    edit(params, "seeds: [0]", "seeds: [0, 1]")
    with pytest.raises(AurlError, match="imported weights are one network, of no seed"):
        list(declare_weights(params, load_experiment(params), "aurl", file, force=True))
    edit(params, "seeds: [0, 1]", "seeds: [0]")
    assert params.read_text() == before


def test_a_backbone_alone_starts_every_training(micro: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(micro)
    place = micro / "results/micro/checkpoints/mse"
    model, _ = load_model(place / "seed0.safetensors", place / "seed0.json")
    torch.save(model.backbone.state_dict(), "r2plus1d.pth")
    run = runner(micro)
    run("aurl", "import-weights", "r2plus1d.pth", "--variant", "mse")
    experiment = load_experiment(Path("params.yaml"))
    assert experiment.model.initial_backbone is not None
    edit(Path("params.yaml"), "lr: 0.001", "lr: 0.0000000001")  # so that training leaves it as it was
    run("snakemake", "--", "results/micro/checkpoints/mse/seed0.safetensors")
    started, _ = load_model(place / "seed0.safetensors", place / "seed0.json")
    for (name, found), expected in zip(started.backbone.named_parameters(), model.backbone.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=0, atol=1e-6, msg=name)
    Path("r2plus1d.pth").unlink()
    edit(Path("params.yaml"), "lr: 0.0000000001", "lr: 0.001")
    failed = run("snakemake", "--", "results/micro/checkpoints/mse/seed0.safetensors", ok=False)
    assert "r2plus1d.pth: no such file of weights" in failed.stdout + failed.stderr


def test_published_weights_need_no_training_data(micro: Path) -> None:
    """Without the seen dataset, the imported network is evaluated and the rest of the table stays empty."""
    run, file = runner(micro), as_published(micro)
    with (micro / "results/micro/metrics.csv").open(newline="") as handle:
        expected = [row for row in csv.DictReader(handle) if row["variant"] == "aurl"]
    edit(micro / "params.yaml", "experiment: micro", "experiment: published")
    source = next(line for line in (micro / "params.yaml").read_text().splitlines() if "codec: h264" in line)
    edit(micro / "params.yaml", source, "    source: {folder: no/kinetics, layout: class_folders}")
    edit(micro / "params.yaml", "absent: error", "absent: leave_out")
    run("aurl", "import-weights", file.name, "--variant", "aurl")
    run("snakemake")
    with (micro / "results/published/metrics.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert rows == [{name: row[name] for name in rows[0]} for row in expected], (
        "no method is fitted without seen videos"
    )
    assert {name for name in expected[0] if name not in rows[0]} <= {name for name in expected[0] if "csls_" in name}
    table = (micro / "results/published/tables/ablation.md").read_text()
    assert "Missing: micro_seen (no folder no/kinetics)" in table
    recorded = run("aurl", "record").stdout
    assert "what waits for micro_seen is not recorded" in recorded
    assert "import_weights@published-aurl-0" in (micro / "dvc.lock").read_text()
    assert "nothing has changed" in run("aurl", "record").stdout
    audit = run("aurl", "audit", "metrics.csv", "--cell", "aurl,micro_ucf").stdout
    assert "all agree" in audit
