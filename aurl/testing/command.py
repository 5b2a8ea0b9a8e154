"""Test a network on videos: `aurl test`."""

from collections.abc import Sequence
from pathlib import Path

from aurl.evaluation.test_sets import LABELS
from aurl.experiment.settings import ComputeSettings
from aurl.system.errors import AurlError
from aurl.testing.network import load_network
from aurl.testing.outcome import measure
from aurl.testing.published_cells import TABLES, published_cells
from aurl.testing.show import as_json, dumps, show, write
from aurl.testing.videos import Listed, list_official, list_own


def run_test(
    target: str, videos: Path | None, checkpoint: Path | None, weights: Path | None, vectors: Path | None,
    tokens: str | None, clips: Sequence[int], size: int | None, clip_length: int | None, protocols: Sequence[str],
    folder: Path | None, as_plain_json: bool, batch_size: int, workers: int, compute: ComputeSettings,
) -> str:  # fmt: skip
    """Test a network, write the files of `folder`, and give the numbers as text or JSON.

    Args:
        target: a public test set, whose videos lie below `videos`; or a folder of class folders, or a csv.
        clips: by default 1; for published weights on a public test set 1 and 25, as the paper's tables.
    Raises: AurlError for bad input; nothing is written then.
    """
    listed = _listed(target, videos)
    network = load_network(checkpoint, weights, vectors, size, clip_length)
    paper = weights is not None and not listed.is_own
    counts = sorted(set(clips)) or (list(TABLES.values()) if paper else [1])
    outcomes = measure(network, listed, counts, batch_size, compute, protocols, tokens, workers)
    cells = published_cells(outcomes)
    if folder is not None:
        write(outcomes, cells, folder)
    return dumps(as_json(outcomes, cells)) if as_plain_json else show(outcomes, cells, folder)


def _listed(target: str, videos: Path | None) -> Listed:
    if target in LABELS:
        if videos is None:
            raise AurlError(
                f"{target}: give the folder of its videos with --videos (or './{target}' for a folder here)"
            )
        return list_official(target, videos)
    if videos is not None:
        raise AurlError(f"--videos: only for a public test set ({', '.join(LABELS)}); give the folder alone")
    return list_own(Path(target))
