"""The settings of evaluation and report."""

from typing import Annotated

from pydantic import Field, SerializeAsAny

from aurl.experiment.base import Name, Positive, Settings, parts_reader, parts_schema
from aurl.experiment.methods import HubSettings
from aurl.experiment.training import ComputeSettings

PROTOCOLS = "aurl.evaluation.protocols+aurl.evaluation.named"
DEFAULT_PROTOCOL = "half_splits"  # whose rows tables and figures show


class StatisticsSettings(Settings):
    """The bootstrap: how many resamples, the seed of their random numbers, and the confidence of the intervals."""

    resamples: Annotated[int, Field(ge=100, le=1_000_000)]
    seed: Annotated[int, Field(ge=0)]
    confidence: Annotated[float, Field(ge=0.5, lt=1)]


class EvaluationSettings(Settings):
    """Clips per video, the test protocols with their settings, and the bootstrap.

    `hubs` adds columns with scores corrected for hubs to every row that a method fits; null for none.
    """

    clips: Annotated[list[Positive], Field(min_length=1)]
    protocols: Annotated[
        dict[str, SerializeAsAny[Settings]],
        Field(min_length=1, json_schema_extra=parts_schema(PROTOCOLS, "mapping")),
        parts_reader(PROTOCOLS, Settings, ["evaluate"], bare="runs"),
    ]
    hubs: HubSettings | None
    statistics: StatisticsSettings
    batch_size: Positive
    compute: ComputeSettings


class TestSetSettings(Settings):
    """A test set in tables and figures: the dataset, its label, and its name in `data/published_results.csv`.

    `published` is null for a test set without published numbers.
    """

    dataset: Name
    label: Annotated[str, Field(min_length=1)]
    published: str | None


class ReportSettings(Settings):
    """The layout of tables and figures: test sets, labels, protocols, and what may be compared.

    `proposed` is the variant of the method that the report is about, `baseline` the one that figures show beside it.
    The experiment need not have these two. `labels` names variants; by default a variant has its published name, or its
    own key.
    """

    title: str
    paper_setting: bool = False
    setting: str
    proposed: Name
    baseline: Name
    labels: dict[Name, Annotated[str, Field(min_length=1)]] = {}
    test_sets: Annotated[dict[Name, TestSetSettings], Field(min_length=1)]
    closeness_of: Name
    ablation_clips: Positive = 1
    sota_clips: Positive = 25
