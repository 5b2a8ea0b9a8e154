"""Fit a method, keep what it learnt in a file, and score videos with it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from aurl.experiment.methods import MethodSettings
from aurl.methods.base import ClassSet, FeatureMethod, SeenVideos, load_method
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.errors import AurlError, one_line

PART = 4096  # videos whose scores are computed at a time


def fit_method(
    settings: MethodSettings, seen: SeenVideos, seed: int, network: Callable[[], ZeroShotModel]
) -> FeatureMethod:
    """Make a method and fit it.

    Raises: AurlError if it learns something that is not finite.
    """
    method = load_method(settings)
    method.network = network
    torch.manual_seed(seed)
    method.fit(seen, seed)
    for name, tensor in method.weights.items():
        if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            raise AurlError(f"method '{settings.method}': its weight '{name}' is not finite; change its settings")
    return method


def score_videos(method: FeatureMethod, videos: Tensor, classes: ClassSet) -> Tensor:
    """Score videos (N, clips, d) against C classes, part by part: float32 (N, C).

    Raises: AurlError if the method breaks its contract.
    """
    name = method.settings.method
    with torch.inference_mode():
        parts = [method.score(part, classes) for part in videos.split(PART)] if len(videos) else []
    scores = torch.cat(parts) if parts else torch.empty(0, len(classes.names))
    wanted = (len(videos), len(classes.names))
    if scores.dtype != torch.float32 or scores.shape != wanted:
        raise AurlError(f"method '{name}': scores of {scores.dtype} {tuple(scores.shape)}, not float32 {wanted}")
    if not bool(scores.isfinite().all()):
        raise AurlError(f"method '{name}': a score is not finite; change its settings")
    return scores


def weights_bytes(weights: Mapping[str, Tensor], described: Mapping[str, object] | None = None) -> bytes:
    """Give a method's weights as safetensors: equal weights give equal bytes.

    Args:
        described: what they were fitted on, such as the digest of the network.
    """
    text = json.dumps(dict(described or {}), sort_keys=True)
    return save({name: tensor.detach().contiguous() for name, tensor in weights.items()}, {"aurl": text})


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, object]]:
    """Read a method's weights, and what they were fitted on. Raises: AurlError for a damaged file."""
    try:
        with safe_open(path, framework="pt") as handle:
            described = json.loads(handle.metadata()["aurl"])
            return {name: handle.get_tensor(name) for name in handle.keys()}, described  # noqa: SIM118 (no mapping)
    except Exception as error:  # safetensors and JSON raise their own
        raise AurlError(f"{path}: not a usable file of weights ({one_line(error)}); delete it and run again") from None
