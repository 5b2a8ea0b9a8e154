"""Every measure of the folder, and one from outside, keeps the contract; a new one needs its file alone."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from outside import write_outside
from pages import file_of
from repositories import REPOSITORY

from aurl.evaluation import metrics, schema
from aurl.evaluation.draws import mean_row, measure, rank, rank_scores
from aurl.system import plugins

HEAVY = ("torch", "numpy", "pandas", "matplotlib", "gensim")
DRAWS = [np.arange(6), np.array([0, 2, 4]), np.array([1, 5])]
MEAN_RANK = file_of("how-to/measure.md", "aurl/evaluation/measures/mean_rank.py")


def world(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(seed)
    labels, classes = torch.arange(6).repeat(7), torch.randn(6, 5, generator=random)
    return classes[labels] + torch.randn(42, 5, generator=random), labels, classes


def check_measure(module: ModuleType) -> None:
    """Check the contract of a measure on a small test set."""
    assert (module.__doc__ or "").strip()
    assert module.LABEL
    assert module.UNIT in ("%", "")
    assert module.BETTER in ("larger", "smaller")
    assert module.DIGITS >= 0
    assert isinstance(module.SPREAD, bool)
    videos, labels, classes = world(0)
    values = module.compute(rank(videos, labels, classes, DRAWS))
    assert tuple(values.shape) in ((), (len(DRAWS),))
    assert torch.isfinite(values).all()
    assert not (module.SPREAD and values.ndim == 0), "a scalar has no deviation over draws"
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(1))
    again = module.compute(rank(videos[order], labels[order], classes, DRAWS))
    assert torch.allclose(values, again), "the order of the videos matters"
    assert torch.allclose(values, module.compute(rank(3 * videos, labels, 2 * classes, DRAWS))), "cosines have no scale"
    perfect = module.compute(rank(classes[labels], labels, classes, DRAWS))
    assert ((perfect >= values) if module.BETTER == "larger" else (perfect <= values)).all() or module.LABEL in (
        "dispersion",
        "hub skewness",
    )
    if module.UNIT == "%":
        assert torch.allclose(perfect, torch.tensor(100.0, dtype=perfect.dtype))
        scores = rank_scores(metrics.cosine_similarity(videos, classes), labels, DRAWS)
        assert torch.equal(module.compute(scores), values), "an accuracy reads ranks and scores alone"
    code = f"import sys; sys.path.append('.'); import {module.__name__}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": str(REPOSITORY)})  # fmt: skip
    assert not set(HEAVY) & set(done.stdout.split()), "import these inside the functions"


@pytest.mark.parametrize("name", plugins.names(schema.MEASURES))
def test_measures_keep_the_contract(name: str) -> None:
    check_measure(plugins.load(schema.MEASURES, name))


def test_a_measure_from_outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = write_outside(tmp_path, monkeypatch, "my_measures", "mean_rank", MEAN_RANK)
    check_measure(module)
    videos, labels, classes = world(2)
    cosine = metrics.cosine_similarity(videos, classes)[:, [0, 2, 4]]
    inside = torch.isin(labels, torch.tensor([0, 2, 4]))
    own = cosine[inside].gather(1, (labels[inside] // 2)[:, None])
    found = measure(rank(videos, labels, classes, DRAWS), {"mean_rank": module})["mean_rank"]
    assert found[1] == pytest.approx((cosine[inside] >= own).sum(dim=1).double().mean().item())


def test_the_columns_are_the_contract_with_other_tools() -> None:
    names = ["top1", "top1_std", "top5", "class_top1", "closeness", "dispersion", "videos", "classes"]
    assert schema.value_names()[: len(names)] == names
    assert schema.KEY_NAMES == ["variant", "seed", "dataset", "clips", "splits"]
    assert schema.quantities(schema.order([]))[:5] == ["top1", "top5", "class_top1", "closeness", "dispersion"]
    assert schema.order(["protocol", "z", "a", "top1"])[-3:] == ["a", "z", "protocol"]
    assert set(schema.FIRST) <= set(plugins.names(schema.MEASURES))


def test_closeness_of_cosines_is_closeness() -> None:
    videos, labels, classes = world(4)
    found = measure(rank(videos, labels, classes, DRAWS))
    assert found["closeness"].item() == pytest.approx(metrics.closeness(videos, labels, classes).item(), rel=1e-6)
    assert found["dispersion"].item() == metrics.dispersion(videos, labels).item()


def test_a_new_measure_is_one_file(tmp_path: Path) -> None:
    """In a copy of the package with one file more: the file, metrics.csv, `aurl rerun` and the results show it."""
    shutil.copytree(REPOSITORY / "aurl", tmp_path / "aurl", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "aurl/evaluation/measures/mean_rank.py").write_text(MEAN_RANK)
    script = """
import json, numpy, pandas, torch
from pathlib import Path
from aurl.evaluation.collect import collect_metrics
from aurl.evaluation.evaluate import evaluate
from aurl.evaluation.feature_file import write_features
from aurl.evaluation.protocols.half_splits import Settings
from aurl.operate.rerun import compare_metrics
from aurl.report.results import Results
random = torch.Generator().manual_seed(0)
labels, classes = numpy.arange(6).repeat(3), torch.randn(6, 4, generator=random)
parts = [torch.randn(1, 18, 4, generator=random)]
write_features(Path("f"), parts, [1], labels, classes, list("abcdef"), [str(number) for number in range(18)])
evaluate(Path("f"), {"half_splits": Settings(splits=[1, 3])}, Path("m.json"))
collect_metrics({("v", 0, "d"): Path("m.json")}, Path("m.csv"))
table = pandas.read_csv("m.csv")
assert list(table)[-4:] == ["classes", "hub_skewness", "mean_rank", "mean_rank_std"], list(table)
cell = json.loads(Path("m.json").read_text())["clips1"]["splits1"]
assert 1 <= cell["mean_rank"] <= 6
assert abs(Results(Path("m.csv")).cell("v", "d", 1, 1, "mean_rank").mean - cell["mean_rank"]) < 1e-6
assert set(compare_metrics(table, table.assign(mean_rank=0)).metric) == {"mean_rank"}
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True,
                          env={"PYTHONPATH": str(tmp_path)})  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]


def test_means_over_draws() -> None:
    measured = {"top1": np.array([10.0, 20, 40]), "closeness": np.array(0.25), "videos": np.array([9.0, 4, 6]),
                "classes": np.array([6.0, 3, 3])}  # fmt: skip
    assert mean_row(4, measured, slice(0, 1)) == {
        "clips": 4, "splits": 1, "top1": 10, "top1_std": None, "closeness": 0.25, "videos": 9, "classes": 6,
    }  # fmt: skip
    assert mean_row(4, measured, slice(1, 3)) == {
        "clips": 4, "splits": 2, "top1": 30, "top1_std": 10, "closeness": 0.25, "videos": 5, "classes": 3,
    }  # fmt: skip
