"""Write the plan of an experiment as text: data, training, evaluation, devices, missing parts."""

import os
import shutil
from collections.abc import Iterator

import pandas as pd
import torch

from aurl.experiment.folders import source_folder
from aurl.experiment.parts import chosen_files
from aurl.experiment.settings import Experiment
from aurl.fetch.sources import Source
from aurl.models.shape import ModelShape, shape_of
from aurl.plan.cost import ClipCost, DeviceSpeed, clip_cost, measure_step
from aurl.plan.data import DatasetPlan, plan_dataset
from aurl.system.progress import in_bytes, in_time

CPU_BATCH, CPU_CLIP_LIMIT = 32, 5e9  # clips of fewer FLOPs than this are timed in batches, larger ones two at a time
UNKNOWN = "?"


def plan_experiment(experiment: Experiment, sources: dict[str, Source]) -> Iterator[str]:
    """Yield the plan section by section, each as soon as it is computed.

    Args:
        sources: the official sources, by name (the layouts' names).
    """
    datasets = {
        name: plan_dataset(name, dataset, experiment.frames, sources.get(dataset.source.layout))
        for name, dataset in experiment.datasets.items()
    }
    yield f"Experiment {experiment.experiment}\n"
    yield describe_data(experiment, datasets)
    shape = largest_shape(experiment)
    cost = clip_cost(shape, experiment.model.clip_length, experiment.frames.size)
    clips = training_clips(experiment, datasets[experiment.seen])
    tested = evaluation_clips(experiment, [datasets[name] for name in experiment.unseen])
    yield describe_training(experiment, cost, clips, tested)
    yield describe_devices(experiment, shape, cost, clips, tested)
    yield describe_missing(experiment, datasets)


def largest_shape(experiment: Experiment) -> ModelShape:
    """Give the shape of the experiment's largest model: with word projector and visual centres."""
    semantics = experiment.semantics
    return shape_of(experiment.model, semantics.encoder.dimension, True, semantics.expected_seen_classes or 1)


def training_clips(experiment: Experiment, seen: DatasetPlan) -> int | None:
    """Count the clips of one training, at most (the strict-label filter may leave fewer); None if unknown."""
    training = experiment.training
    counts = [count for count in (seen.videos, training.epoch_videos) if count is not None]
    if not counts:
        return None
    return min(counts) // training.batch_size * training.batch_size * training.epochs


def evaluation_clips(experiment: Experiment, tests: list[DatasetPlan]) -> int | None:
    """Count the clips that one network embeds for all test sets, at most (repeated windows count once)."""
    if any(test.videos is None for test in tests):
        return None
    return sum(experiment.evaluation.clips) * sum(test.videos or 0 for test in tests)


def describe_data(experiment: Experiment, datasets: dict[str, DatasetPlan]) -> str:
    """Describe each dataset in a row of a table."""
    rows = [
        {
            "dataset": f"{plan.name} ({'seen' if plan.name == experiment.seen else 'unseen'})",
            "here": "no" if plan.missing else "yes",
            "videos": _count(plan.videos),
            "classes": _count(plan.classes),
            "frame store": _bytes(plan.store_bytes),
            "extraction, 1 core": _hours(plan.core_seconds),
            "shards": experiment.datasets[plan.name].shards,
            "figures": plan.note,
        }
        for plan in datasets.values()
    ]
    stored = [plan.store_bytes for plan in datasets.values()]
    total = _bytes(None if None in stored else sum(size for size in stored if size is not None))
    table = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    return f"{table}\n\nFrame store in all: {total}; free in results: {_bytes(shutil.disk_usage('.').free)}.\n"


def describe_training(experiment: Experiment, cost: ClipCost, clips: int | None, tested: int | None) -> str:
    """Describe steps, FLOPs and memory."""
    training = experiment.training
    share = training.batch_size // training.processes // training.accumulation
    precision = 2 if training.compute.precision == "bfloat16" else 4
    kept = cost.kept_bytes * precision / 4 * share
    trainings = len(experiment.trained) * len(experiment.seeds)
    steps = None if clips is None else clips // training.batch_size
    total = None if clips is None else cost.training * clips
    return "\n".join([
        f"Training: {trainings} networks ({', '.join(experiment.trained) or 'none'}; {len(experiment.seeds)} seed(s)), each"
        f" {_count(steps)} steps of {training.batch_size} clips: {_flops(cost.training)} a clip, {_flops(total)} a network.",
        f"Memory: about {_bytes(kept)} kept for the backward pass of {share} clips at once in"
        f" {training.compute.precision} (a process's share of the batch, in training.accumulation ="
        f" {training.accumulation} parts).",
        f"Evaluation: {_count(tested)} clips for each of {len(experiment.evaluated) * len(experiment.seeds)} networks,"
        f" {_flops(None if tested is None else cost.forward * tested)}.",
        "",
    ])  # fmt: skip


