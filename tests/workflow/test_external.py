"""A row from outside through the whole chain: declared, evaluated, recorded, audited, removed."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from repositories import runner
from runs import digests, edit, planned

from aurl.evaluation.feature_file import read_features
from aurl.evaluation.metrics import cosine_similarity

pytestmark = pytest.mark.workflow

KEYS = {"ucf101": "micro_ucf", "hmdb51": "micro_hmdb"}
ROW = ("--row", "same", "--label", "The same & <other>", "--track", "open vocabulary")


def submit(folder: Path, key: str, name: str, embeddings: bool = False) -> str:
    """Write what the trained micro network `aurl` says as a score file of another order, with a video too many."""
    features = read_features(folder / f"results/micro/features/aurl/seed0/{KEYS[key]}.safetensors")
    mixed, columns = (
        np.random.default_rng(0).permutation(size) for size in (len(features.paths), len(features.classes))
    )
    videos, classes = features.videos[1].numpy()[mixed], features.classes.numpy()[columns]
    names = {
        "video": np.array([*(features.paths[row] for row in mixed), "other/unknown.avi"]),
        "class": np.array([features.class_names[column].upper() for column in columns]),
    }
    if embeddings:
        arrays = {"video_embeddings": np.concatenate([videos, videos[:1]]), "class_embeddings": classes}
    else:
        scores = cosine_similarity(features.videos[1], features.classes).numpy()[np.ix_(mixed, columns)]
        arrays = {"scores": np.concatenate([scores, scores[:1]])}
    np.savez(folder / name, **arrays, **names)
    return name


def metrics_of(folder: Path, variant: str) -> dict[tuple[str, str, str], dict[str, str]]:
    with (folder / "results/micro/metrics.csv").open(newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["variant"] == variant]
    return {(row["dataset"], row["clips"], row["splits"]): row for row in rows}


def test_a_row_from_outside_is_tested_recorded_audited_and_removed(micro: Path) -> None:
    run, results = runner(micro), micro / "results/micro"
    before, params = digests(results), (micro / "params.yaml").read_text()
    said = run("aurl", "add-scores", submit(micro, "ucf101", "ucf.npz"), *ROW, "--test-set", "ucf101").stdout
    assert "its names match UCF-like: 14 videos of 7 classes" in said
    file = submit(micro, "hmdb51", "hmdb.npz", embeddings=True)
    run("aurl", "add-scores", file, "--row", "same", "--test-set", "hmdb51")
    assert "record: manual  # or automatic" in (micro / "params.yaml").read_text(), "comments stay"
    later = {"collect": 1, "statistics": 1, "tables": 1, "figures": 1, "report": 1}
    assert planned(run) == {"external": 1, **later}
    run("snakemake")
    _same_numbers(micro)
    _shown(results)
    assert "dvc.yaml did not follow" in run("aurl", "record").stdout
    assert json.loads(run("dvc", "status", "--json").stdout) == {}
    lock = yaml.safe_load((micro / "dvc.lock").read_text())["stages"]
    inputs = {dep["path"] for name in ("collect@micro", "statistics@micro") for dep in lock[name]["deps"]}
    assert "results/micro/external" in inputs
    assert "external@micro-same" in (micro / "dvc.lock").read_text()
    assert "all agree" in run("aurl", "audit", "--all", "--deep").stdout
    run("git", "add", "-f", "dvc.lock")
    run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "a row from outside")
    top1 = metrics_of(micro, "same")["micro_hmdb", "1", "1"]["top1"]
    assert f" {float(top1):.6f}  a row from outside" in run("aurl", "history", "same,0,micro_hmdb").stdout
    run("aurl", "bundle", "-o", "outside.crate.zip")
    verified = run("aurl", "verify", "outside.crate.zip", "--cell", "same,micro_ucf").stdout
    assert "external same" in verified
    assert "passed       metrics " in verified
    chain = run("aurl", "audit", "--cell", "same,micro_ucf").stdout
    assert "all agree" in chain
    assert "external" in chain
    assert "features aurl" not in chain
    assert "micro-same" in run("dvc", "dag").stdout
    content = (micro / "ucf.npz").read_bytes()
    (micro / "ucf.npz").write_bytes(content + b" ")
    assert "ucf.npz" in run("aurl", "audit", "--cell", "same,micro_ucf", ok=False).stdout
    assert "it is not the file that was declared" in run("aurl", "external", "--row", "same", ok=False).stderr
    (micro / "params.yaml").write_text(params)
    assert planned(run) == later
    run("snakemake")
    after = digests(results)
    assert {name for name in before if after[name] != before[name]} <= {"report.html"}
    run("aurl", "record")
    assert json.loads(run("dvc", "status", "--json").stdout) == {}
    assert planned(run) == {}


def _same_numbers(folder: Path) -> None:
    """Scores and embeddings of a network give what the network itself gives, to the digit."""
    outside, own = metrics_of(folder, "same"), metrics_of(folder, "aurl")
    assert len(outside) == 2 * 4
    for cell, row in outside.items():
        assert cell[1] == "1"
        same = {name: own[cell][name] for name in row if name != "variant"}
        scores_alone = ("closeness", "dispersion") if cell[0] == "micro_ucf" else ()
        assert row == same | {"variant": "same"} | dict.fromkeys(scores_alone, "")
    statistics = json.loads((folder / "results/micro/statistics.json").read_text())
    assert (
        statistics["variants"]["same"]["micro_ucf"]["clips1"] == statistics["variants"]["aurl"]["micro_ucf"]["clips1"]
    )
    tests = {(test["variant"], test["against"], test["dataset"]): test for test in statistics["paired"]}
    for dataset in KEYS.values():
        assert (tests["same", "aurl", dataset]["difference"], tests["same", "aurl", dataset]["p"]) == (0, 1)


def _shown(results: Path) -> None:
    """Tables, figures and page show the row with its track."""
    with (results / "tables/ablation.csv").open(newline="") as handle:
        rows = {row["Method"]: row for row in csv.DictReader(handle)}
    outside, own = rows["The same & <other>"], rows["AURL"]
    assert (outside["Track"], own["Track"]) == ("open vocabulary", "inductive")
    assert outside["UCF-like top-1"] == own["UCF-like top-1"]
    assert outside["UCF-like top-1 low"] == own["UCF-like top-1 low"]
    assert outside["Closeness (UCF-like)"] == ""
    text = (results / "tables/sota.md").read_text()
    assert text.count("| The same & <other> ") == 4
    assert "It is one result without seeds" in text
    assert "Rows of different tracks do not compare" in text
    figures = json.loads((results / "figures/index.json").read_text())
    assert "The same & <other>" in next(figure["alt"] for figure in figures if figure["name"] == "ablation")
    page = (results / "report.html").read_text()
    assert 'id="cell-same-micro_hmdb"' in page
    assert "The same &amp; &lt;other&gt; against AURL" in page


def test_bad_rows_get_one_line_and_change_nothing(micro: Path) -> None:
    run, params = runner(micro), micro / "params.yaml"
    before = params.read_text()

    def refused(*arguments: str) -> str:
        done = run("aurl", "add-scores", *arguments, ok=False)
        assert done.returncode == 1
        assert done.stderr.startswith("aurl: error: ")
        assert done.stderr.count("\n") == 1
        assert params.read_text() == before
        return done.stderr

    good = submit(micro, "ucf101", "ucf.npz")
    arrays = dict(np.load(micro / good))
    assert "a new row needs --track" in refused(good, "--row", "same", "--test-set", "ucf101")
    assert "none of the keys of report.test_sets (ucf101, hmdb51)" in refused(good, *ROW, "--test-set", "ucf")
    assert "a published row of the ablation has this name" in refused(
        good, "--row", "ls", *ROW[2:], "--test-set", "ucf101"
    )
    assert "no such file" in refused("none.npz", *ROW, "--test-set", "ucf101")
    assert "6 of the 6 classes have no scores" in refused(good, *ROW, "--test-set", "hmdb51")
    np.savez(micro / "fewer.npz", **{**arrays, "video": np.append(arrays["video"][1:], "a.avi")})
    told = refused("fewer.npz", *ROW, "--test-set", "ucf101")
    assert "1 of 14 videos are missing" in told
    assert "videos in it that the experiment has not: 2, such as" in told
    np.savez(
        micro / "label.npz", scores=arrays["scores"], label=arrays["class"][[0] * 15], **{"class": arrays["class"]}
    )
    assert "no 'video'" in refused("label.npz", *ROW, "--test-set", "ucf101")
    (micro / "predicted.csv").write_text("video,pred\na.avi,b\n")
    assert "predicted classes" in refused("predicted.csv", *ROW, "--test-set", "ucf101")
    edit(params, "external: {}", "external: {same: {label: Same, track: transductive, files: {ucf101: ucf.npz}}}")
    before = params.read_text()
    assert "'aurl add-scores ucf.npz --row ROW --test-set KEY' writes both" in run("aurl", "plan", ok=False).stderr
