"""The settings of a variant: its loss terms with their weights, and what is learned."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, SerializeAsAny, model_validator

from aurl.experiment.base import Settings, parts_reader, parts_schema

METHODS = "aurl.methods"  # the folder of the loss terms


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
        reads: the embeddings that the term depends on; it is computed for each batch if `videos` is among them,
            otherwise once a step. The model learns visual centres if a term reads them.
        needs: other terms that a variant with this one must have.
        fixed_words: the term allows no word projector.
        marked: the ablation table has a check mark for the term.
    """

    symbol: ClassVar[str]
    reads: ClassVar[tuple[Literal["videos", "classes", "centres"], ...]]
    needs: ClassVar[tuple[str, ...]] = ()
    fixed_words: ClassVar[bool] = False
    marked: ClassVar[bool] = True

    weight: Annotated[float, Field(gt=0), Field(description="what the term is multiplied by in the loss")]

    @property
    def generates_classes(self) -> bool:
        """Say whether the term draws synthetic classes: the check mark `CG`."""
        return False


class VariantSettings(Settings):
    """One row of the ablation: the loss terms, each with its weight or its settings, and what is learned."""

    losses: Annotated[
        dict[str, SerializeAsAny[TermSettings]],
        Field(min_length=1, json_schema_extra=parts_schema(METHODS, "mapping", "weight")),
        parts_reader(METHODS, TermSettings, ["loss"], "weight"),
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
            if not {"videos", "centres"} & {*term.reads} and not self.word_projector:
                raise ValueError(f"the loss term '{name}' reads classes alone: set word_projector to true")
        if not any("videos" in term.reads for term in self.losses.values()):
            raise ValueError("losses: no term reads the videos; add one, such as 'seen'")
        return self
