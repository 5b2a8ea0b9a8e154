"""The settings of rows that a method fits on the stored features of a network."""

from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny

from aurl.experiment.base import Name, Positive, Settings, named_part_reader, parts_schema

METHODS = "aurl.methods"  # the folder of the methods


class MethodSettings(Settings):
    """The settings that every method has; a method's file adds its own.

    Attributes:
        method: a file of aurl/methods, or a module from outside (`package.module`).
        features: the network whose stored features the method reads; one of `backbone_features.networks`.
        label: the row's name in tables; null for the method's own name.
        inference: the rule that ranks the classes: the scores as they are, or corrected for hubs
            (aurl/fitting/hubs.py) with a bank of videos.
        bank: the videos of the correction. `seen` are training videos; `test` makes the row transductive.
        neighbours: k of CSLS. beta: inverse temperature of the inverted softmax.
    """

    method: str
    features: Name
    label: Annotated[str, Field(min_length=1, max_length=60)] | None = None
    inference: Literal["scores", "csls", "inverted_softmax"] = "scores"
    bank: Literal["seen", "test"] = "seen"
    neighbours: Positive = 10
    beta: Annotated[float, Field(gt=0)] = 20.0


Method = Annotated[
    SerializeAsAny[MethodSettings],
    named_part_reader(METHODS, MethodSettings, ["Method"], key="method"),
    Field(json_schema_extra=parts_schema(METHODS, "named", key="method")),
]


class BackboneFeatureSettings(Settings):
    """Choose the networks whose features are stored for methods, and the clips of a seen video.

    Attributes:
        networks: variants whose backbone features of all datasets are stored.
        seen_clips: clips of each video of the seen dataset. A test set is stored at `evaluation.clips`.
    """

    networks: list[Name]
    seen_clips: Positive = 4


class HubSettings(Settings):
    """A second and third column for every method: top-1 with scores corrected for hubs by CSLS.

    Attributes:
        neighbours: k.
        banks: the videos of the correction; `test` uses the test videos together, so it is transductive.
    """

    neighbours: Positive = 10
    banks: Annotated[list[Literal["seen", "test"]], Field(min_length=1)] = ["seen", "test"]
