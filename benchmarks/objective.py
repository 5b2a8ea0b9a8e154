"""Heads and losses of AURL with 662 classes, forward and back.

    python benchmarks/run.py objective

Against the published step: the same heads and losses, then all class names encoded a second time and compared by scipy
for the training accuracy. One core; 32 videos are one process's share in the published setting, 256 the whole batch.
"""

import time

import torch
from harness import Comparison, interleaved, ratios
from published_way import heads_and_losses
from torch import Tensor, nn

from aurl.experiment.settings import ComputeSettings
from aurl.losses import centres, seen, synthetic
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.compute import prepare_device
from aurl.training.objective import Objective
from aurl.training.step import TrainingStep

CLASSES, DIMENSION, SCALE = 662, 300, 10.0
AIM = 0.5
NOTES = {
    "float32": "Both go through the projectors forward and back, which is most of the time of either; what is saved is"
    " the second encoding and scipy. The aim is out of reach without another precision",
    "bfloat16": "Autocast in the projectors; losses stay float32",
}


class FixedFeatures(nn.Module):
    """Stands for the backbone and returns the same features, so that heads and losses are left."""

    def __init__(self, features: Tensor) -> None:
        super().__init__()
        self.features = features

    def forward(self, _: Tensor) -> Tensor:
        return self.features


def heads(classes: int, embedding: int, word_hidden: int, features: Tensor, seed: int = 0) -> ZeroShotModel:
    """Build an AURL model in training mode, without dropout, whose backbone returns `features` for any clips."""
    torch.manual_seed(seed)
    backbone = {"name": "r2plus1d", "width": features.shape[1], "blocks": [1]}  # of the same number of features
    model = ZeroShotModel(ModelShape.model_validate({
        "backbone": backbone, "embedding": embedding, "word_hidden": word_hidden, "dropout": 0, "dimension": DIMENSION,
        "word_projector": True, "seen_classes": classes,
    }))  # fmt: skip
    model.backbone = FixedFeatures(features)  # type: ignore[assignment]
    return model.train()


def our_step(model: ZeroShotModel, embeddings: Tensor, precision: str = "float32") -> TrainingStep:
    """Build the step of the variant `aurl`; `gradients` is called alone, without moving."""
    terms = {"seen": seen.Settings(weight=1), "centres": centres.Settings(weight=1)}
    objective = Objective({**terms, "synthetic": synthetic.Settings(weight=1)}, SCALE)
    compute = ComputeSettings(
        device="cpu", precision=precision, channels_last=True, compile=False, threads=1, workers=0
    )
    return TrainingStep(model, torch.optim.SGD(model.parameters(), lr=0.1), objective, embeddings, compute)


def compare(batch: int) -> list[Comparison]:
    """Compare one batch size, in the published precision (float32) and in bfloat16."""
    random = torch.Generator().manual_seed(0)
    features = torch.rand(batch, 512, generator=random)
    embeddings = torch.randn(CLASSES, DIMENSION, generator=random)
    labels = torch.randint(0, CLASSES, (batch,), generator=random)
    mix = torch.rand(CLASSES, CLASSES, generator=random)
    clips = torch.zeros(batch, 1, 1, 1, 3, dtype=torch.uint8)
    model = heads(CLASSES, 2048, 512, features)
    exact, mixed = our_step(model, embeddings), our_step(model, embeddings, "bfloat16")
    published, *ours = interleaved(
        lambda: heads_and_losses(model, features, embeddings, labels, mix, SCALE),
        lambda: exact.gradients(clips, labels, 0, 0),
        lambda: mixed.gradients(clips, labels, 0, 0),
        clock=time.process_time,
    )
    against = "the published step (float32), CPU time"
    return [
        Comparison(
            f"{batch} videos, {precision}", against, ratios(took, published), AIM, "smaller", note=NOTES[precision]
        )
        for precision, took in zip(NOTES, ours, strict=True)
    ]


def measure() -> list[Comparison]:
    """Measure one process's share of the published batch, and all of it."""
    prepare_device("cpu", 1)
    return [row for batch in (32, 256) for row in compare(batch)]
