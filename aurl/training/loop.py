"""Train one variant with one seed: the loop, top to bottom."""

import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from aurl.backbones.base import memory_format
from aurl.experiment.folders import source_folder
from aurl.experiment.settings import ModelSettings, OptimizerSettings, TrainingSettings
from aurl.experiment.variants import VariantSettings
from aurl.frames.store import FrameStore
from aurl.frames.usable import labels_with_frames
from aurl.models.checkpoint import state_bytes
from aurl.models.imported import check_digest
from aurl.models.published import initialise_backbone
from aurl.models.shape import ModelShape, variant_shape
from aurl.models.zero_shot import ZeroShotModel, build_network
from aurl.pipeline.jobs import Job
from aurl.semantics.classes import ClassEmbeddings, read_embeddings, read_seen_classes
from aurl.system.compute import prepare_device
from aurl.system.errors import AurlError
from aurl.system.files import replacing
from aurl.system.json_files import write_json
from aurl.system.progress import notice, track
from aurl.training.batches import ClipBatches, batch_loader
from aurl.training.distributed import ALONE, World, agree, joined, synchronise_batch_norm
from aurl.training.objective import Objective
from aurl.training.optimizer import learning_rate, make_optimizer, set_learning_rate
from aurl.training.resume import load_resume, restore_optimizer, save_resume
from aurl.training.seeds import axis_seeds, step_seed
from aurl.training.step import MEASURES, TrainingStep


@dataclass(frozen=True)
class TrainingData:
    """Seen classes (K), their embeddings float32 (K, d), and the videos (N,) with labels (N,) to train on.

    `words` are the vectors of each class's words, float32 (words, d); empty where the text encoder has none.
    """

    classes: list[str]
    embeddings: Tensor
    videos: np.ndarray
    labels: np.ndarray
    store: FrameStore
    words: list[Tensor] = field(default_factory=list)


@dataclass(frozen=True)
class TrainingOutputs:
    """Name the files that a training leaves, and its resume state while it runs."""

    checkpoint: Path
    description: Path
    steps: Path
    resume: Path


def load_training_data(
    manifest: Path, broken: str, frames_index: Path, embeddings: Path, seen_classes: Path, strict_labels: bool
) -> TrainingData:
    """Load the videos of the classes that the strict-label filter keeps (all embedded ones without it)."""
    classes = read_seen_classes(seen_classes, strict_labels)
    store = FrameStore(frames_index)
    labels = labels_with_frames(manifest, broken, classes, store)
    embedded = read_embeddings(embeddings)
    rows = [embedded.classes.index(name) for name in classes]
    videos = np.flatnonzero(labels >= 0)
    return TrainingData(
        classes,
        torch.from_numpy(embedded.vectors[rows]),
        videos,
        labels[videos],
        store,
        word_vectors(embedded, classes),
    )


def word_vectors(embedded: ClassEmbeddings, classes: list[str]) -> list[Tensor]:
    """List the vectors of each class's words, float32 (words, d); empty where the text encoder has none."""
    known = {word: torch.from_numpy(vector) for word, vector in embedded.words.items()}
    return [torch.stack([known[word] for word in embedded.texts[name]]) for name in classes] if known else []


def train(
    data: TrainingData,
    variant: str,
    seed: int,
    model_settings: ModelSettings,
    training: TrainingSettings,
    settings: VariantSettings,
    outputs: TrainingOutputs,
    identity: str,
    world: World = ALONE,
) -> None:
    """Train and write checkpoint, description and step log, all or none of them.

    Args:
        identity: digest of everything that the training depends on; a resume state with another is ignored.
        world: the processes that train together; the first one writes.
    Raises:
        AurlError: fewer videos than a batch, a batch that cannot be dealt out to the processes, or a loss
            that is no longer finite.
    """
    steps_per_epoch = whole_batches(len(data.videos), training)
    total_steps = steps_per_epoch * training.epochs
    optimization = settings.optimizer or training.optimizer
    compute, seeds, label = training.compute, axis_seeds(seed), f"train {variant} seed {seed}"
    device = prepare_device(compute.device, compute.threads, world.local_rank)
    shard = world.shard(training.batch_size, training.accumulation)

    shape = variant_shape(model_settings, settings, data.embeddings.shape[1], len(data.classes))
    model = build_model(shape, seeds["initialisation"], device, compute.channels_last)
    if model_settings.initial_backbone is not None:
        file = source_folder(model_settings.initial_backbone.file)
        check_digest(model_settings.initial_backbone, file)
        initialise_backbone(model.backbone, file)
    model = synchronise_batch_norm(model, world, device)
    optimizer = make_optimizer(model.parameters(), optimization)
    objective = Objective(settings.losses, training.scale)
    embeddings = data.embeddings.to(device)
    words = [vectors.to(device) for vectors in data.words]
    step_function = TrainingStep(model, optimizer, objective, embeddings, compute, training.accumulation, world, words)
    first_step, rows = restore(outputs.resume, identity, model, optimizer, label)

    batches = ClipBatches(
        data.store, data.videos, data.labels, batch_size=training.batch_size, steps_per_epoch=steps_per_epoch,
        epochs=training.epochs, clip_length=model_settings.clip_length, shuffling_seed=seeds["shuffling"],
        clip_starts_seed=seeds["clip_starts"], rank=world.rank, shard=shard,
    )  # fmt: skip
    loader = batch_loader(batches, first_step, compute.workers, pin_memory=device.type == "cuda")
    progress = track(loader, label, "steps", total_steps, first_step) if world.rank == 0 else loader
    with joined(world, device):
        agree(first_step, world, device)
        for step, (clips, labels) in enumerate(progress, start=first_step):
            rate = learning_rate(step, steps_per_epoch, total_steps, optimization)
            set_learning_rate(optimizer, rate)
            measured = step_function(
                clips.to(device, non_blocking=True), labels.to(device, non_blocking=True),
                step_seed(seeds["dropout"], step, world.rank), step_seed(seeds["class_generator"], step), step,
            )  # fmt: skip
            rows.append(torch.cat([torch.tensor([step, rate], dtype=torch.float64, device=device), measured]))
            if (step + 1) % training.resume_every == 0 and step + 1 < total_steps:
                check_finite(rows, variant, optimization)
                if world.rank == 0:
                    save_resume(outputs.resume, identity, step + 1, model, optimizer, stack_rows(rows))
        check_finite(rows, variant, optimization)

    if world.rank == 0:
        table = step_table(stack_rows(rows), list(settings.losses), steps_per_epoch)
        write_outputs(outputs, model, table, {
            "variant": variant, "seed": seed, "seeds": seeds, "classes": data.classes, "videos": len(data.videos),
            "model": shape.model_dump(mode="json"), "clip_length": model_settings.clip_length,
            "frames": data.store.settings, "steps": total_steps,
            "batch": {"total": training.batch_size, "processes": world.size, "accumulation": training.accumulation},
            "final_loss": round(float(table["loss"].iloc[-1]), 6),
        })  # fmt: skip


