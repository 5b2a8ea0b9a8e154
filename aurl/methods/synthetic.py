"""L_US: contrast synthetic visual features with synthetic class embeddings.

    Lam ~ U(low, high) (K_u, K);  Theta = Lam unit(W) (K_u, d);  Z = Lam unit(s) (K_u, d)
    query visual:    mean over u of -log softmax_k(lambda cos(Theta_u, Z_k))[u]
    query semantic:  the same with Theta and Z exchanged

Source: paper (poster: query visual, extrapolation); released code: query semantic, U(0, 1), K_u = K. Lam = identity
for AURL without the class generator is assumed.
"""

from typing import TYPE_CHECKING, Literal

from pydantic import model_validator

from aurl.experiment.base import Positive
from aurl.methods.base import ClassBatch, TermSettings

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.losses import ClassGenerator, IdentityGenerator


class Settings(TermSettings):
    """Synthesise classes: rows of mixing weights drawn from U(low, high), or the identity (no generator).

    `query` is the side that is compared with all rows of the other. `rows` is K_u; null for as many as there are
    seen classes.
    """

    symbol = "L_US"
    reads = ("classes", "centres")
    needs = ("centres",)

    query: Literal["semantic", "visual"] = "semantic"
    mix: Literal["uniform", "identity"] = "uniform"
    low: float = 0.0
    high: float = 1.0
    rows: Positive | None = None

    @model_validator(mode="after")
    def _range(self) -> "Settings":
        if self.low >= self.high:
            raise ValueError(f"low must be below high, not {self.low} and {self.high}")
        return self

    @property
    def generates_classes(self) -> bool:
        """Say whether classes are mixed at random."""
        return self.mix == "uniform"


def class_generator(settings: Settings) -> "ClassGenerator | IdentityGenerator":
    """Make what mixes visual centres (K, d) and class embeddings (K, e) alike, to (K_u, d) and (K_u, e)."""
    from aurl.losses import ClassGenerator, IdentityGenerator

    return (
        ClassGenerator(settings.low, settings.high, settings.rows) if settings.mix == "uniform" else IdentityGenerator()
    )


def loss(settings: Settings, batch: ClassBatch) -> "Tensor":
    """Compute the mean over the synthetic classes, a scalar."""
    from aurl.losses import synthetic_contrastive

    theta, z = class_generator(settings)(batch.centres, batch.classes, batch.random)
    return synthetic_contrastive(theta, z, batch.scale, settings.query)
