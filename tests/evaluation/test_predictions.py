"""The authors' per-video predictions: the published accuracies, and files that are none."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from aurl.evaluation.predictions import read_predictions, top1_of_predictions
from aurl.evaluation.protocol import evaluate_draws
from aurl.system.errors import AurlError

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.mark.parametrize(("dataset", "top1", "videos"), [("ucf101", 44.39, 13_320), ("hmdb51", 27.37, 6_766)])
def test_the_evaluator_gives_the_published_accuracy(dataset: str, top1: float, videos: int) -> None:
    path = DATA / f"authors_predictions_{dataset}.csv"
    table = read_predictions(path)
    assert len(table) == videos
    classes = sorted(set(table["label"]))
    assert set(table["pred"]) <= set(classes)
    predicted, labels = (torch.tensor([classes.index(name) for name in table[key]]) for key in ("pred", "label"))
    scores = functional.one_hot(predicted, len(classes)).float()
    (found,) = evaluate_draws(scores, labels, [np.arange(len(classes))])
    assert round(found["top1"], 2) == top1
    assert top1_of_predictions(path) == pytest.approx(found["top1"])


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"pred,label\n",
        b"pred\na\n",
        b"pred,label\na,\n",
        b"\x00\xff\xfe\x80" * 9,
        b'pred,label\n"a,b\n',
        b"<html>\n",
    ],
)
def test_a_file_that_is_no_table_of_predictions_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "predictions.csv").write_bytes(content)
    with pytest.raises(AurlError, match="predictions.csv: .*restore it from git"):
        top1_of_predictions(tmp_path / "predictions.csv")
