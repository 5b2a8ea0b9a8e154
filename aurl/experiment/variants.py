"""The settings of a variant: its loss terms with their weights, and what is learned."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SerializeAsAny, model_validator

from aurl.experiment.base import PartSettings, Settings, named_part_reader, parts_reader, parts_schema

LOSSES = "aurl.losses"  # the folder of the loss terms
NETWORKS = "aurl.networks"  # the folder of the networks besides the present one


class OptimizerSettings(Settings):
    """SGD with warm-up and cosine (the paper's recipe), or Adam with steps (the earlier paper's)."""

    name: Annotated[Literal["sgd", "adam"], Field(description="the kind of optimiser")]
    lr: Annotated[float, Field(gt=0), Field(description="the learning rate after warm-up")]
    momentum: Annotated[float, Field(ge=0, lt=1), Field(description="of SGD; for Adam the first moment's decay")] = 0.9
    weight_decay: Annotated[float, Field(ge=0), Field(description="how much the weights shrink in each step")] = 0.0
    schedule: Annotated[
        Literal["cosine", "steps"], Field(description="how the rate falls: by a cosine, or in steps at `milestones`")
    ]
    warmup_epochs: Annotated[float, Field(ge=0), Field(description="epochs in which the rate rises from 0")] = 0.0
    milestones: Annotated[
        list[Annotated[float, Field(gt=0)]], Field(description="epochs after which the rate is multiplied by `gamma`")
    ] = []
    gamma: Annotated[float, Field(gt=0, le=1), Field(description="what the rate is multiplied by at a milestone")] = 0.1


class TermSettings(Settings):
    """The settings that every loss term has, and what a term tells of itself.

    Attributes:
        symbol: the label of the term's curve, and of its check mark in the ablation table.
        reads: the embeddings that the term depends on; it is computed for each batch if `videos` or `features` (what
            the network makes of the clips before its projector) is among them, otherwise once a step. The model learns
            visual centres if a term reads them.
        needs: other terms that a variant with this one must have.
        fixed_words: the term allows no word projector.
        whole_batch: the term compares videos with each other, so that one process must have a batch as one part.
        matches: the term asks the network whether a video and a class belong together; not every network can say.
        marked: the ablation table has a check mark for the term.
    """

    symbol: ClassVar[str]
    reads: ClassVar[tuple[Literal["videos", "classes", "centres", "features"], ...]]
    needs: ClassVar[tuple[str, ...]] = ()
    fixed_words: ClassVar[bool] = False
    whole_batch: ClassVar[bool] = False
    matches: ClassVar[bool] = False
    marked: ClassVar[bool] = True

    weight: Annotated[float, Field(gt=0), Field(description="what the term is multiplied by in the loss")]

    @property
    def generates_classes(self) -> bool:
        """Say whether the term draws synthetic classes: the check mark `CG`."""
        return False

    @property
    def over_videos(self) -> bool:
        """Say whether the term is computed for each batch of videos."""
        return not {"videos", "features"}.isdisjoint(self.reads)


class NetworkPart(PartSettings):
    """The settings that every network of `aurl/networks` has, and what a network tells of itself.

    Attributes:
        keeps_centres: the network keeps a visual centre of each seen class, so a term must read them.
        matches: the network says whether a video and the words of a class belong together.
        projects_words: the network has a word projector, by `word_projector`.
    """

    keeps_centres: ClassVar[bool] = False
    matches: ClassVar[bool] = False
    projects_words: ClassVar[bool] = False


Network = Annotated[
    Annotated[SerializeAsAny[NetworkPart], named_part_reader(NETWORKS, NetworkPart, ["build"])] | None,
    Field(json_schema_extra=parts_schema(NETWORKS, "named"), exclude_if=lambda network: network is None),
]  # None is the paper's network, and is left out of what is written


class VariantSettings(Settings):
    """One row of the ablation: the loss terms, each with its weight or its settings, and what is learned.

    Attributes:
        network: a file of aurl/networks, or a module from outside; left out for the paper's network.
    """

    losses: Annotated[
        dict[str, SerializeAsAny[TermSettings]],
        Field(min_length=1, json_schema_extra=parts_schema(LOSSES, "mapping", "weight")),
        parts_reader(LOSSES, TermSettings, ["loss"], "weight"),
        Field(description="the terms of the loss, each with its weight or its settings"),
    ]
    word_projector: Annotated[
        bool, Field(description="learn a map from words to the joint space; false keeps the word vectors as they are")
    ]
    strict_labels: Annotated[
        bool, Field(description="train on the classes that the strict-label filter keeps; false trains on all")
    ] = True
    optimizer: Annotated[
        OptimizerSettings | None, Field(description="an optimiser of its own; null for `training.optimizer`")
    ] = None
    network: Annotated[
        Network, Field(description="a network of its own, a file of aurl/networks; left out for the paper's")
    ] = None

    @property
    def visual_centres(self) -> bool:
        """Say whether the model learns a visual centre for each class."""
        return any("centres" in term.reads for term in self.losses.values())

    @model_validator(mode="after")
    def _terms_fit(self) -> "VariantSettings":
        for name, term in self.losses.items():
            for other in term.needs:
                if other not in self.losses:
                    raise ValueError(f"the loss term '{name}' needs '{other}' beside it")
            if term.fixed_words and self.word_projector:
                raise ValueError(f"the loss term '{name}' is for fixed word vectors: set word_projector to false")
            if term.matches and not (self.network and self.network.matches):
                raise ValueError(
                    f"the loss term '{name}' needs a network that matches videos with words, such as 'rest'"
                )
            if not (term.over_videos or "centres" in term.reads) and not self.word_projector:
                raise ValueError(f"the loss term '{name}' reads classes alone: set word_projector to true")
        if not any(term.over_videos for term in self.losses.values()):
            raise ValueError("losses: no term reads the videos; add one, such as 'seen'")
        self._network_fits()
        return self

    def _network_fits(self) -> None:
        """Check that the network has what the variant asks for. Raises: ValueError."""
        if self.network is None:
            return
        if self.network.keeps_centres and not self.visual_centres:
            raise ValueError(f"the network '{self.network.name}' keeps visual centres: add the loss term 'centres'")
        if self.word_projector and not self.network.projects_words:
            raise ValueError(f"the network '{self.network.name}' has no word projector: set word_projector to false")
