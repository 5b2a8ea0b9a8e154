"""Load training batches: videos and frames as a function of the global step alone."""

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from aurl.frames.clips import clip_indices, training_starts
from aurl.frames.store import FrameStore


class ClipBatches(Dataset[tuple[Tensor, Tensor]]):
    """Give each step's batch (this process's share): uint8 clips (B, T, H, W, 3), int64 labels (B,).

    An epoch is a new permutation of all videos, cut to whole batches; one random clip for each video
    (released code). Nothing depends on worker processes or on where a run was resumed.
    """

    def __init__(
        self,
        store: FrameStore,
        videos: np.ndarray,
        labels: np.ndarray,
        *,
        batch_size: int,
        steps_per_epoch: int,
        epochs: int,
        clip_length: int,
        shuffling_seed: int,
        clip_starts_seed: int,
        rank: int = 0,
        shard: int | None = None,
    ) -> None:
        """
        Args:
            videos, labels: (N,) store numbers and class labels of the videos to train on.
            rank, shard: this process takes clips `rank * shard` .. `(rank + 1) * shard` of every batch; the
                order is the same in all processes, so that no two see the same video (in the released code
                each shuffles for itself, and they overlap).
        """
        self.store, self.videos, self.labels = store, videos, labels
        self.num_frames = store.num_frames()[videos]
        self.batch_size, self.steps_per_epoch, self.epochs = batch_size, steps_per_epoch, epochs
        self.clip_length = clip_length
        self.shuffling_seed, self.clip_starts_seed = shuffling_seed, clip_starts_seed
        self.shard = batch_size if shard is None else shard
        self.offset = rank * self.shard
        self._epoch = -1

    def __len__(self) -> int:
        return self.steps_per_epoch * self.epochs

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        chosen = self.chosen(step)
        clips = np.empty((len(chosen), self.clip_length, self.store.size, self.store.size, 3), np.uint8)
        for clip, i in zip(clips, chosen, strict=True):
            frames = clip_indices(self._starts[i : i + 1], int(self.num_frames[i]), self.clip_length)[0]
            self.store.read(int(self.videos[i]), frames, out=clip)
        return torch.from_numpy(clips), torch.from_numpy(self.labels[chosen])

    def chosen(self, step: int) -> np.ndarray:
        """Choose the videos that this process takes in a step: (shard,) positions in `videos`."""
        epoch, position = divmod(step, self.steps_per_epoch)
        self._plan(epoch)
        first = position * self.batch_size + self.offset
        return self._order[first : first + self.shard]

    def _plan(self, epoch: int) -> None:
        """Draw the order and the clip starts of an epoch, once."""
        if epoch == self._epoch:
            return
        self._order = np.random.default_rng([self.shuffling_seed, epoch]).permutation(len(self.videos))
        uniform = np.random.default_rng([self.clip_starts_seed, epoch]).random(len(self.videos))
        self._starts = training_starts(self.num_frames, self.clip_length, uniform)
        self._epoch = epoch


def batch_loader(
    batches: ClipBatches, first_step: int, workers: int, pin_memory: bool
) -> DataLoader[tuple[Tensor, Tensor]]:
    """Load the batches of steps `first_step`, `first_step + 1`, ... in order."""
    return DataLoader(
        batches, batch_size=None, sampler=range(first_step, len(batches)), num_workers=workers, pin_memory=pin_memory
    )
