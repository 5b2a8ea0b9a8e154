"""Measure generalised zero-shot recognition of a variant: the stage `generalised`.

Candidates are the classes that the network was trained on together with those of a test set. S is the mean class accuracy
of held-out videos of the former, U that of the test set's videos (`generalised.py` has the measures). A test class that
is also a trained one is not unseen: it is left out, with its videos.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aurl.datasets.table import iterate_usable
from aurl.evaluation import schema
from aurl.evaluation.feature_file import Features, read_features
from aurl.evaluation.generalised import Generalised, generalised
from aurl.evaluation.metrics import cosine_similarity
from aurl.evaluation.metrics_file import write_metrics_of_seeds
from aurl.evaluation.video_embeddings import embed_videos
from aurl.experiment.settings import ComputeSettings
from aurl.frames.store import FrameStore
from aurl.frames.usable import labels_with_frames
from aurl.models.checkpoint import load_model
from aurl.pipeline.jobs import Job
from aurl.semantics.classes import ClassEmbeddings, read_embeddings, read_seen_classes
from aurl.semantics.overlap import equal_names, near_classes, select
from aurl.semantics.wordnet import Verbs, read_verbs
from aurl.system.compute import prepare_device
from aurl.system.errors import AurlError
from aurl.system.files import replacing
from aurl.system.progress import log

CURVE = ("seed", "dataset", "gamma", "seen", "unseen")
MOST_POINTS = 500  # of a curve in the file


@dataclass(frozen=True)
class HeldOut:
    """Hold the held-out videos of the trained classes.

    Args:
        classes: (K,) the trained classes. videos: (N,) store numbers. labels: (N,) int64, places in `classes`.
    """

    classes: ClassEmbeddings
    store: FrameStore
    videos: np.ndarray
    labels: np.ndarray


def read_held_out(manifest: Path, broken: str, frames: Path, seen: Path, seen_classes: Path, strict: bool) -> HeldOut:
    """Find the held-out videos of the classes that a network was trained on.

    Raises: AurlError for a damaged file, or where none of the videos is of a trained class.
    """
    classes = select(read_embeddings(seen), read_seen_classes(seen_classes, strict))
    store = FrameStore(frames)
    labels = labels_with_frames(manifest, broken, classes.classes, store)
    videos = np.flatnonzero(labels >= 0)
    if not len(videos):
        first = next((row["class"] for row in iterate_usable(manifest, broken)), "none")
        raise AurlError(f"{manifest}: no video of a class that was trained on (its first class: '{first}');"
                        " held_out in params.yaml names videos of the seen classes")  # fmt: skip
    lacking = len(classes.classes) - len(np.unique(labels[videos]))
    if lacking:
        log(f"{manifest.stem}: {lacking} of {len(classes.classes)} trained classes have no held-out video; they are"
            " candidates all the same")  # fmt: skip
    return HeldOut(classes, store, videos, labels[videos])


def trained_too(seen: ClassEmbeddings, unseen: ClassEmbeddings, tau: float, verbs: Verbs) -> set[str]:
    """Name the test classes that are trained ones too.

    They have equal names (`semantics/overlap.py` says in which ways), or are nearer than tau.
    """
    pairs = [*equal_names(seen.classes, unseen.classes, verbs), *near_classes(seen, unseen, tau)]
    return {pair.unseen for pair in pairs}


def measure_together(
    videos: Tensor, labels: np.ndarray, classes: Tensor, test: Features, left_out: set[str], clips: int
) -> tuple[Generalised, dict[str, Any]] | None:
    """Measure one network on trained and test classes together.

    Args:
        videos: (N, d), held out. labels: (N,), their classes. classes: (K, d), the trained ones.
        left_out: test classes that do not count. clips: of a test video.
    Returns: the measures, and a row for the metrics file; None where every test class is a trained one.
    """
    kept = np.array([name not in left_out for name in test.class_names])
    own = test.labels.numpy()
    counted = kept[own]
    if not counted.any():
        return None
    places = np.cumsum(kept) - 1 + len(classes)
    together = torch.cat([classes, test.classes[torch.from_numpy(kept)]])
    scores = cosine_similarity(torch.cat([videos, test.videos[clips][torch.from_numpy(counted)]]), together)
    of_all = np.concatenate([labels, places[own[counted]]])
    measured = generalised(scores.numpy(), of_all, np.arange(len(together)) < len(classes))
    row = {
        schema.PROTOCOL: schema.GENERALISED, "clips": clips, "splits": 1, "videos": len(of_all),
        "classes": len(together), "ausuc": measured.ausuc, "generalised_seen": measured.seen,
        "generalised_unseen": measured.unseen, "harmonic": measured.harmonic, "seen_classes": len(classes),
        "trained_test_classes": int((~kept).sum()),
    }  # fmt: skip
    return measured, row


def thinned(curve: np.ndarray) -> np.ndarray:
    """Keep at most `MOST_POINTS` points of a curve, the first and the last among them."""
    places = np.linspace(0, len(curve) - 1, min(len(curve), MOST_POINTS)).round().astype(int)
    return curve[places]


def write_generalised(
    metrics: Path, curve: Path, measured: Iterable[tuple[int, str, Generalised, Mapping[str, Any]]]
) -> None:
    """Write the rows and the curves, both or neither."""
    rows: dict[int, dict[str, list[Mapping[str, Any]]]] = {}
    with replacing(metrics, curve) as (nested, table):
        with table.open("w", newline="") as handle:
            lines = csv.writer(handle, lineterminator="\n")
            lines.writerow(CURVE)
            for seed, dataset, values, row in measured:
                rows.setdefault(seed, {})[dataset] = [row]
                for point in thinned(values.curve).tolist():
                    lines.writerow([seed, dataset, *(f"{value:.9g}" for value in point)])
        write_metrics_of_seeds(nested, rows)


def run(job: Job) -> None:
    """Run the stage `generalised`."""
    settings, inputs = job.settings, job.inputs
    name, manifest = next(iter(inputs.manifests.items()))
    strict, broken = settings["variants.{variant}"].strict_labels, settings["datasets.{held_out}.broken"]
    held_out = read_held_out(manifest, broken, inputs.frames[name], inputs.seen, inputs.seen_classes, strict)
    verbs, tau = read_verbs(), settings["semantics.tau"]
    left_out = {
        dataset: trained_too(held_out.classes, read_embeddings(path), tau, verbs)
        for dataset, path in inputs.unseen.items()
    }
    write_generalised(job.outputs.generalised, job.outputs.curve, _measured(job, held_out, left_out))


def _measured(
    job: Job, held_out: HeldOut, left_out: Mapping[str, set[str]]
) -> Iterator[tuple[int, str, Generalised, dict[str, Any]]]:
    """Measure every seed on every test set."""
    settings, inputs = job.settings, job.inputs
    clips, compute = settings["report.ablation_clips"], settings["evaluation.compute"]
    for seed, checkpoint in inputs.checkpoints.items():
        label = f"generalised {job.wildcards['variant']} seed {seed}"
        videos, classes = embed(
            held_out, checkpoint, inputs.descriptions[seed], clips, settings["evaluation.batch_size"], compute, label
        )
        for dataset, of_dataset in left_out.items():
            test = read_features(inputs.features[seed, dataset])
            together = measure_together(videos, held_out.labels, classes, test, of_dataset, clips)
            if together is None:
                log(f"{label}: every class of {dataset} is a trained one; nothing is measured")
            else:
                yield seed, dataset, *together


def embed(
    held_out: HeldOut, checkpoint: Path, description: Path, clips: int, batch_size: int, compute: ComputeSettings,
    label: str,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Embed the held-out videos (N, d) and the trained classes (K, d) with one network."""
    model, described = load_model(checkpoint, description)
    prepare_device(compute.device, compute.threads)
    with torch.inference_mode():
        classes = model.embed_classes(torch.from_numpy(held_out.classes.vectors))
    finished = embed_videos(
        model, held_out.store, held_out.videos, [clips], described["clip_length"], batch_size, compute, label
    )
    return torch.cat([part[0] for part in finished]), classes
