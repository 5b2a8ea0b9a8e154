"""Give each source of chance a seed, so that changing one axis leaves the others as they were."""

import numpy as np

AXES = ("initialisation", "shuffling", "clip_starts", "class_generator", "dropout")


def axis_seeds(seed: int) -> dict[str, int]:
    """Spawn the seeds of all axes from the experiment's seed."""
    children = np.random.SeedSequence(seed).spawn(len(AXES))
    return {axis: _as_seed(child) for axis, child in zip(AXES, children, strict=True)}


def step_seed(axis_seed: int, step: int, rank: int = 0) -> int:
    """Derive the seed of a step (of one process), so that a resumed run draws the same numbers."""
    return _as_seed(np.random.SeedSequence([axis_seed, step, *([rank] if rank else [])]))


def _as_seed(sequence: np.random.SeedSequence) -> int:
    return int(sequence.generate_state(1, np.uint64)[0] >> 1)  # torch takes signed 64 bits
