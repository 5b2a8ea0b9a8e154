"""Write the plan of an experiment as text: data, training, evaluation, devices, missing parts."""

import shutil
from collections.abc import Iterator

import torch

from aurl.experiment.folders import source_folder
from aurl.experiment.parts import chosen_files
from aurl.experiment.settings import Experiment
from aurl.fetch.sources import Source
from aurl.models.shape import ModelShape, shape_of
from aurl.plan.cost import ClipCost, clip_cost
from aurl.plan.data import DatasetPlan, plan_dataset
from aurl.plan.devices import device_table, hours
from aurl.plan.vocabulary import expected_classes, unknown_words
from aurl.system.progress import in_bytes
from aurl.system.terminal import counted, narrow_table, wrapped

UNKNOWN = "?"
FLOP_PREFIXES = ((1e6, "M"), (1e9, "G"), (1e12, "T"), (1e15, "P"), (1e18, "E"))


def plan_experiment(experiment: Experiment, sources: dict[str, Source]) -> Iterator[str]:
    """Yield the plan section by section, each as soon as it is computed: what is missing first.

    Args:
        sources: the official sources, by name (the layouts' names).
    """
    datasets = {
        name: plan_dataset(name, dataset, experiment.frames, sources.get(dataset.source.layout))
        for name, dataset in experiment.datasets.items()
    }
    yield f"Experiment {experiment.experiment}\n"
    yield describe_missing(experiment, datasets)
    yield describe_data(experiment, datasets)
    shape = largest_shape(experiment)
    cost = clip_cost(shape, experiment.model.clip_length, experiment.frames.size)
    clips = training_clips(experiment, datasets[experiment.seen])
    tested = evaluation_clips(experiment, [datasets[name] for name in experiment.unseen])
    yield describe_training(experiment, cost, clips, tested)
    yield device_table(experiment, shape, cost, clips, tested)


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
        (
            f"{plan.name} ({'seen' if plan.name == experiment.seen else 'unseen'})",
            "no" if plan.missing else "yes",
            _count(plan.videos),
            _count(plan.classes),
            _bytes(plan.store_bytes),
            hours(plan.core_seconds),
        )
        for plan in datasets.values()
    ]
    stored = [plan.store_bytes for plan in datasets.values()]
    total = _bytes(None if None in stored else sum(size for size in stored if size is not None))
    notes: dict[str, list[str]] = {}
    for plan in datasets.values():
        notes.setdefault(plan.note, []).append(plan.name)
    lines = [
        narrow_table(("dataset", "here", "videos", "classes", "frames stored", "extraction, 1 core"), rows),
        "",
        *(line for note, names in notes.items() for line in wrapped(f"{', '.join(names)}: {note}.", "  ")),
        f"Stored frames in all: {total}; free here: {_bytes(shutil.disk_usage('.').free)}.\n",
    ]
    return "\n".join(lines)


def describe_training(experiment: Experiment, cost: ClipCost, clips: int | None, tested: int | None) -> str:
    """Describe steps, FLOPs and memory."""
    training = experiment.training
    share = training.batch_size // training.processes // training.accumulation
    precision = 2 if training.compute.precision == "bfloat16" else 4
    kept = cost.kept_bytes * precision / 4 * share
    trainings = len(experiment.trained) * len(experiment.seeds)
    networks = len(experiment.evaluated) * len(experiment.seeds)
    steps = None if clips is None else clips // training.batch_size
    sentences = [
        f"Training: {counted(trainings, 'network')} ({', '.join(experiment.trained) or 'none'};"
        f" {counted(len(experiment.seeds), 'seed')}), each {_count(steps)} steps of {training.batch_size} clips:"
        f" {_flops(cost.training)} a clip, {_flops(None if clips is None else cost.training * clips)} a network.",
        f"Memory: about {_bytes(kept)} for the backward pass of {share} clips at once in {training.compute.precision}.",
        f"Evaluation: {_count(tested)} clips for each of {counted(networks, 'network')},"
        f" {_flops(None if tested is None else cost.forward * tested)} each.",
    ]
    return "\n".join([*(line for sentence in sentences for line in wrapped(sentence, "  ")), ""])


def describe_missing(experiment: Experiment, datasets: dict[str, DatasetPlan]) -> str:
    """List missing data, weights, words and devices."""
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
    classes = {name: list(plan.names) or expected_classes(experiment.dataset(name)) for name, plan in datasets.items()}
    missing += unknown_words(experiment, classes)
    if not missing:
        return "Nothing is missing.\n"
    return "\n".join(["Missing:", *(line for each in missing for line in wrapped(f"- {each}", "  ")), ""])


def _count(number: int | None) -> str:
    return UNKNOWN if number is None else f"{number:,}"


def _bytes(number: float | None) -> str:
    return UNKNOWN if number is None else in_bytes(number)


def _flops(number: float | None) -> str:
    """Write a number of operations with its prefix: 7.49e11 -> "749 GFLOP"."""
    if number is None:
        return UNKNOWN
    size, prefix = next((each for each in FLOP_PREFIXES if number < each[0] * 1000), FLOP_PREFIXES[-1])
    return f"{number / size:.3g} {prefix}FLOP"
