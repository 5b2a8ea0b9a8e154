"""Compute the ceilings of every rendered test set, for the tables and figures that show them."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from aurl.evaluation.ceilings import Ceilings, compute_ceilings
from aurl.experiment.settings import DatasetSettings
from aurl.semantics.classes import read_embeddings, read_seen_classes


def ceilings_by_test_set(
    datasets: Mapping[str, DatasetSettings], seen: str, unseen: Iterable[str], seen_classes: Path | None,
    embeddings: Mapping[str, Path],
) -> dict[str, Ceilings]:  # fmt: skip
    """Compute the ceilings of each test set; none unless all of them, and the seen classes, are rendered.

    Args:
        seen, unseen: names of datasets. seen_classes, embeddings: their files, as far as there are any.
    """
    renders = {name: datasets[name].source.render for name in (seen, *unseen)}
    if seen_classes is None or None in renders.values() or not renders.keys() <= embeddings.keys():
        return {}
    words = {name: read_embeddings(embeddings[name]) for name in renders}
    kept = read_seen_classes(seen_classes, strict=True)
    trained = renders[seen]
    return {
        name: compute_ceilings(trained, words[seen], kept, render, words[name])
        for name, render in renders.items()
        if trained is not None and render is not None and name != seen
    }
