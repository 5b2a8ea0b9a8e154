"""Protocols by name in an experiment: equal to `aurl.evaluate` on the whole test set, restricted on a part of it."""

from pathlib import Path

import numpy as np
import pytest
import torch

import aurl
from aurl.evaluation.by_name import LISTED, evaluate
from aurl.evaluation.feature_file import Features
from aurl.evaluation.named.base import load
from aurl.evaluation.protocols.base import evaluate_all, files_of
from aurl.evaluation.test_sets import test_set as public
from aurl.experiment.presets import load_preset
from aurl.experiment.read import parse_experiment
from aurl.experiment.settings import Experiment
from aurl.pipeline.code import code_of
from aurl.pipeline.jobs import Jobs
from aurl.system.errors import AurlError


def features_of(name: str, classes: list[int] | None = None) -> Features:
    """Random embeddings of a public test set, or of some of its classes, in the layout of its folders."""
    of, random = public(name), torch.Generator().manual_seed(0)
    kept = list(range(len(of.classes))) if classes is None else classes
    number = {old: new for new, old in enumerate(kept)}
    videos = [
        (path, number[label]) for path, label in zip(of.videos, of.labels.tolist(), strict=True) if label in number
    ]
    labels = torch.tensor([label for _, label in videos])
    names = [of.classes[old] for old in kept]
    centres = torch.randn(len(kept), 8, generator=random)
    embeddings = centres[labels] + torch.randn(len(labels), 8, generator=random)
    return Features({1: embeddings}, labels, centres, names, [f"{names[label]}/{path}" for path, label in videos])


@pytest.mark.parametrize("name", ["hmdb51", "ucf101"])
def test_an_experiment_and_a_score_file_give_the_same(name: str) -> None:
    """Two implementations, in torch and in numpy."""
    features = features_of(name)
    result = aurl.evaluate(
        videos=features.paths, classes=features.class_names, test_set=name, video_embeddings=features.videos[1].double(),
        class_embeddings=features.classes.double(),
    )  # fmt: skip
    expected = {(row.protocol, row.runs): row for row in result.rows}
    protocols = {of.name: {} for of in aurl.protocols(name)}
    rows = evaluate_all(features, protocols)  # type: ignore[arg-type]
    assert {(row["protocol"], row["splits"]) for row in rows} == expected.keys()
    for row in rows:
        other = expected[row["protocol"], row["splits"]]
        assert row["top1"] == pytest.approx(other.top1, abs=0.02)
        assert row["class_top1"] == pytest.approx(other.class_top1, abs=0.02)
        assert row["classes"] == row[LISTED] == other.classes


def test_a_part_of_the_classes_restricts_the_runs_and_says_so() -> None:
    of = public("ucf101")
    truze = set(load("truze").runs(of)[0].classes)
    kept = [number for number, name in enumerate(of.classes) if number % 4]
    (row,) = evaluate(features_of("ucf101", kept), load("truze"))
    here = truze & {of.classes[number] for number in kept}
    assert (row["classes"], row[LISTED], row["splits"]) == (len(here), 34, 1)
    assert 2 <= len(here) < 34
    assert row["videos"] == sum(of.classes[label] in here for label in of.labels)
    (halves, *_) = evaluate(features_of("ucf101", kept), load("half_classes"))
    assert halves[LISTED] == 50
    assert 30 < halves["classes"] < 45


def test_what_a_test_set_cannot_be_tested_by_gives_no_rows() -> None:
    features = features_of("hmdb51", [3, 4, 5, 6])
    assert not list(evaluate(features, load("truze_repository"))), "not of HMDB51"
    other = Features(features.videos, features.labels, features.classes, ["a", "b", "c", "d"], features.paths)
    assert not list(evaluate(other, load("all_classes"))), "classes of no test set"
    rendered = Features(features.videos, features.labels, features.classes, features.class_names,
                        [f"{number}.mp4" for number in range(len(features.labels))])  # fmt: skip
    assert not list(evaluate(rendered, load("official_lists"))), "the lists are of single videos"
    (row,) = evaluate(rendered, load("all_classes"))
    assert (row["classes"], row[LISTED]) == (4, 51)


def with_truze(raw: dict[str, object]) -> Experiment:
    micro = load_preset("micro").model_dump(mode="json")
    micro["evaluation"]["protocols"] |= raw
    return parse_experiment(micro, "params.yaml")


def test_params_name_a_protocol_and_its_files_and_code_are_the_stages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(Path(__file__).parents[2])
    experiment = with_truze({"truze": None})
    assert [path.name for path in files_of(experiment.evaluation.protocols)] == [
        "class_tokens.csv", "ucf101.csv.gz", "hmdb51.csv.gz", "truze.csv",
    ]  # fmt: skip
    job = Jobs(experiment).of("evaluate", variant="aurl", seed=0, dataset="micro_ucf")
    assert Path("data/protocols/truze.csv") in job.depends
    assert "aurl/evaluation/named/truze.py" in job.code
    assert "aurl/evaluation/named/official_lists.py" not in job.code
    assert "aurl/evaluation/named/official_lists.py" in code_of(job.stage)
    plain = Jobs(load_preset("micro")).of("evaluate", variant="aurl", seed=0, dataset="micro_ucf")
    assert Path("data/protocols/truze.csv") not in plain.depends
    assert "aurl/evaluation/named/truze.py" not in plain.code


@pytest.mark.parametrize(
    ("protocols", "words"),
    [
        ({"truze": {"files": []}}, "evaluation.protocols.truze.files: unknown key"),
        ({"truse": {}}, "did you mean 'truze'"),
    ],
)
def test_a_wrong_protocol_gets_one_line(protocols: dict[str, object], words: str) -> None:
    with pytest.raises(AurlError) as caught:
        with_truze(protocols)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_scores_take_the_place_of_embeddings() -> None:
    """Scores are ranked as they are, and measured in percent alone."""
    features = features_of("hmdb51", [0, 1, 2, 3, 4, 5])
    units = (torch.nn.functional.normalize(rows, dim=1) for rows in (features.videos[1], features.classes))
    videos, classes = units
    scores = Features({1: videos @ classes.T}, features.labels, torch.empty(6, 0), features.class_names, features.paths)
    protocols = {"half_splits": load_preset("micro").evaluation.protocols["half_splits"], "truze": {}}
    for one, other in zip(evaluate_all(features, protocols), evaluate_all(scores, protocols), strict=True):
        assert other == pytest.approx({name: one[name] for name in other}, abs=1e-9)
        assert one.keys() - other.keys() == {"closeness", "dispersion"}
        assert np.isfinite(other["top1"])
