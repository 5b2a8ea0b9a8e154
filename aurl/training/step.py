"""Take one optimisation step of a variant, the same for one process and for several."""

from collections.abc import Sequence

import torch
from torch import Tensor

from aurl.experiment.settings import ComputeSettings
from aurl.losses.base import Inside
from aurl.models.cosine import unit
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.compute import autocast
from aurl.training.distributed import ALONE, World, average
from aurl.training.objective import Objective
from aurl.training.seeds import step_seed

MEASURES = ("top1", "closeness", "dispersion")  # of a training batch


@torch.no_grad()
def measure_batch(videos: Tensor, classes: Tensor, labels: Tensor) -> Tensor:
    """Compute top-1 in percent, closeness and dispersion of clips embedded together, float64 (3,).

    As in evaluation, but for single clips in place of class means: the mean of 1 - cos of a clip with its class, and
    of a clip with the nearest clip of another class (nan where all are of one class). Fewer clips at a time are
    further apart, so dispersions compare at equal batches, processes and parts only.

    Args:
        videos: (B, d). classes: (K, d). labels: (B,) int64.
    """
    videos, similarity = unit(videos), unit(videos) @ unit(classes).T
    top1 = 100 * (similarity.argmax(dim=1) == labels).double().mean()
    closeness = (1 - similarity.gather(1, labels[:, None])).double().mean()
    apart = (1 - videos @ videos.T).double().masked_fill(labels[:, None] == labels, torch.inf).min(dim=1).values
    return torch.stack([top1, closeness, apart.masked_fill(apart.isinf(), torch.nan).nanmean()])


class TrainingStep:
    """Embed both sides, add up the loss terms, go back, move.

    The classes are embedded once a step, the clips in `accumulation` parts. Losses and gradients are those of
    the whole batch of all processes; only BatchNorm on the video side sees less (and dropout draws for each
    process).
    """

    def __init__(
        self, model: ZeroShotModel, optimizer: torch.optim.Optimizer, objective: Objective, embeddings: Tensor,
        compute: ComputeSettings, accumulation: int = 1, world: World = ALONE, words: Sequence[Tensor] = (),
    ) -> None:  # fmt: skip
        """`embeddings` are the seen classes' c(y), (K, d), on the device that everything else is on.

        `words` are the vectors of each class's words, (words, d); empty where the text encoder has none.
        """
        self.model, self.optimizer, self.objective, self.embeddings = model, optimizer, objective, embeddings
        self.precision, self.device = compute.precision, embeddings.device
        self.accumulation, self.world = accumulation, world
        model.learn_classes(embeddings, words)
        self.embed_videos = torch.compile(model.embed_inside) if compute.compile else model.embed_inside
        self.random, self.random_inside = torch.Generator(self.device), torch.Generator(self.device)

    def __call__(self, clips: Tensor, labels: Tensor, dropout_seed: int, generator_seed: int, step: int = 0) -> Tensor:
        """Take a step on this process's uint8 clips (B, T, H, W, 3) with labels (B,).

        Args:
            step: its number, for terms that are not computed on every step.
        Returns: `MEASURES`, the loss and its parts as one float64 row, over all processes; nothing waits
            for a GPU.
        """
        row = self.gradients(clips, labels, dropout_seed, generator_seed, step)
        self.optimizer.step()
        return row

    def gradients(self, clips: Tensor, labels: Tensor, dropout_seed: int, generator_seed: int, step: int = 0) -> Tensor:
        """Set every parameter's gradient to that of the whole batch; returns what a step returns."""
        torch.manual_seed(dropout_seed)
        self.random.manual_seed(generator_seed)
        self.random_inside.manual_seed(step_seed(generator_seed, 1))  # draws of its own
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.precision):
            embedded = self.model.embed_classes(self.embeddings)
        embedded = embedded.to(self.embeddings.dtype)
        classes = embedded.detach().requires_grad_(embedded.requires_grad)  # collects the gradient of all parts

        parts = self.objective.of_classes(self.model, classes, self.random)
        for part in parts.values():
            part.backward()
        measures = torch.zeros(len(MEASURES), dtype=torch.float64, device=self.device)
        for clips_part, labels_part in zip(
            clips.chunk(self.accumulation), labels.chunk(self.accumulation), strict=True
        ):
            with autocast(self.device, self.precision):
                videos, features = self.embed_videos(clips_part)
            videos, features = videos.to(self.embeddings.dtype), features.to(self.embeddings.dtype)
            inside = Inside(features, self.embeddings, self.model, self.random_inside, step)
            video_parts = self.objective.of_videos(self.model, videos, classes, labels_part, inside)
            (torch.stack(list(video_parts.values())).sum() / self.accumulation).backward()
            for name, part in video_parts.items():
                parts[name] = parts.get(name, torch.zeros_like(part)) + part.detach() / self.accumulation
            measures += measure_batch(videos, classes, labels_part) / self.accumulation
        if embedded.requires_grad:
            embedded.backward(classes.grad)
        average([p.grad for p in self.model.parameters() if p.grad is not None], self.world)
        ordered = [parts[name].detach().double() for name in self.objective.terms]
        row = torch.stack([*measures, torch.stack(ordered).sum(), *ordered])
        average([row], self.world)
        return row
