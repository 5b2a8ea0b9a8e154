"""Read the stored features and classes of a method, and refuse those that do not belong together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from aurl.fitting.class_sets import chosen, class_set
from aurl.fitting.clip_features import ClipFeatures, read_clip_features
from aurl.fitting.fitted import read_weights
from aurl.methods.base import ClassSet, SeenVideos
from aurl.models.checkpoint import load_model
from aurl.models.zero_shot import ZeroShotModel
from aurl.semantics.classes import read_seen_classes
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file

MEND = "delete it and run again"


@dataclass(frozen=True)
class Network:
    """Name the network whose features are stored."""

    checkpoint: Path
    description: Path

    def load(self) -> ZeroShotModel:
        """Load it. Raises: AurlError for damaged files."""
        return load_model(self.checkpoint, self.description)[0]

    def read_features(self, path: Path) -> ClipFeatures:
        """Read its features of a dataset. Raises: AurlError for a damaged file, and for another network's."""
        features = read_clip_features(path)
        if features.network != sha256_file(self.checkpoint):
            raise AurlError(f"{path}: features of another network than {self.checkpoint}; {MEND}")
        return features


def load_seen(network: Network, features: Path, embeddings: Path, seen_classes: Path) -> SeenVideos:
    """Load the videos and classes that the strict-label filter keeps.

    Raises: AurlError for a damaged file, and for files that do not belong together.
    """
    names, stored, classes = (
        read_seen_classes(seen_classes, strict=True), network.read_features(features), class_set(embeddings)
    )  # fmt: skip
    check_classes(stored, features, classes, embeddings)
    missing = [name for name in names if name not in classes.names]
    if missing:
        raise AurlError(f"{seen_classes}: class '{missing[0]}' is not in {embeddings}; {MEND}")
    kept = stored.of_classes(names)
    (videos,) = kept.videos.values()
    return SeenVideos(videos, kept.labels, chosen(classes, names), paths=kept.paths)


def load_tested(network: Network, features: Path, embeddings: Path) -> tuple[ClipFeatures, ClassSet]:
    """Load the videos and classes of a test set. Raises: AurlError, as `load_seen`."""
    stored, classes = network.read_features(features), class_set(embeddings)
    check_classes(stored, features, classes, embeddings)
    return stored, classes


def check_classes(features: ClipFeatures, path: Path, classes: ClassSet, embeddings: Path) -> None:
    """Check that features are of the classes that are embedded. Raises: AurlError."""
    if features.class_names != list(classes.names):
        apart = sorted({*features.class_names} ^ {*classes.names}) or ["their order"]
        raise AurlError(f"{path}: its classes are not those of {embeddings}, first difference: {apart[0]}; {MEND}")


def load_weights(
    path: Path, network: Network, method: str, videos: Mapping[int, Tensor], classes: ClassSet
) -> dict[str, Tensor]:
    """Read what a method learnt.

    Raises: AurlError for another method, network or dimension than those of the videos and classes.
    """
    weights, described = read_weights(path)
    if described.get("method") != method:
        raise AurlError(f"{path}: weights of the method '{described.get('method')}', not '{method}'; {MEND}")
    if described.get("network") != sha256_file(network.checkpoint):
        raise AurlError(f"{path}: fitted on features of another network than {network.checkpoint}; {MEND}")
    sizes = {"features": next(iter(videos.values())).shape[2], "dimension": classes.embeddings.shape[1]}
    what = {"features": "features", "dimension": "class embeddings"}
    for key, size in sizes.items():
        if described.get(key) != size:
            raise AurlError(f"{path}: fitted on {what[key]} of {described.get(key)} numbers, not {size}; {MEND}")
    return weights


def description_of(network: Network, method: str, seen: SeenVideos) -> dict[str, object]:
    """Describe what a method is fitted on, for `load_weights`."""
    return {
        "method": method,
        "network": sha256_file(network.checkpoint),
        "features": seen.videos.shape[2],
        "dimension": seen.classes.embeddings.shape[1],
    }
