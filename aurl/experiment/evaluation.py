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

    resamples: Annotated[
        int,
        Field(ge=100, le=1_000_000),
        Field(description="how many times the bootstrap draws seeds, classes and videos anew"),
    ]
    seed: Annotated[int, Field(ge=0), Field(description="the seed of these draws")]
    confidence: Annotated[
        float, Field(ge=0.5, lt=1), Field(description="the share of resamples inside an interval, such as 0.95")
    ]


class EvaluationSettings(Settings):
    """Clips per video, the test protocols with their settings, and the bootstrap.

    `hubs` adds columns with scores corrected for hubs to every row that a method fits; null for none.
    """

    clips: Annotated[
        list[Positive],
        Field(min_length=1),
        Field(description="how many clips of a video are averaged; one set of results for each number"),
    ]
    protocols: Annotated[
        dict[str, SerializeAsAny[Settings]],
        Field(min_length=1, json_schema_extra=parts_schema(PROTOCOLS, "mapping")),
        parts_reader(PROTOCOLS, Settings, ["evaluate"], bare="runs"),
        Field(description="how the test classes are divided, with the settings of each protocol"),
    ]
    hubs: Annotated[
        HubSettings | None, Field(description="columns with scores of methods corrected for hubs; null for none")
    ]
    statistics: Annotated[StatisticsSettings, Field(description="the bootstrap")]
    batch_size: Annotated[
        Positive, Field(description="clips that are embedded at once; decides speed and memory alone")
    ]
    compute: Annotated[ComputeSettings, Field(description="where and how embeddings are computed")]


class TestSetSettings(Settings):
    """A test set in tables and figures: the dataset, its label, and its name in `data/published_results.csv`.

    `published` is null for a test set without published numbers.
    """

    dataset: Annotated[Name, Field(description="the name of the data set, one of `unseen`")]
    label: Annotated[str, Field(min_length=1), Field(description="its name in tables and figures")]
    published: Annotated[
        str | None, Field(description="its name in `data/published_results.csv`; null where nothing was published")
    ]


class ReportSettings(Settings):
    """The layout of tables and figures: test sets, labels, protocols, and what may be compared.

    `proposed` is the variant of the method that the report is about, `baseline` the one that figures show beside it.
    The experiment need not have these two. `labels` names variants; by default a variant has its published name, or its
    own key.
    """

    title: Annotated[str, Field(description="the title of the page and the tables")]
    paper_setting: Annotated[
        bool, Field(description="the setting is that of the paper, so that differences from its numbers may be shown")
    ] = False
    setting: Annotated[str, Field(description="one sentence about the experiment, shown with every table")]
    proposed: Annotated[Name, Field(description="the variant of the method that the report is about")]
    baseline: Annotated[Name, Field(description="the variant that figures show beside it")]
    labels: Annotated[
        dict[Name, Annotated[str, Field(min_length=1)]],
        Field(description="names of variants in tables and figures; without one a variant has its published name"),
    ] = {}
    test_sets: Annotated[
        dict[Name, TestSetSettings],
        Field(min_length=1),
        Field(description="the test sets that tables and figures show, in their order"),
    ]
    closeness_of: Annotated[
        Name, Field(description="the test set whose closeness and dispersion the ablation table shows")
    ]
    ablation_clips: Annotated[
        Positive, Field(description="clips of a video in the ablation table; one of `evaluation.clips`")
    ] = 1
    sota_clips: Annotated[
        Positive, Field(description="clips of a video in the comparison with other methods; one of `evaluation.clips`")
    ] = 25
