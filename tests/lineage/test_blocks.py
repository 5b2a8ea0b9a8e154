"""Provenance blocks hold the inputs before the run, the parameters, the code and the outputs."""

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from aurl.experiment.presets import load_preset
from aurl.lineage.blocks import block_or_none, identity_of, read_block, recorded_outputs, write_block
from aurl.pipeline.jobs import Files, Jobs
from aurl.system.errors import AurlError


def test_a_block_holds_inputs_settings_code_and_outputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    micro = load_preset("micro")
    monkeypatch.chdir(tmp_path)
    source, output, path = Path("in.csv"), Path("out.csv"), Path("prov/out.csv.json")
    source.write_text("before")
    job = replace(Jobs(micro).of("collect"), depends=(source,), outputs=Files(metrics_csv=output))
    identity = identity_of(job, {"data": 1}, "cpu")
    source.write_text("changed during the run")
    output.write_text("result")
    write_block(path, identity, job.made)
    written = json.loads(path.read_text())
    assert written["identity"] == json.loads(json.dumps(asdict(identity)))
    assert written["identity"]["inputs"] == {"in.csv": hashlib.sha256(b"before").hexdigest()}, "taken before the run"
    assert written["identity"]["settings"].keys() == {"variants", "methods", "external", "seeds", "unseen", "wiring"}
    assert "aurl/evaluation/collect.py" in written["identity"]["code"]
    assert set(written["identity"]["packages"]) == {"python", "pandas"}
    assert set(written["outputs"]) == {"out.csv"}
    assert written["circumstance"]["seconds"] > 0
    block = read_block(path)
    assert block.identity == identity
    assert recorded_outputs(path) == {output: hashlib.sha256(b"result").hexdigest()}


@pytest.mark.parametrize("text", ["", "{}", '{"identity": {}, "outputs": {}, "circumstance": {}}', "[1]", "\0"])
def test_a_damaged_block_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    path = tmp_path / "block.json"
    path.write_text(text)
    assert block_or_none(path) is None
    assert recorded_outputs(path) == {}
    with pytest.raises(AurlError, match="unreadable"):
        read_block(path)
