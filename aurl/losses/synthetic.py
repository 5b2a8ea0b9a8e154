"""L_US: contrast synthetic visual features with synthetic class embeddings.

    Lam ~ U(low, high) (K_u, K);  Theta = Lam unit(W) (K_u, d);  Z = Lam unit(s) (K_u, d)
    query visual:    mean over u of -log softmax_k(lambda cos(Theta_u, Z_k))[u]
    query semantic:  the same with Theta and Z exchanged

Source: paper (poster: query visual, extrapolation); released code: query semantic, U(0, 1), K_u = K. Lam = identity
for AURL without the class generator is assumed.
"""

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from aurl.experiment.base import Positive
from aurl.losses.base import ClassBatch, TermSettings

if TYPE_CHECKING:
    from torch import Generator, Tensor


class Settings(TermSettings):
    """Synthesise classes: rows of mixing weights drawn from U(low, high), or the identity (no generator).

    `query` is the side that is compared with all rows of the other. `rows` is K_u; null for as many as there are
    seen classes.
    """

    symbol = "L_US"
    reads = ("classes", "centres")
    needs = ("centres",)

    query: Annotated[
        Literal["semantic", "visual"], Field(description="the side that is compared with all rows of the other")
    ] = "semantic"
    mix: Annotated[
        Literal["uniform", "identity"],
        Field(description="draw mixing weights at random (the class generator), or take the seen classes as they are"),
    ] = "uniform"
    low: Annotated[float, Field(description="the least mixing weight")] = 0.0
    high: Annotated[float, Field(description="the greatest mixing weight")] = 1.0
    rows: Annotated[
        Positive | None,
        Field(description="how many classes are synthesised in a step; null for as many as there are seen classes"),
    ] = None

    @model_validator(mode="after")
    def _range(self) -> "Settings":
        if self.low >= self.high:
            raise ValueError(f"low must be below high, not {self.low} and {self.high}")
        return self

    @property
    def generates_classes(self) -> bool:
        """Say whether classes are mixed at random."""
        return self.mix == "uniform"


class ClassGenerator:
    """Synthesise classes by mixing seen ones.

    Lam ~ U(low, high), Theta = Lam @ unit(W), Z = Lam @ unit(s).

    The paper interpolates and extrapolates; the released code draws from (0, 1), with as many synthetic
    classes as seen ones.
    """

    def __init__(self, low: float, high: float, rows: int | None = None) -> None:
        """`rows` is K_u; None means as many as there are classes."""
        self.low, self.high, self.rows = low, high, rows

    def __call__(self, visual: "Tensor", semantic: "Tensor", generator: "Generator") -> "tuple[Tensor, Tensor]":
        """Mix (K, d) visual centres and (K, e) class embeddings alike, to (K_u, d) and (K_u, e).

        The rows of both are scaled to unit length first; gradients flow to both.
        """
        import torch

        from aurl.models.cosine import unit

        classes = len(visual)
        mix = torch.rand(self.rows or classes, classes, generator=generator, device=generator.device)
        mix = (self.low + (self.high - self.low) * mix).to(visual)
        return mix @ unit(visual), mix @ unit(semantic)


class IdentityGenerator:
    """Return the seen classes themselves, Lam = identity: AURL without the class generator (*assumed*)."""

    def __call__(self, visual: "Tensor", semantic: "Tensor", generator: "Generator") -> "tuple[Tensor, Tensor]":
        """Scale the rows of (K, d) and (K, e) to unit length; draws nothing."""
        from aurl.models.cosine import unit

        return unit(visual), unit(semantic)


def class_generator(settings: Settings) -> ClassGenerator | IdentityGenerator:
    """Make what mixes visual centres (K, d) and class embeddings (K, e) alike, to (K_u, d) and (K_u, e)."""
    return (
        ClassGenerator(settings.low, settings.high, settings.rows) if settings.mix == "uniform" else IdentityGenerator()
    )


def synthetic_contrastive(theta: "Tensor", z: "Tensor", scale: float, query: str) -> "Tensor":
    """Compute L_US: row i of the synthetic visual features against row i of the synthetic semantic ones.

    Args:
        theta, z: (K_u, d) synthetic visual and semantic features.
        query: `visual` as in the poster's formula, or `semantic` as in the released code.
    """
    import torch

    from aurl.models.cosine import contrastive

    rows = torch.arange(len(theta), device=theta.device)
    if query == "visual":
        return contrastive(theta, z, rows, scale)
    return contrastive(z, theta, rows, scale)


def loss(settings: Settings, batch: ClassBatch) -> "Tensor":
    """Compute the mean over the synthetic classes, a scalar."""
    theta, z = class_generator(settings)(batch.centres, batch.classes, batch.random)
    return synthetic_contrastive(theta, z, batch.scale, settings.query)
