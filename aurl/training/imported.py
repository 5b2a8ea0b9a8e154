"""Published weights as a checkpoint of ours, as if a training had left it."""

from pathlib import Path
from typing import Any

from aurl.errors import AurlError
from aurl.files import replacing, sha256_file, write_json
from aurl.models.published import PublishedWeights, read_published
from aurl.models.zero_shot import ZeroShotModel
from aurl.training.checkpoint import state_bytes

Channel = tuple[float, float, float]


def import_checkpoint(path: Path, variant: str, seed: int, *, clip_length: int, dropout: float, mean: Channel,
                      std: Channel, checkpoint: Path, description: Path) -> PublishedWeights:  # fmt: skip
    """Write a published model as checkpoint and description; both or neither appear.

    The description has `source` in place of what only a training knows, and no class names: the files do
    not hold them.

    Args:
        clip_length: frames of a clip. dropout, mean, std: the model's arguments that the file does not tell.
    Raises:
        AurlError: the file is not usable, or holds a backbone alone.
    """
    published = read_published(path)
    if published.kind == "r2plus1d":
        raise AurlError(
            f"{path}: a backbone without projectors, good for initialisation only: set model.initial_backbone to it"
        )
    shape: dict[str, Any] = {**published.shape, "dropout": dropout, "mean": list(mean), "std": list(std)}
    model = ZeroShotModel(**shape)
    model.load_state_dict(published.state)
    source = {
        "file": path.name,
        "sha256": sha256_file(path),
        "kind": published.kind,
        "unused": published.unused,
        "filled": published.filled,
        "numbers": published.numbers,
    }
    described = {
        "variant": variant, "seed": seed, "classes": None, "model": shape, "clip_length": clip_length, "source": source,
    }  # fmt: skip
    with replacing(checkpoint, description) as (weights, text):
        weights.write_bytes(state_bytes(model))
        write_json(text, described)
    return published
