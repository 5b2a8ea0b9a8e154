"""Define the contract of loss terms.

A loss term is one file, named by its name in `variants.NAME.losses`. The file defines

- a docstring with the formula, the shapes and the source: paper, released code, or assumed;
- `class Settings(TermSettings)`: the term's own settings, all with defaults, and what it tells of itself;
- `loss(settings, batch)`: the scalar, without the weight. `batch` is a `FeatureBatch` if the term reads features, a
  `VideoBatch` if it reads videos, otherwise a `ClassBatch`. Over videos it must be a mean, so that the parts of a batch
  add up to the whole; a term that compares videos with each other says so in `whole_batch`;
- `class_generator(settings)`, only if `settings.generates_classes` can be true: what draws the synthetic classes.

Settings are checked where torch is not loaded, so a term imports torch and `aurl.models.cosine` inside its functions.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aurl.experiment.variants import LOSSES, TermSettings, VariantSettings
from aurl.system import plugins

if TYPE_CHECKING:
    from torch import Generator, Tensor

    from aurl.models.zero_shot import ZeroShotModel

__all__ = [
    "ClassBatch", "FeatureBatch", "Inside", "TermSettings", "VideoBatch", "class_generator", "symbols", "term_modules",
]  # fmt: skip


@dataclass(frozen=True)
class ClassBatch:
    """The class side of a step.

    Attributes:
        classes: embeddings of the K seen classes (K, d).
        centres: their visual centres W (K, d). Only for terms that read them.
        scale: the temperature lambda of the softmax.
        random: draws of this step, equal in all processes.
    """

    classes: "Tensor"
    centres: "Tensor"
    scale: float
    random: "Generator"


@dataclass(frozen=True)
class VideoBatch:
    """A part of a batch of videos.

    Attributes:
        classes, centres, scale: as in `ClassBatch`.
        videos: embeddings (B, d).
        labels: (B,) int64, the row of `classes` that each video belongs to.
    """

    classes: "Tensor"
    centres: "Tensor"
    scale: float
    videos: "Tensor"
    labels: "Tensor"


@dataclass(frozen=True)
class Inside:
    """Hold what lies before the embeddings of a part of a batch.

    Attributes:
        features: what the network makes of the clips before its video projector, (B, ...).
        embeddings: c(y) of the K seen classes, (K, dimension).
        network: the model; a term may run its projectors.
        random: draws of this step, apart from those of `ClassBatch`, equal in all processes.
        step: the number of the step, from 0.
    """

    features: "Tensor"
    embeddings: "Tensor"
    network: "ZeroShotModel"
    random: "Generator"
    step: int


@dataclass(frozen=True)
class FeatureBatch(VideoBatch):
    """A part of a batch of videos, with what lies before their embeddings."""

    inside: Inside


def term_modules(variants: Iterable[VariantSettings]) -> list[str]:
    """Name the modules of all terms of some variants, sorted: the code that these variants add to a stage."""
    return sorted({plugins.module_of(LOSSES, name) for variant in variants for name in variant.losses})


def symbols(variants: Iterable[VariantSettings]) -> dict[str, str]:
    """Map the name of each term of some variants to its symbol, in the order of the variants."""
    return {name: term.symbol for variant in variants for name, term in variant.losses.items()}


def class_generator(variant: VariantSettings) -> "Callable[[Tensor, Tensor, Generator], tuple[Tensor, Tensor]] | None":
    """Get what draws the synthetic classes of a variant; None for a variant that draws none."""
    for name, term in variant.losses.items():
        if term.generates_classes:
            return plugins.load(LOSSES, name).class_generator(term)
    return None
