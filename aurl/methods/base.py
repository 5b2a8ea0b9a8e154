"""The contract of a method that fits on stored features: a file of this folder, or a module from outside.

The file defines

- a docstring with the formula, the shapes and the source: paper, released code, or assumed;
- `class Settings(MethodSettings)`: the method's own keys in `params.yaml`, with their limits and defaults;
- `class Method(FeatureMethod)`: `fit` learns from the seen videos, and `score` scores videos against any classes.

A method learns whatever it keeps into `self.weights`, tensors by name; they are saved, and `score` uses nothing else.
Equal inputs and an equal seed give equal bytes. Unless it says so in `MAY_SEE`, a method sees no unseen class before
`score`. It never sees test videos together: `score` gives equal rows for a video alone and among others.

Settings are checked where torch is not loaded, so the module's top level imports no torch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from aurl.experiment.methods import METHODS, MethodSettings
from aurl.system import plugins

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.models.zero_shot import ZeroShotModel

__all__ = ["ClassSet", "FeatureMethod", "MaySee", "MethodSettings", "SeenVideos", "load_method"]

MaySee = Literal["inductive", "names", "transductive"]


@dataclass(frozen=True)
class ClassSet:
    """K classes and their words.

    Attributes:
        names: of the classes. embeddings: c(y), float32 (K, e).
        words: for each class the vectors of its words, float32 (words, e); empty where the text encoder has none.
    """

    names: Sequence[str]
    embeddings: "Tensor"
    words: "Sequence[Tensor]" = ()


@dataclass(frozen=True)
class SeenVideos:
    """Hold what a method may learn from.

    Attributes:
        videos: backbone features of the clips, float32 (N, clips, d).
        labels: int64 (N,), numbers of `classes`.
        classes: the seen classes that the strict-label filter keeps.
        unseen: the classes of all test sets, for a method that says so in `MAY_SEE`; otherwise None.
        objects: the objects of the files that a user brings (setting `files`), with the vectors of their names;
            otherwise None. Where there are files, `score` gets the objects' scores (n, 1, objects) for features.
        paths: of the videos, as in the manifest.
    """

    videos: "Tensor"
    labels: "Tensor"
    classes: ClassSet
    unseen: ClassSet | None = None
    objects: ClassSet | None = None
    paths: Sequence[str] = ()

    @property
    def means(self) -> "Tensor":
        """Average the clips of each video: float32 (N, d)."""
        return self.videos.mean(dim=1)


class FeatureMethod:
    """Base of a method.

    Attributes:
        OF_NETWORK: the row is the network's own inference: the table shows it beside the network.
        MAY_SEE: `inductive`; `names` if it uses the names of unseen classes while it learns; `transductive` if it uses
            test videos together.
        ASSUMED: what the sources do not say and this file decides, in a few words; empty if nothing.
        weights: what `fit` learnt.
        network: loads the trained network whose features are fitted.
    """

    OF_NETWORK: ClassVar[bool] = False
    MAY_SEE: ClassVar[MaySee] = "inductive"
    ASSUMED: ClassVar[str] = ""

    def __init__(self, settings: Any) -> None:
        self.settings = settings
        self.weights: dict[str, Tensor] = {}
        self.network: Callable[[], ZeroShotModel] = _no_network

    def fit(self, seen: SeenVideos, seed: int) -> None:
        """Learn `self.weights` from the seen videos; draws come from the seed."""
        raise NotImplementedError

    def score(self, videos: "Tensor", classes: ClassSet) -> "Tensor":
        """Score each video against each class, higher is better.

        Args:
            videos: backbone features of the clips, float32 (n, clips, d). classes: C of them.
        Returns: float32 (n, C).
        """
        raise NotImplementedError


def load_method(settings: MethodSettings) -> FeatureMethod:
    """Make the method that the settings name. Raises: AurlError for an unknown one."""
    method: FeatureMethod = plugins.load(METHODS, settings.method).Method(settings)
    return method


def _no_network() -> "ZeroShotModel":
    raise RuntimeError("this method was given no network")
