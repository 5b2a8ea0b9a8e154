"""The stages `fit` and `method_scores` on small files: from features to metrics."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from fitted_files import Files
from outside import write_part

from aurl.evaluation.feature_file import read_features
from aurl.evaluation.protocols.half_splits import Settings as HalfSplits
from aurl.experiment.methods import METHODS, HubSettings
from aurl.fitting import fit, score
from aurl.fitting.clip_features import read_clip_features
from aurl.fitting.hubs import csls
from aurl.system import plugins
from aurl.system.errors import AurlError


def job(files: Files, folder: Path, method: str, **settings: Any) -> Any:
    """A job of both stages; the seen dataset is the test set too."""
    row = plugins.load(METHODS, method).Settings(method=method, features="network", **settings)
    return SimpleNamespace(
        settings={"methods.{variant}": row, "evaluation.protocols": {"half_splits": HalfSplits(splits=[1])},
                  "evaluation.hubs": HubSettings(neighbours=2)},
        wildcards={"seed": 0, "dataset": "ucf"},
        inputs=SimpleNamespace(
            checkpoint=files.network.checkpoint, description=files.network.description, seen_features=files.features,
            seen_embeddings=files.embeddings, seen_classes=files.seen_classes, features=files.features,
            embeddings=files.embeddings, fitted=files.fitted, unseen_embeddings={"ucf": files.embeddings},
        ),
        outputs=SimpleNamespace(fitted=files.fitted, features=folder / "scores.safetensors", metrics=folder / "m.json"),
    )  # fmt: skip


def run_both(one: Any) -> tuple[torch.Tensor, dict[str, Any]]:
    """The scores at three clips, and the metrics of all classes."""
    fit.run(one)
    score.run(one)
    metrics = json.loads(one.outputs.metrics.read_text())
    return read_features(one.outputs.features).videos[3], metrics["clips3"]["splits1"]


def test_scores_and_hub_columns(tmp_path: Path) -> None:
    files = Files(tmp_path)
    scores, metrics = run_both(job(files, tmp_path, "ridge"))
    labels = read_clip_features(files.features).labels
    bank = scores[[0, 1, 4, 5]]  # the videos of the two classes that are kept

    def top1(values: torch.Tensor) -> float:
        return 100 * (values.argmax(dim=1) == labels).double().mean().item()

    assert metrics["top1"] == pytest.approx(top1(scores))
    assert metrics["csls_seen_top1"] == pytest.approx(top1(csls(scores, bank, 2)))
    assert metrics["csls_test_top1"] == pytest.approx(top1(csls(scores, scores, 2)))


def test_a_rule_of_inference_ranks_the_classes(tmp_path: Path) -> None:
    files = Files(tmp_path)
    plain, _ = run_both(job(files, tmp_path, "ridge"))
    corrected, metrics = run_both(job(files, tmp_path, "ridge", inference="csls", bank="test", neighbours=2))
    np.testing.assert_array_equal(corrected, csls(plain, plain, 2))
    assert metrics["top1"] == metrics["csls_test_top1"]


def test_a_method_from_outside_that_breaks_the_contract_is_not_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(tmp_path)
    text = (Path(plugins.PACKAGE) / "methods/ridge.py").read_text()
    broken = text.replace('"map": mapped.float()', '"map": 0 * mapped.float()')
    name = write_part(tmp_path, monkeypatch, "my_methods.broken", broken)
    with pytest.raises(AurlError, match="breaks the contract: it learns a toy problem above chance"):
        fit.run(job(files, tmp_path, name))
    assert not files.fitted.exists()