def describe_devices(
    experiment: Experiment, shape: ModelShape, cost: ClipCost, clips: int | None, tested: int | None
) -> str:
    """Estimate hours on each device of this machine, from steps timed now."""
    training, rows = experiment.training, []
    small = cost.training < CPU_CLIP_LIMIT
    share = training.batch_size // training.processes // training.accumulation
    for kind in ["cuda", "cpu"] if torch.cuda.is_available() else ["cpu"]:
        batch = share if kind == "cuda" else (min(CPU_BATCH, share) if small else 2)
        speed = measure_step(experiment, shape, kind, batch)
        side_by_side = max(1, (os.cpu_count() or 1) // training.compute.threads) if kind == "cpu" else 1
        rows.append(_device_row(experiment, cost, speed, side_by_side, clips, tested))
    table = pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)
    return (
        f"Devices here (steps timed now, without compiling):\n\n{table}\n\n"
        "Times are of computing alone: they leave out frame extraction above, and assume that loading clips keeps up.\n"
    )


def describe_missing(experiment: Experiment, datasets: dict[str, DatasetPlan]) -> str:
    """List missing data, weights and devices."""
    missing = [
        f"{plan.name}: {plan.missing}; 'aurl fetch' or docs/datasets.md" for plan in datasets.values() if plan.missing
    ]
    for name, path in chosen_files(experiment.semantics.encoder).items():
        if not path.is_file():
            missing.append(f"semantics.encoder.{name}: no file {path}; 'aurl fetch vectors' gets the paper's")
    for variant, weights in experiment.imported.items():
        if not source_folder(weights.file).is_file():
            missing.append(f"published weights of {variant}: no file {weights.file}")
    for row, outside in experiment.external.items():
        absent = [each.file for each in outside.files.values() if not source_folder(each.file).is_file()]
        missing += [f"scores of {row}: no file {file}" for file in absent]
    if experiment.training.compute.device == "cuda" and not torch.cuda.is_available():
        missing.append("a CUDA device, which training.compute.device asks for")
    gpus = torch.cuda.device_count()
    if experiment.training.processes > max(1, gpus) and experiment.training.compute.device != "cpu":
        missing.append(f"GPUs: training.processes = {experiment.training.processes}, this machine has {gpus}")
    if not missing:
        return "Nothing is missing."
    return "Missing:\n" + "\n".join(f"  - {line}" for line in missing)


def _device_row(
    experiment: Experiment, cost: ClipCost, speed: DeviceSpeed, side_by_side: int, clips: int | None, tested: int | None
) -> dict[str, str]:
    trainings = len(experiment.trained) * len(experiment.seeds)
    processes = experiment.training.processes
    one = None if clips is None else clips * speed.seconds / processes
    rounds = -(-trainings // side_by_side)
    networks = len(experiment.evaluated) * len(experiment.seeds)
    forward = speed.seconds * cost.forward / cost.training
    return {
        "device": speed.name,
        "clips/s": f"{1 / speed.seconds:.1f}",
        "TFLOP/s": f"{cost.training / speed.seconds / 1e12:.3f}",
        "one training": _hours(one) + (f" on {processes}" if processes > 1 else ""),
        "all trainings": _hours(None if one is None else one * rounds) + f", {side_by_side} at a time",
        "evaluation": _hours(None if tested is None else tested * forward * networks / side_by_side),
    }


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _bytes(number: float | None) -> str:
    return UNKNOWN if number is None else in_bytes(number)


def _flops(number: float | None) -> str:
    if number is None:
        return UNKNOWN
    return f"{number / 1e9:.3g} GFLOP" if number < 1e12 else f"{number:.3g} FLOP"


def _hours(seconds: float | None) -> str:
    return UNKNOWN if seconds is None else in_time(seconds)
