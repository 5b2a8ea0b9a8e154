"""Score a test set with a fitted method, and evaluate the scores: the stage `method_scores`.

A row that a method fits has scores where a network has embeddings. They go into a file of features like a network's,
so that statistics, tables and the audit need no code for such rows.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
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
from aurl.fitting.clip_features import ClipFeatures
from aurl.fitting.fitted import score_videos
from aurl.fitting.hubs import csls, inverted_softmax
from aurl.fitting.inputs import Network, load_seen, load_tested, load_weights
from aurl.fitting.objects import videos_of
from aurl.methods.base import load_method
from aurl.pipeline.jobs import Job


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
    scores: Mapping[int, Tensor], seen: Callable[[], Tensor], tested: ClipFeatures, settings: MethodSettings,
    hubs: HubSettings | None, protocols: Mapping[str, Settings],
) -> tuple[list[Row], dict[int, Tensor]]:  # fmt: skip
    """Evaluate scores by all protocols.

    Args:
        scores: clips per video -> (N, C). seen: computes the scores of the seen videos (b, C).
    Returns: the rows of metrics, and the scores by which classes were ranked.
    """

    def banks(of_tests: Tensor) -> dict[str, Callable[[], Tensor]]:
        return {"seen": seen, "test": lambda: of_tests}

    final = {count: ranked(each, banks(each), settings) for count, each in scores.items()}
    rows = evaluate_all(_features(final, tested), protocols)
    for bank in hubs.banks if hubs else []:
        neighbours = hubs.neighbours if hubs else 0
        corrected = {count: csls(each, banks(each)[bank](), neighbours) for count, each in scores.items()}
        add_columns(rows, evaluate_all(_features(corrected, tested), protocols), f"csls_{bank}_")
    return rows, final


def add_columns(rows: Iterable[Row], others: Iterable[Row], prefix: str) -> None:
    """Add top-1 of other scores, under names with a prefix, to the rows of the same protocol and clips."""
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
    method, network = load_method(settings), Network(inputs.checkpoint, inputs.description)
    tested, classes = load_tested(network, inputs.features, inputs.embeddings)
    method.network = network.load
    method.weights = load_weights(inputs.fitted, network, settings.method, tested.videos, classes)

    def score(dataset: str, paths: Sequence[str], videos: Tensor) -> Tensor:
        given = videos_of(settings, dataset, paths, videos, classes.embeddings.shape[1])
        return score_videos(method, given, classes)

    @cache
    def seen() -> Tensor:
        bank = load_seen(network, inputs.seen_features, inputs.seen_embeddings, inputs.seen_classes)
        return score("seen", bank.paths, bank.videos)

    scores = {count: score(job.wildcards["dataset"], tested.paths, each) for count, each in tested.videos.items()}
    protocols = job.settings["evaluation.protocols"]
    rows, final = evaluate_scores(scores, seen, tested, settings, job.settings["evaluation.hubs"], protocols)
    write_scores(job.outputs.features, final, tested)
    write_metrics(job.outputs.metrics, rows)
