"""Define what a figure's file holds, and the data that it may ask for.

A figure is one file of this folder with

- `NAME`: the file's name, and that of the pictures that are written;
- `TITLE`: a few words above the picture;
- `ORDER`: a whole number; the page shows the figures by rising order;
- `draw(data: FigureData) -> Drawing`: draw what the data allow, or return `empty_drawing(NAME, TITLE)`.

`draw` must give equal figures for equal data: no dates, and random numbers only from a fixed seed. Its caption and
alternative text are sentences made from the numbers, for readers who cannot see the picture.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd

from aurl.datasets.table import iterate_usable
from aurl.evaluation.ceilings import Ceilings
from aurl.evaluation.feature_file import Features, read_features
from aurl.evaluation.labels import baseline_and_proposed, test_set_labels, variant_labels
from aurl.experiment.settings import DEFAULT_PROTOCOL, ReportSettings
from aurl.frames.store import FrameStore
from aurl.losses.base import symbols
from aurl.report.limits import ceilings_by_test_set
from aurl.report.results import Measured, Results
from aurl.semantics.classes import ClassEmbeddings, read_embeddings
from aurl.system.text_files import read_csv, rerun_hint

CURVE_COLUMNS = {"seed": int, "dataset": str, "gamma": float, "seen": float, "unseen": float}
LOG_COLUMNS = ["step", "epoch", "rate", "top1", "closeness", "dispersion", "loss"]  # the parts of the loss follow
SPLITS = f"evaluation.protocols.{DEFAULT_PROTOCOL}.splits"
SETTINGS = (  # all keys of params.yaml that figures read
    *("report", "variants", "evaluated", "methods", "external", "datasets", "seen"),
    *("semantics.tau", "evaluation.clips", SPLITS),
)


@dataclass(frozen=True)
class FigureInputs:
    """Name the files that figures are drawn from; a file that no job can write is left out.

    Attributes:
        features: (variant, seed, dataset) -> file.
        steps: (variant, seed) -> training log, of trained networks.
        checkpoints: (variant, seed) -> file with its description beside it, of the network whose classes are shown.
        manifests, frames: dataset -> file, of the test sets.
        embeddings: dataset -> file, of all datasets.
        curves: variant -> file of its curves of seen over unseen accuracy.
    """

    metrics: Path
    seen_classes: Path | None
    features: dict[tuple[str, int, str], Path]
    steps: dict[tuple[str, int], Path]
    checkpoints: dict[tuple[str, int], Path]
    manifests: dict[str, Path]
    frames: dict[str, Path]
    embeddings: dict[str, Path]
    curves: dict[str, Path] = field(default_factory=dict)


class FigureData:
    """Read the results and settings of an experiment when a figure asks for them.

    Every reader raises AurlError for a damaged file.
    """

    def __init__(self, inputs: FigureInputs, settings: Mapping[str, Any]) -> None:
        """`settings` maps the dotted keys of `SETTINGS` to their typed values; `networks` are the variants with rows."""
        self.inputs, self.settings = inputs, settings
        self.networks = {name: settings["variants"][name] for name in settings["evaluated"]}

    @property
    def report(self) -> ReportSettings:
        """The parameters of `report`."""
        settings: ReportSettings = self.settings["report"]
        return settings

    @cached_property
    def variants(self) -> dict[str, str]:
        """Variant -> label, in the order of params.yaml; the label is that of the tables."""
        labels = variant_labels(self.networks, self.report)
        return {name: labels[name] for name in self.networks}

    @property
    def test_sets(self) -> dict[str, str]:
        """Dataset -> label of each test set, in the order of the tables."""
        return test_set_labels(self.report)

    @property
    def symbols(self) -> dict[str, str]:
        """Loss term -> symbol, of all variants."""
        return symbols(self.networks.values())

    @cached_property
    def rows(self) -> dict[str, str]:
        """Variant or row from outside -> label: the rows of the ablation."""
        settings = self.settings
        labels = variant_labels(self.networks, self.report, settings["external"], settings["methods"])
        return self.variants | {name: labels[name] for name in labels if name in settings["external"]}

    @property
    def methods(self) -> Mapping[str, Any]:
        """Row of a method -> its settings."""
        methods: Mapping[str, Any] = self.settings["methods"]
        return methods

    @property
    def networks_and_methods(self) -> dict[str, str]:
        """Variant or row of a method -> label."""
        labels = variant_labels(self.networks, self.report, methods=self.methods)
        return self.variants | {name: labels[name] for name in self.methods}

    def top1(self, row: str, dataset: str) -> Measured | None:
        """Return top-1 over all classes, with the ablation's clips, or those of a row from outside."""
        external = self.settings["external"]
        clips = external[row].clips if row in external else self.ablation_clips
        return self.results.cell(row, dataset, clips, 1, "top1")

    def baseline_and_proposed(self, measured: Sequence[str]) -> list[str]:
        """Choose the two variants that figures compare, among those that were measured."""
        return baseline_and_proposed(measured, self.report)

    @property
    def closeness_set(self) -> str:
        """The test set on which the ablation table states closeness and dispersion."""
        return self.report.test_sets[self.report.closeness_of].dataset

    @property
    def ablation_clips(self) -> int:
        """Clips of a video in the ablation."""
        return self.report.ablation_clips

    @property
    def clips(self) -> list[int]:
        """Every measured number of clips of a video, sorted."""
        return sorted(self.settings["evaluation.clips"])

    @property
    def splits(self) -> list[int]:
        """Every measured number of half-class splits, sorted; 1 is all classes."""
        return sorted(self.settings[SPLITS])

    @cached_property
    def results(self) -> Results:
        """The table of all metrics."""
        return Results(self.inputs.metrics)

    @property
    def cells(self) -> list[tuple[str, int, str]]:
        """Every (variant, seed, dataset) that has features."""
        return list(self.inputs.features)

    def features(self, variant: str, seed: int, dataset: str) -> Features:
        """Read the embeddings of a test set. They are not kept: a file can take 200 MB of memory."""
        return read_features(self.inputs.features[variant, seed, dataset])

    @cached_property
    def ceilings(self) -> dict[str, Ceilings]:
        """Test set -> what can be attained on it; nothing unless all datasets are rendered."""
        seen, files = self.settings["seen"], self.inputs.embeddings
        if seen not in files:
            return {}
        unseen = [name for name in files if name != seen]
        return ceilings_by_test_set(self.settings["datasets"], seen, unseen, self.inputs.seen_classes, files)

    @cached_property
    def steps(self) -> dict[tuple[str, int], pd.DataFrame]:
        """(Variant, seed) -> training log; imported networks have none."""
        return {network: read_steps(path) for network, path in self.inputs.steps.items()}

    def curves(self, variant: str) -> pd.DataFrame:
        """Read a variant's curves: seed, dataset, gamma, and seen and unseen accuracy in percent."""
        path = self.inputs.curves[variant]
        return read_csv(path, list(CURVE_COLUMNS), rerun_hint(path), dtype=CURVE_COLUMNS)

    def embeddings(self, dataset: str) -> ClassEmbeddings:
        """Read the word embeddings of a dataset's classes."""
        return read_embeddings(self.inputs.embeddings[dataset])

    def videos(self, dataset: str) -> list[str]:
        """List the paths of a test set's usable videos; a video's position is its number in the frame store."""
        broken = self.settings["datasets"][dataset].broken
        return [row["path"] for row in iterate_usable(self.inputs.manifests[dataset], broken)]

    def frames(self, dataset: str) -> FrameStore:
        """Open the frames of a test set."""
        return FrameStore(self.inputs.frames[dataset])


def read_steps(path: Path) -> pd.DataFrame:
    """Read a training log: one row a step, with the batch's measures, the loss and its weighted parts.

    Raises: AurlError for a damaged file, or another one.
    """
    return read_csv(path, LOG_COLUMNS, rerun_hint(path))
