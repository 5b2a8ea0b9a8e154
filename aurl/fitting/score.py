"""Score a test set with a fitted method, and evaluate the scores: the stage `method_scores`.

A row that a method fits has scores where a network has embeddings. They go into a file of features like a network's,
so that statistics, tables and the audit need no code for such rows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from aurl.evaluation.feature_file import Features, write_features
from aurl.evaluation.metrics_file import write_metrics
from aurl.evaluation.protocols.base import Row, evaluate_all
from aurl.experiment.evaluation import DEFAULT_PROTOCOL
from aurl.experiment.methods import HubSettings, MethodSettings
from aurl.experiment.settings import Settings
from aurl.fitting.class_sets import class_set
from aurl.fitting.clip_features import ClipFeatures, read_clip_features
from aurl.fitting.fit import load_seen, network_of, read_weights
from aurl.fitting.hubs import csls, inverted_softmax
from aurl.methods.base import ClassSet, FeatureMethod, load_method
from aurl.pipeline.jobs import Job
from aurl.system.errors import AurlError

PART = 4096  # videos whose scores are computed at a time


def score_videos(method: FeatureMethod, videos: Tensor, classes: ClassSet) -> Tensor:
    """Score videos (N, clips, d) against C classes, part by part: float32 (N, C).

    Raises: AurlError if the method breaks its contract.
    """
    name = method.settings.method
    with torch.inference_mode():
        parts = [method.score(part, classes) for part in videos.split(PART)]
    scores = torch.cat(parts) if parts else torch.empty(0, len(classes.names))
    wanted = (len(videos), len(classes.names))
    if scores.dtype != torch.float32 or scores.shape != wanted:
        raise AurlError(f"method '{name}': scores of {scores.dtype} {tuple(scores.shape)}, not float32 {wanted}")
    if not bool(scores.isfinite().all()):
        raise AurlError(f"method '{name}': a score is not finite; change its settings")
    return scores


def ranked(scores: Tensor, banks: Mapping[str, Callable[[], Tensor]], settings: MethodSettings) -> Tensor:
    """Apply a row's rule of inference to scores (N, C).

    Args:
        banks: bank of videos -> what computes its scores (b, C).
    """
    if settings.inference == "csls":
        return csls(scores, banks[settings.bank](), settings.neighbours)
    if settings.inference == "inverted_softmax":
        return inverted_softmax(scores, banks[settings.bank](), settings.beta)
    return scores


def evaluate_scores(
    scores: Mapping[int, Tensor], seen: Tensor, tested: ClipFeatures, settings: MethodSettings, hubs: HubSettings | None,
    protocols: Mapping[str, Settings],
) -> tuple[list[Row], dict[int, Tensor]]:  # fmt: skip
    """Evaluate scores by all protocols.

    Args:
        scores: clips per video -> (N, C). seen: scores of the seen videos (b, C).
    Returns: the rows of metrics, and the scores by which classes were ranked.
    """

    def banks(of_tests: Tensor) -> dict[str, Callable[[], Tensor]]:
        return {"seen": lambda: seen, "test": lambda: of_tests}

    final = {count: ranked(each, banks(each), settings) for count, each in scores.items()}
    rows = evaluate_all(_features(final, tested), protocols)
    for bank in hubs.banks if hubs else []:
        neighbours = hubs.neighbours if hubs else 0
        corrected = {count: csls(each, banks(each)[bank](), neighbours) for count, each in scores.items()}
        add_columns(rows, evaluate_all(_features(corrected, tested), protocols), f"csls_{bank}_")
    return rows, final


def add_columns(rows: Iterable[Row], others: Iterable[Row], prefix: str) -> None:
    """Add top-1 of other scores to the rows that they belong to, under names with a prefix."""
    by_key = {_key(row): row for row in others}
    for row in rows:
        other = by_key[_key(row)]
        row |= {f"{prefix}{name}": other[name] for name in ("top1", "top1_std") if name in other}


def _key(row: Row) -> tuple[Any, ...]:
    return row.get("protocol", DEFAULT_PROTOCOL), row["clips"], row["splits"]


def _features(scores: Mapping[int, Tensor], tested: ClipFeatures) -> Features:
    no_embeddings = torch.empty(len(tested.class_names), 0)
    return Features(dict(scores), tested.labels, no_embeddings, tested.class_names, tested.paths)


def write_scores(path: Path, scores: Mapping[int, Tensor], tested: ClipFeatures) -> None:
    """Write scores as a file of features whose classes have no embeddings."""
    write_features(path, _parts(scores), list(scores), tested.labels.numpy(), torch.empty(len(tested.class_names), 0),
                   tested.class_names, tested.paths, width=len(tested.class_names))  # fmt: skip


def _parts(scores: Mapping[int, Tensor]) -> Iterator[Tensor]:
    yield torch.stack(list(scores.values()))


def run(job: Job) -> None:
    """Run the stage `method_scores`."""
    settings, inputs = job.settings["methods.{variant}"], job.inputs
    torch.set_num_threads(1)
    method = load_method(settings)
    method.network, method.weights = network_of(inputs.checkpoint, inputs.description), read_weights(inputs.fitted)
    tested, classes = read_clip_features(inputs.features), class_set(inputs.embeddings)
    seen = score_videos(
        method, load_seen(inputs.seen_features, inputs.seen_embeddings, inputs.seen_classes).videos, classes
    )
    scores = {count: score_videos(method, videos, classes) for count, videos in tested.videos.items()}
    protocols = job.settings["evaluation.protocols"]
    rows, final = evaluate_scores(scores, seen, tested, settings, job.settings["evaluation.hubs"], protocols)
    write_scores(job.outputs.features, final, tested)
    write_metrics(job.outputs.metrics, rows)