def build_model(shape: ModelShape, seed: int, device: torch.device, channels_last: bool) -> ZeroShotModel:
    """Build a model in training mode, initialised by the seed; `channels_last` sets its layout."""
    torch.manual_seed(seed)
    model = build_network(shape).to(device).train()
    if channels_last:
        model.backbone.to(memory_format=memory_format(shape.backbone))  # type: ignore[call-overload]
    return model


def restore(
    path: Path, identity: str, model: ZeroShotModel, optimizer: torch.optim.Optimizer, label: str
) -> tuple[int, list[Tensor]]:
    """Take up an unfinished training of the same identity; returns its next step and its log so far."""
    state = load_resume(path, identity)
    if state is None:
        return 0, []
    model.load_state_dict(state.model)
    restore_optimizer(optimizer, state.optimizer)
    notice(f"{label}: resumed after step {state.step}")
    return state.step, list(state.log)


def whole_batches(videos: int, training: TrainingSettings) -> int:
    """Count an epoch's steps: whole batches of all videos, or of `epoch_videos` (released code: 100,000)."""
    steps = min(videos, training.epoch_videos or videos) // training.batch_size
    if steps == 0:
        raise AurlError(f"training.batch_size = {training.batch_size}: only {videos} videos to train on; lower it")
    return steps


def stack_rows(rows: list[Tensor]) -> Tensor:
    """Stack all rows on the CPU, float64 (steps, columns)."""
    return torch.stack([row.cpu() for row in rows])


def step_table(rows: Tensor, parts: list[str], steps_per_epoch: int) -> pd.DataFrame:
    """Put the per-step log into a table."""
    table = pd.DataFrame(rows.numpy(), columns=["step", "rate", *MEASURES, "loss", *parts])
    table["step"] = table["step"].astype(int)
    table.insert(1, "epoch", table["step"] // steps_per_epoch)
    return table


def check_finite(rows: list[Tensor], variant: str, optimization: OptimizerSettings) -> None:
    """Stop a training that has diverged, before it is saved anywhere."""
    losses = stack_rows(rows)[:, 2 + len(MEASURES)].tolist()
    for step, loss in enumerate(losses):
        if not math.isfinite(loss):
            raise AurlError(f"variant '{variant}': the loss is {loss} at step {step}; lower its lr ({optimization.lr})")


def write_outputs(
    outputs: TrainingOutputs, model: ZeroShotModel, table: pd.DataFrame, description: dict[str, Any]
) -> None:
    """Write all three files, then forget the resume state."""
    with replacing(outputs.checkpoint, outputs.description, outputs.steps) as (checkpoint, described, steps):
        checkpoint.write_bytes(state_bytes(model))
        write_json(described, description)
        table.to_csv(steps, index=False, float_format="%.6f", lineterminator="\n")
    outputs.resume.unlink(missing_ok=True)


def run(job: Job) -> None:
    """Run the stage `train`, as one process or as one of several.

    Raises: AurlError if another number of processes was started than the parameters say.
    """
    training, settings, world = job.settings["training"], job.settings["variants.{variant}"], World.of(os.environ)
    if world.size != training.processes:
        raise AurlError(f"training.processes = {training.processes}, but {world.size} were started; make them equal")
    inputs, outputs = job.inputs, job.outputs
    data = load_training_data(
        inputs.manifest, job.settings["datasets.{seen}.broken"], inputs.frames, inputs.embeddings, inputs.seen_classes,
        settings.strict_labels,
    )  # fmt: skip
    assert job.state is not None
    files = TrainingOutputs(outputs.checkpoint, outputs.description, outputs.steps, job.state)
    variant, seed = job.wildcards["variant"], job.wildcards["seed"]
    train(data, variant, seed, job.settings["model"], training, settings, files, job.identity, world)
