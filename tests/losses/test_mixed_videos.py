"""Mixed videos, recomputed by hand; and where the term may not be used."""

import math
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from aurl.experiment.presets import load_preset, preset_text
from aurl.experiment.read import parse_experiment
from aurl.losses.base import FeatureBatch, Inside
from aurl.losses.mixed_videos import Settings, loss
from aurl.models.shape import variant_shape
from aurl.models.zero_shot import ZeroShotModel, build_network
from aurl.system.errors import AurlError


def network() -> ZeroShotModel:
    experiment = load_preset("methods")
    torch.manual_seed(0)
    shape = variant_shape(load_preset("micro").model, experiment.variants["aurl_mix"], 7, 6)
    return build_network(shape.model_copy(update={"dropout": 0.0})).double()


def batch_of(model: ZeroShotModel, step: int) -> FeatureBatch:
    random = torch.Generator().manual_seed(3)
    size: int = model.backbone.features  # type: ignore[assignment]
    features = torch.randn(5, size, generator=random, dtype=torch.float64)
    embeddings = torch.randn(6, 7, generator=random, dtype=torch.float64)
    inside = Inside(features, embeddings, model, torch.Generator().manual_seed(9), step)
    classes, videos = model.embed_classes(embeddings), model.project_videos(features)
    return FeatureBatch(classes, torch.empty(0), 10.0, videos, torch.tensor([4, 0, 1, 1, 5]), inside)


@pytest.mark.parametrize("seen", [False, True])
def test_mixed_videos_by_hand(seen: bool) -> None:
    model, settings = network().train(), Settings(weight=1, low=0.25, high=0.75, seen=seen)
    batch = batch_of(model, step=3)
    random = torch.Generator().manual_seed(9)
    weights = 0.25 + 0.5 * torch.rand(5, 1, generator=random).double()
    other = torch.randperm(5, generator=random).tolist()
    x, c = batch.inside.features, batch.inside.embeddings
    mixed = [w * x[i] + (1 - w) * x[j] for i, (w, j) in enumerate(zip(weights, other, strict=True))]
    names = [
        w * c[batch.labels[i]] + (1 - w) * c[batch.labels[j]]
        for i, (w, j) in enumerate(zip(weights, other, strict=True))
    ]
    videos, targets = model.video_projector(torch.stack(mixed)), model.embed_classes(torch.stack(names))
    candidates = [*targets, *batch.classes] if seen else [*targets]
    candidates = [each.detach() for each in candidates]
    total = 0.0
    for row, video in enumerate(videos.detach()):
        scores = [math.exp(10 * float(video @ each / video.norm() / each.norm())) for each in candidates]
        total -= math.log(scores[row] / sum(scores)) / 5
    assert loss(settings, batch).item() == pytest.approx(total, rel=1e-9)


def test_steps_in_between_do_not_mix_and_statistics_stay_those_of_real_videos() -> None:
    model = network().train()
    batch = batch_of(model, step=2)
    assert loss(Settings(weight=1), batch).item() == 0
    before = {name: value.clone() for name, value in model.named_buffers() if "running" in name}
    assert before
    assert loss(Settings(weight=1, every=3), batch).item() > 0
    assert all(torch.equal(value, before[name]) for name, value in model.named_buffers() if "running" in name)
    momenta = [module.momentum for module in model.modules() if isinstance(module, nn.BatchNorm1d)]
    assert set(momenta) == {0.1}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"accumulation": 2}, "mixed_videos: the term needs the whole batch in one part; set training.accumulation"),
        ({"processes": 2}, "mixed_videos: the term needs the whole batch in one part; set training.accumulation"),
    ],
)
def test_a_batch_in_parts_is_refused_in_one_line(change: dict[str, Any], words: str) -> None:
    raw = yaml.safe_load(preset_text("methods"))
    raw["training"] |= change
    with pytest.raises(AurlError, match=words) as caught:
        parse_experiment(raw, "params.yaml")
    assert "\n" not in str(caught.value)


def test_a_range_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="low must be below high, not 0.5 and 0.5"):
        Settings(weight=1, low=0.5, high=0.5)
