"""All figures of an experiment, and the list of them that a page reads. The same inputs give the same bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aurl.evaluation.feature_file import read_features
from aurl.experiment.settings import DatasetSettings, ReportSettings, VariantSettings
from aurl.methods.base import class_generator, symbols
from aurl.pipeline.jobs import Job
from aurl.report.figures.ablation import draw_ablation
from aurl.report.figures.alignment_uniformity import draw_alignment_uniformity
from aurl.report.figures.classes import class_accuracy, draw_classes, strips_of
from aurl.report.figures.clips import draw_clips
from aurl.report.figures.coverage import draw_coverage, generate
from aurl.report.figures.sphere import draw_sphere
from aurl.report.figures.splits import draw_splits, mean_over_seeds
from aurl.report.figures.style import Drawing, embed, encoded, styled
from aurl.report.figures.tau_sweep import draw_tau_sweep
from aurl.report.figures.training import draw_training, read_steps
from aurl.report.labels import baseline_and_proposed
from aurl.report.results import Results
from aurl.semantics.classes import read_embeddings, read_seen_classes
from aurl.system.compute import prepare_device
from aurl.system.files import replacing, write_json


@dataclass(frozen=True)
class FigureInputs:
    """What the figures are drawn from; what cannot be made is missing.

    features: (variant, seed, dataset) -> file. steps: (variant, seed) -> file, of trained networks.
    generator: a variant with a class generator, the seed and file of its checkpoint. manifests, frames: of test sets.
    embeddings: of all datasets.
    """

    metrics: Path
    seen_classes: Path | None
    features: dict[tuple[str, int, str], Path]
    steps: dict[tuple[str, int], Path]
    generator: tuple[str, int, Path] | None
    manifests: dict[str, Path]
    frames: dict[str, Path]
    embeddings: dict[str, Path]


@dataclass(frozen=True)
class FigureSettings:
    """The experiment's parameters that the figures depend on."""

    report: ReportSettings
    variants: Mapping[str, VariantSettings]
    datasets: Mapping[str, DatasetSettings]
    seen: str
    tau: float
    clips: Sequence[int]
    splits: Sequence[int]


def draw_figures(inputs: FigureInputs, settings: FigureSettings) -> list[Drawing]:
    """Every figure, in the order of the page; an empty one where nothing was measured.

    Raises: AurlError if a file is damaged.
    """
    prepare_device("cpu", threads=1)  # so that sums are equal on any machine
    results, report, variants = Results(inputs.metrics), settings.report, list(settings.variants)
    top1 = mean_over_seeds(inputs.features, max(settings.splits))
    logs = {key: read_steps(path) for key, path in inputs.steps.items()}
    with styled():
        drawn = [
            draw_ablation(results, variants, report),
            _sphere(inputs, settings),
            _coverage(inputs, settings),
            draw_alignment_uniformity(results, variants, report, logs),
            draw_splits(top1, variants, report, settings.splits),
            _classes(inputs, settings),
            draw_training(logs, variants, symbols(settings.variants.values())),
            draw_tau_sweep(inputs.seen_classes, settings.tau),
            draw_clips(results, variants, report, settings.clips),
        ]
        for made in drawn:
            made.figure.suptitle(f"{made.title}\n{report.title}")
    return drawn


def write_figures(drawings: Sequence[Drawing], index: Path, files: dict[tuple[str, str], Path]) -> None:
    """Write every figure in every format, and the index: name, title, caption, alt and what to embed.

    Args:
        files: (name, extension) -> file. All files are replaced, or none.
    """
    rows = []
    with replacing(index, *files.values()) as (listed, *temporaries):
        names = dict(zip(files, temporaries, strict=True))
        for made in drawings:
            contents = encoded(made.figure)
            for extension, content in contents.items():
                names[made.name, extension].write_bytes(content)
            form = embed(made.figure, contents["svg"])
            rows.append(
                {"name": made.name, "title": made.title, "caption": made.caption, "alt": made.alt, "embed": form}
            )
        write_json(listed, rows)


def _sphere(inputs: FigureInputs, settings: FigureSettings) -> Drawing:
    """Of the first seed, on the test set that the ablation table takes closeness from."""
    test_set = settings.report.test_sets[settings.report.closeness_of]
    paths = {(v, seed): path for (v, seed, dataset), path in inputs.features.items() if dataset == test_set.dataset}
    seed = next((seed for _, seed in paths), 0)
    shown = baseline_and_proposed([variant for variant, _ in paths], settings.report) if paths else []
    found = {variant: read_features(paths[variant, seed]) for variant in shown}
    return draw_sphere(found, settings.report.ablation_clips, test_set.label, seed)


def _coverage(inputs: FigureInputs, settings: FigureSettings) -> Drawing:
    if inputs.generator is None or inputs.seen_classes is None:
        return draw_coverage(None)
    variant, seed, checkpoint = inputs.generator
    generator = class_generator(settings.variants[variant])
    assert generator is not None
    embedded = read_embeddings(inputs.embeddings[settings.seen])
    trained = read_seen_classes(inputs.seen_classes, settings.variants[variant].strict_labels)
    seen = embedded.vectors[np.isin(embedded.classes, trained)]
    labels = {test_set.dataset: test_set.label for test_set in settings.report.test_sets.values()}
    unseen = {
        labels.get(name, name): read_embeddings(path).vectors
        for name, path in inputs.embeddings.items()
        if name != settings.seen
    }
    return draw_coverage(generate(checkpoint, generator, seen, unseen), f"{variant}, seed {seed}")


def _classes(inputs: FigureInputs, settings: FigureSettings) -> Drawing:
    clips = settings.report.ablation_clips
    measured = list(dict.fromkeys(variant for variant, _, _ in inputs.features))
    ours = baseline_and_proposed(measured, settings.report)[-1] if measured else ""
    test_sets, strips, seeds = [], [], 0
    for test_set in settings.report.test_sets.values():
        name = test_set.dataset
        paths = [path for (variant, _, dataset), path in inputs.features.items() if (variant, dataset) == (ours, name)]
        if paths:
            found, seeds = class_accuracy(test_set.label, paths, clips), len(paths)
            examples = [pair.example for pair in found.confused]
            test_sets.append(found)
            strips.append(
                strips_of(examples, inputs.manifests[name], settings.datasets[name].broken, inputs.frames[name])
            )
    return draw_classes(ours, test_sets, strips, clips, seeds)


def run(job: Job) -> None:
    """Run the stage `figures`."""
    settings, inputs = job.settings, job.inputs
    generator = next(((variant, seed, path) for (variant, seed), path in inputs.checkpoint.items()), None)
    files = FigureInputs(
        inputs.metrics, next(iter(inputs.seen_classes.values()), None), inputs.features, inputs.steps, generator,
        inputs.manifests, inputs.frames, inputs.embeddings,
    )  # fmt: skip
    index, *figures = job.made
    declared = FigureSettings(
        settings["report"], settings["variants"], settings["datasets"], settings["seen"], settings["semantics.tau"],
        settings["evaluation.clips"], settings["evaluation.protocols.half_splits.splits"],
    )  # fmt: skip
    write_figures(draw_figures(files, declared), index, {(path.stem, path.suffix[1:]): path for path in figures})
