"""Turn published weights into a checkpoint, with the files that a training writes."""

from pathlib import Path
from typing import Any

from aurl.experiment.settings import ModelSettings, WeightsSettings
from aurl.experiment.variants import VariantSettings
from aurl.models.checkpoint import state_bytes
from aurl.models.published import PublishedWeights, read_published
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.pipeline.jobs import Job
from aurl.system.errors import AurlError
from aurl.system.files import check_declared, replacing, sha256_file
from aurl.system.json_files import write_json

Channel = tuple[float, float, float]


def check_digest(weights: WeightsSettings, path: Path) -> None:
    """Check that a file is the declared one. Raises: AurlError if it is missing or another."""
    check_declared(path, weights.sha256, "weights", "fetch it again", "aurl import-weights")


def check_shape(
    path: Path, published: PublishedWeights, model: ModelSettings, variant: VariantSettings, dimension: int
) -> None:
    """Check that published weights have the experiment's shape of the variant. Raises: AurlError."""
    expected: dict[str, Any] = model.backbone.model_dump()
    if published.kind != "r2plus1d":
        expected |= {"dimension": dimension, "word_projector": variant.word_projector}
    if published.kind == "aurl":
        expected |= {"embedding": model.embedding, "word_hidden": model.word_hidden}
    shape = published.shape | published.shape["backbone"]
    differing = [
        f"{key} {shape.get(key)}, expected {value}" for key, value in expected.items() if shape.get(key) != value
    ]
    if differing:
        raise AurlError(
            f"{path}: not of the experiment's shape ({'; '.join(differing)}); change params.yaml or the variant"
        )


def import_checkpoint(path: Path, variant: str, seed: int, *, clip_length: int, dropout: float, mean: Channel,
                      std: Channel, checkpoint: Path, description: Path) -> PublishedWeights:  # fmt: skip
    """Write a published model as checkpoint and description; both or neither appear.

    The description has `source` in place of what only a training knows, and no class names: the files do
    not hold them.

    Args:
        clip_length: frames of a clip. dropout, mean, std: the model's arguments that the file does not hold.
    Raises:
        AurlError: the file is not usable, or holds a backbone alone.
    """
    published = read_published(path)
    if published.kind == "r2plus1d":
        raise AurlError(
            f"{path}: a backbone without projectors, good for initialisation only: set model.initial_backbone to it"
        )
    shape = ModelShape(**published.shape, dropout=dropout, mean=mean, std=std)
    model = ZeroShotModel(shape)
    model.load_state_dict(published.state)
    source = {name: getattr(published, name) for name in ("kind", "unused", "filled", "numbers")}
    source |= {"file": path.name, "sha256": sha256_file(path)}
    described = {
        "variant": variant, "seed": seed, "classes": None, "model": shape.model_dump(mode="json"),
        "clip_length": clip_length, "source": source,
    }  # fmt: skip
    with replacing(checkpoint, description) as (weights, text):
        weights.write_bytes(state_bytes(model))
        write_json(text, described)
    return published


def run(job: Job) -> None:
    """Run the stage `import_weights`."""
    model, file, outputs = job.settings["model"], job.inputs.weights, job.outputs
    check_digest(job.settings["imported.{variant}"], file)
    import_checkpoint(
        file, job.wildcards["variant"], job.wildcards["seed"], clip_length=model.clip_length, dropout=model.dropout,
        mean=model.mean, std=model.std, checkpoint=outputs.checkpoint, description=outputs.description,
    )  # fmt: skip
