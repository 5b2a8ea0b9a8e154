"""Run by torchrun in test_distributed.py: one rank's gradients of one step, and the videos that it saw."""

import os
import sys
from pathlib import Path

import torch
from distributed_step import ACCUMULATION, batches_of, gradients_of
from safetensors.torch import save_file

from aurl.training.distributed import World, joined

if __name__ == "__main__":
    folder, variant = Path(sys.argv[1]), sys.argv[2]
    world = World.of(os.environ)
    torch.set_num_threads(1)
    batches = batches_of(folder / "index.json", world)
    with joined(world, torch.device("cpu")):
        tensors = gradients_of(variant, batches, world, ACCUMULATION)
    save_file(tensors, folder / f"{variant}-{world.rank}.safetensors")
