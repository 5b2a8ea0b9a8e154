"""Measure embeddings on the sphere in numpy: closeness, dispersion, hub skewness."""

import numpy as np

from aurl.scoring.matching import Matched


def geometry(matched: Matched) -> dict[str, float]:
    """Measure a submission of embeddings; nothing for scores.

    Returns: `closeness` and `dispersion` as `aurl.evaluation.metrics` defines them, `hub_skewness`.
    """
    if matched.embeddings is None or matched.scores is None:
        return {}
    inside = matched.present[matched.labels]  # a video whose class has no embedding has no distance to it
    videos, classes = (_unit(rows) for rows in matched.embeddings)
    videos, labels = videos[inside], matched.labels[inside]
    measured = {"closeness": closeness(videos, labels, classes)}
    if len(np.unique(labels)) > 1:
        measured["dispersion"] = dispersion(videos, labels)
    return measured | {"hub_skewness": hub_skewness(matched.scores[inside][:, matched.present])}


def closeness(videos: np.ndarray, labels: np.ndarray, classes: np.ndarray) -> float:
    """Average 1 - cos(v, s_y) over the videos of a class, then over classes (AURL's poster).

    Args:
        videos: (N, d) unit rows. labels: (N,). classes: (C, d) unit rows.
    """
    distances = 1 - (videos * classes[labels]).sum(axis=1)
    counts = np.bincount(labels)
    sums = np.bincount(labels, distances)
    return float((sums[counts > 0] / counts[counts > 0]).mean())


def dispersion(videos: np.ndarray, labels: np.ndarray) -> float:
    """Average the distance 1 - cos of a class's mean video to the nearest other class's (AURL's poster)."""
    present, position = np.unique(labels, return_inverse=True)
    sums = np.zeros((len(present), videos.shape[1]))
    np.add.at(sums, position, videos)
    means = _unit(sums)
    distances = 1 - means @ means.T
    np.fill_diagonal(distances, np.inf)
    return float(distances.min(axis=1).mean())


def hub_skewness(scores: np.ndarray) -> float:
    """Compute the skewness of how often each class is the best (N_1; Radovanovic et al., JMLR 2010).

    0 where all classes are chosen equally often; large where a few classes, the hubs, attract most videos.

    Args:
        scores: (N, C).
    """
    counts = np.bincount(scores.argmax(axis=1), minlength=scores.shape[1]).astype(np.float64)
    deviations = counts - counts.mean()
    spread = np.sqrt((deviations**2).mean())
    return float((deviations**3).mean() / spread**3) if spread > 0 else 0.0


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
