"""One optimisation step of a variant, the same for one process and for several."""

import torch
from torch import Tensor

from aurl.compute import autocast
from aurl.config import ComputeSettings
from aurl.losses import unit
from aurl.models.zero_shot import ZeroShotModel
from aurl.training.distributed import ALONE, World, average
from aurl.training.objective import Objective


class TrainingStep:
    """Embed both sides, add up the loss parts, go back, move.

    The classes are embedded once a step, the clips in `accumulation` parts. Losses and gradients are those of
    the whole batch of all processes; only BatchNorm on the video side sees less (and dropout draws for each
    process).
    """

    def __init__(
        self, model: ZeroShotModel, optimizer: torch.optim.Optimizer, objective: Objective, embeddings: Tensor,
        compute: ComputeSettings, accumulation: int = 1, world: World = ALONE,
    ) -> None:  # fmt: skip
        """`embeddings` are the seen classes' c(y), (K, d), on the device that everything else is on."""
        self.model, self.optimizer, self.objective, self.embeddings = model, optimizer, objective, embeddings
        self.precision, self.device = compute.precision, embeddings.device
        self.accumulation, self.world = accumulation, world
        self.embed_videos = torch.compile(model.embed_videos) if compute.compile else model.embed_videos
        self.random = torch.Generator(self.device)

    def __call__(self, clips: Tensor, labels: Tensor, dropout_seed: int, generator_seed: int) -> Tensor:
        """Take a step on this process's uint8 clips (B, T, H, W, 3) with labels (B,).

        Returns: training top-1 in percent, the loss and its parts as one float64 row, over all processes;
            nothing waits for a GPU.
        """
        row = self.gradients(clips, labels, dropout_seed, generator_seed)
        self.optimizer.step()
        return row

    def gradients(self, clips: Tensor, labels: Tensor, dropout_seed: int, generator_seed: int) -> Tensor:
        """Set every parameter's gradient to that of the whole batch; returns what a step returns."""
        torch.manual_seed(dropout_seed)
        self.random.manual_seed(generator_seed)
        self.optimizer.zero_grad(set_to_none=True)
        with autocast(self.device, self.precision):
            embedded = self.model.embed_classes(self.embeddings)
        embedded = embedded.to(self.embeddings.dtype)
        classes = embedded.detach().requires_grad_(embedded.requires_grad)  # collects the gradient of all parts

        parts = self.objective.of_classes(self.model, classes, self.random)
        for part in parts.values():
            part.backward()
        right = torch.zeros((), dtype=torch.float64, device=self.device)
        for clips_part, labels_part in zip(
            clips.chunk(self.accumulation), labels.chunk(self.accumulation), strict=True
        ):
            with autocast(self.device, self.precision):
                videos = self.embed_videos(clips_part)
            videos = videos.to(self.embeddings.dtype)
            video_parts = self.objective.of_videos(self.model, videos, classes, labels_part)
            (torch.stack(list(video_parts.values())).sum() / self.accumulation).backward()
            for name, part in video_parts.items():
                parts[name] = parts.get(name, torch.zeros_like(part)) + part.detach() / self.accumulation
            with torch.no_grad():
                best = (unit(videos) @ unit(classes).T).argmax(dim=1)
                right += (best == labels_part).double().mean() / self.accumulation
        if embedded.requires_grad:
            embedded.backward(classes.grad)
        average([p.grad for p in self.model.parameters() if p.grad is not None], self.world)
        ordered = [parts[name].detach().double() for name in self.objective.weights]
        row = torch.stack([100 * right, torch.stack(ordered).sum(), *ordered])
        average([row], self.world)
        return row
