"""The typed experiment: the whole of `params.yaml`.

Every model forbids unknown keys. The models of the sections are in the files beside this one, and may be imported here.
`read.py` reads the file and words the messages.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from aurl.experiment.base import Name, PartSettings, Positive, Settings
from aurl.experiment.data import (
    DatasetSettings,
    EncoderSettings,
    FrameSettings,
    Layout,
    RenderSettings,
    SemanticsSettings,
    SourceSettings,
    Tokens,
)
from aurl.experiment.evaluation import (
    DEFAULT_PROTOCOL,
    PROTOCOLS,
    EvaluationSettings,
    ReportSettings,
    StatisticsSettings,
    TestSetSettings,
)
from aurl.experiment.external import ExternalSettings, ScoreFileSettings
from aurl.experiment.methods import BackboneFeatureSettings, Method, MethodSettings
from aurl.experiment.training import (
    Backbone,
    Channel,
    ComputeSettings,
    ModelSettings,
    NetworkSettings,
    Size,
    TrainingSettings,
    WeightsSettings,
)
from aurl.experiment.variants import OptimizerSettings, VariantSettings
from aurl.system.errors import AurlError, choices

__all__ = [
    "Backbone", "BackboneFeatureSettings", "Channel", "ComputeSettings", "DEFAULT_PROTOCOL", "DatasetSettings",
    "EncoderSettings", "EvaluationSettings", "Experiment", "ExternalSettings", "FrameSettings", "Layout",
    "MethodSettings", "ModelSettings", "Name", "NetworkSettings", "OptimizerSettings", "PROTOCOLS", "PartSettings",
    "Positive", "RenderSettings", "ReportSettings", "ScoreFileSettings", "SemanticsSettings", "Settings", "Size",
    "SourceSettings", "StatisticsSettings", "TestSetSettings", "Tokens", "TrainingSettings", "VariantSettings",
    "WeightsSettings",
]  # fmt: skip


class Experiment(Settings):
    """A whole experiment: the contents of `params.yaml`.

    What a stage tracks has no default here: it is written out in the file, where DVC reads it too. `held_out` names a
    dataset of other videos of the seen classes, for generalised zero-shot recognition; it may be empty.
    """

    experiment: Annotated[Name, Field(description="the name of the experiment; its results lie in `results/NAME`")]
    seen: Annotated[Name, Field(description="the data set that is trained on")]
    unseen: Annotated[list[Name], Field(min_length=1), Field(description="the data sets that are tested on")]
    held_out: Annotated[
        list[Name],
        Field(max_length=1),
        Field(description="a data set of other videos of the seen classes, for generalised recognition; may be empty"),
    ]
    datasets: Annotated[dict[Name, DatasetSettings], Field(description="every data set, by name")]
    frames: Annotated[FrameSettings, Field(description="how frames are decoded and stored")]
    semantics: Annotated[
        SemanticsSettings,
        Field(description="how class names become vectors, and which seen classes are too near to a test class"),
    ]
    model: Annotated[ModelSettings, Field(description="the network")]
    training: Annotated[TrainingSettings, Field(description="the recipe that all variants share")]
    variants: Annotated[
        dict[Name, VariantSettings], Field(min_length=1), Field(description="the rows of the ablation table")
    ]
    trained: Annotated[list[Name], Field(description="variants that are trained here")]
    imported: Annotated[
        dict[Name, WeightsSettings], Field(description="variants whose weights come from a file, by name")
    ]
    evaluated: Annotated[
        list[Name],
        Field(min_length=1),
        Field(description="variants that are rows of the tables; the others only give features to methods"),
    ]
    backbone_features: Annotated[BackboneFeatureSettings, Field(description="the features that methods are fitted on")]
    methods: Annotated[dict[Name, Method], Field(description="rows that a method fits on stored features, by name")]
    external: Annotated[
        dict[Name, ExternalSettings], Field(description="rows of other methods, from their score files")
    ]
    seeds: Annotated[
        list[Annotated[int, Field(ge=0)]],
        Field(min_length=1),
        Field(description="seeds of the trainings; each gives one network of each variant"),
    ]
    evaluation: Annotated[EvaluationSettings, Field(description="how networks are tested")]
    report: Annotated[ReportSettings, Field(description="what tables and figures show")]
    absent: Annotated[
        Literal["error", "leave_out"],
        Field(description="what to do where data are missing: stop the run, or leave cells of the tables empty"),
    ] = "error"
    record: Annotated[
        Literal["manual", "automatic"],
        Field(description="record a finished run with DVC by hand (`aurl record`), or after each run"),
    ] = "manual"

    def variant(self, name: str) -> VariantSettings:
        """The variant's settings. Raises: AurlError for a name that is not in the experiment."""
        return _known(self.variants, name, "variant", f"experiment '{self.experiment}'")

    def weights(self, variant: str) -> WeightsSettings:
        """The file that a variant is imported from. Raises: AurlError if it is not imported."""
        return _known(self.imported, variant, "imported variant", f"experiment '{self.experiment}'")

    def method(self, row: str) -> MethodSettings:
        """The settings of a row that a method fits. Raises: AurlError for a name that is not in the experiment."""
        return _known(self.methods, row, "row of a method", f"experiment '{self.experiment}'")

    @property
    def rows(self) -> dict[str, VariantSettings]:
        """Map the variants that are rows of the tables to their settings; the others only give features."""
        return {name: self.variants[name] for name in self.evaluated}

    def outside(self, row: str) -> ExternalSettings:
        """The settings of a row from outside. Raises: AurlError for a name that is not in the experiment."""
        return _known(self.external, row, "row from outside", f"experiment '{self.experiment}'")

    def dataset(self, name: str) -> DatasetSettings:
        """The dataset's settings. Raises: AurlError for a name that is not in the experiment."""
        return _known(self.datasets, name, "dataset", f"experiment '{self.experiment}'")

    @property
    def filtering(self) -> list[str]:
        """List the test sets that the strict-label filter keeps apart from the seen classes."""
        return [name for name in self.unseen if not self.datasets[name].evaluate_only]

    def optimizer(self, variant: str) -> OptimizerSettings:
        """The variant's own optimiser, or the recipe's."""
        return self.variant(variant).optimizer or self.training.optimizer

    @model_validator(mode="after")
    def _consistent(self) -> "Experiment":
        if sorted([self.seen, *self.unseen, *self.held_out]) != sorted(self.datasets):
            others = f", and held_out ({', '.join(self.held_out)}) the others" if self.held_out else ""
            raise ValueError(
                f"seen ({self.seen}) and unseen ({', '.join(self.unseen)}) must name each dataset once{others};"
                f" datasets has {', '.join(self.datasets)}"
            )
        if self.datasets[self.seen].evaluate_only:
            raise ValueError(f"datasets.{self.seen}.evaluate_only: it is the seen dataset, which is trained on")
        if not self.filtering:
            raise ValueError("datasets: evaluate_only is true for all of unseen; the strict-label filter needs one")
        lists: dict[str, Sequence[Any]] = {
            "trained": self.trained,
            "evaluated": self.evaluated,
            "backbone_features.networks": self.backbone_features.networks,
            "seeds": self.seeds,
            "evaluation.clips": self.evaluation.clips,
        }
        for key, values in lists.items():
            if len(set(values)) != len(values):
                raise ValueError(f"{key}: {values} names a value twice")
        if sorted([*self.trained, *self.imported]) != sorted(self.variants):
            raise ValueError(
                f"trained ({', '.join(self.trained)}) and imported ({', '.join(self.imported) or 'none'}) must name each"
                f" variant once; variants has {', '.join(self.variants)}"
            )
        for key, names in {
            "evaluated": self.evaluated,
            "backbone_features.networks": self.backbone_features.networks,
        }.items():
            unknown = [name for name in names if name not in self.variants]
            if unknown:
                raise ValueError(f"{key}: '{unknown[0]}' is none of the variants ({', '.join(self.variants)})")
        if self.imported and len(self.seeds) > 1:
            raise ValueError(f"seeds: {self.seeds}: imported weights are one network, of no seed; leave one seed")
        for column, test_set in self.report.test_sets.items():
            if test_set.dataset not in self.unseen:
                raise ValueError(
                    f"report.test_sets.{column}.dataset: '{test_set.dataset}' is none of the unseen datasets"
                    f" ({', '.join(self.unseen)})"
                )
        if self.report.closeness_of not in self.report.test_sets:
            raise ValueError(f"report.closeness_of: '{self.report.closeness_of}' is not in report.test_sets")
        self._check_report_names()
        self._check_batches()
        self._check_methods()
        self._check_external()
        for key in ("ablation_clips", "sota_clips"):
            if getattr(self.report, key) not in self.evaluation.clips:
                raise ValueError(f"report.{key}: {getattr(self.report, key)} is not in evaluation.clips")
        if DEFAULT_PROTOCOL not in self.evaluation.protocols:
            raise ValueError(f"evaluation.protocols: must contain {DEFAULT_PROTOCOL}, which the ablation table shows")
        return self

    def _check_report_names(self) -> None:
        """Check names and labels of `report`. Raises: ValueError."""
        unknown = [name for name in self.report.labels if name not in self.variants]
        if unknown:
            known = ", ".join(self.variants)
            raise ValueError(f"report.labels: '{unknown[0]}' is none of the variants ({known})")
        shown = [test_set.dataset for test_set in self.report.test_sets.values()]
        labels = [test_set.label for test_set in self.report.test_sets.values()]
        lists = {
            "report.test_sets: dataset": shown,
            "report.test_sets: label": labels,
            "report.labels": list(self.report.labels.values()),
        }
        for where, values in lists.items():
            if len(set(values)) != len(values):
                raise ValueError(f"{where}: {values} names a value twice")

    def _check_batches(self) -> None:
        """Check that a batch is one part where a loss term compares its videos with each other. Raises: ValueError."""
        parts = self.training.accumulation * self.training.processes
        for variant in self.trained if parts > 1 else []:
            for name, term in self.variants[variant].losses.items():
                if term.whole_batch:
                    raise ValueError(
                        f"variants.{variant}.losses.{name}: the term needs the whole batch in one part; set"
                        " training.accumulation and training.processes to 1, or leave the variant out of trained"
                    )

    def _check_methods(self) -> None:
        """Check names and networks of the rows that methods fit. Raises: ValueError."""
        stored = self.backbone_features.networks
        for name, method in self.methods.items():
            if name in self.variants:
                raise ValueError(f"methods.{name}: a variant has this name; give the row another one")
            if method.features not in stored:
                known = ", ".join(stored) or "none"
                raise ValueError(
                    f"methods.{name}.features = '{method.features}': not in backbone_features.networks ({known})"
                )

    def _check_external(self) -> None:
        """Check names, labels and test sets of rows from outside. Raises: ValueError."""
        for name, row in self.external.items():
            if name in self.variants or name in self.methods:
                raise ValueError(f"external.{name}: a variant or method has this name; give the row another one")
            for key in row.files:
                if key not in self.report.test_sets:
                    known = ", ".join(self.report.test_sets)
                    raise ValueError(f"external.{name}.files.{key}: none of the keys of report.test_sets ({known})")
        labels = [*self.report.labels.values(), *(row.label for row in self.external.values())]
        labels += [row.label for row in self.methods.values() if row.label is not None]
        if len(set(labels)) != len(labels):
            raise ValueError(f"methods, external: label: {labels} names a row twice")


def _known(mapping: dict[str, Any], name: str, kind: str, where: str) -> Any:
    if name not in mapping:
        raise AurlError(f"unknown {kind} '{name}' in {where}; {choices(name, mapping)}")
    return mapping[name]
