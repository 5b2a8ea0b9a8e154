"""Describe test sets that were only evaluated: which of their classes the networks were trained on."""

from collections.abc import Sequence

from aurl.report.tables.base import TableInputs, TableSettings
from aurl.semantics.classes import ClassEmbeddings, read_embeddings, read_seen_classes
from aurl.semantics.overlap import Pair, equal_names, near_classes, select
from aurl.semantics.wordnet import read_verbs

NAMED = 10  # pairs in a note


def describe_evaluate_only(inputs: TableInputs, settings: TableSettings) -> list[str]:
    """Write a note for each such test set, with its overlap with the seen classes by name and by tau."""
    names = [name for name in settings.unseen if settings.datasets[name].evaluate_only]
    if inputs.seen_classes is None or settings.seen not in inputs.embeddings:
        return []
    return [_describe(name, inputs, settings) for name in names if name in inputs.embeddings]


def list_trained(inputs: TableInputs, settings: TableSettings, name: str) -> str:
    """List the classes of a test set that are trained ones too, with strict labels; an empty text where none is known."""
    if inputs.seen_classes is None or not {settings.seen, name} <= set(inputs.embeddings):
        return ""
    whole, tested = (read_embeddings(inputs.embeddings[of]) for of in (settings.seen, name))
    kept = select(whole, read_seen_classes(inputs.seen_classes, strict=True))
    return _list([pair for pairs in _overlap(kept, tested, settings.tau) for pair in pairs])


def _describe(name: str, inputs: TableInputs, settings: TableSettings) -> str:
    assert inputs.seen_classes is not None
    whole, tested = (read_embeddings(inputs.embeddings[of]) for of in (settings.seen, name))
    kept = select(whole, read_seen_classes(inputs.seen_classes, strict=True))
    by_name, by_tau = _overlap(kept, tested, settings.tau)
    more_by_name, more_by_tau = _overlap(whole, tested, settings.tau)
    return (
        f"{name}: only evaluated, unknown to the strict-label filter. Of its {len(tested.classes)} classes"
        f" {_count(by_name)} have the name of a seen class with strict labels{_list(by_name)}, and {_count(by_tau)} are"
        f" nearer than tau {settings.tau:g} to one{_list(by_tau)}; with all seen classes {_count(more_by_name)} and"
        f" {_count(more_by_tau)}."
    )


def _overlap(seen: ClassEmbeddings, tested: ClassEmbeddings, tau: float) -> tuple[list[Pair], list[Pair]]:
    return equal_names(seen.classes, tested.classes, read_verbs()), near_classes(seen, tested, tau)


def _count(pairs: Sequence[Pair]) -> int:
    return len({pair.unseen for pair in pairs})


def _list(pairs: Sequence[Pair]) -> str:
    shown = [f"'{pair.unseen}'" + (f" = '{pair.seen}'" if pair.seen != pair.unseen else "")
             + (f" {pair.distance:.4f}" if pair.distance is not None else "") for pair in pairs]  # fmt: skip
    more = f" and {len(shown) - NAMED} more" if len(shown) > NAMED else ""
    return f" ({', '.join(shown[:NAMED])}{more})" if shown else ""
