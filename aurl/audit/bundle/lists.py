"""List the classes of an experiment, and every test split."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from aurl.audit.bundle.contents import is_inside
from aurl.datasets.table import iterate_usable
from aurl.evaluation.by_name import public_test_set, squeezed
from aurl.experiment.settings import PROTOCOLS, Settings
from aurl.pipeline.jobs import Jobs
from aurl.semantics.classes import read_embeddings
from aurl.system import plugins

CLASSES, SPLITS = "lists/classes.csv", "lists/splits.csv"
Draws = Iterator[tuple[str, list[str]]]


def class_list(jobs: Jobs) -> bytes:
    """Write every embedded class.

    Dataset, part (seen or unseen), class, number of usable videos.
    """
    rows: list[tuple[str, ...]] = [("dataset", "part", "class", "videos")]
    for row in jobs.rows("embedded"):
        name = row["dataset"]
        manifest = jobs.paths.of("manifest", dataset=name)
        broken = jobs.experiment.datasets[name].broken
        videos = Counter(video["class"] for video in iterate_usable(manifest, broken))
        part = "seen" if name == jobs.experiment.seen else "unseen"
        rows += [(name, part, each, str(videos[each])) for each in _classes(jobs, name)]
    return _as_csv(rows)


def split_list(jobs: Jobs) -> bytes:
    """Write the classes of every draw of every protocol.

    Dataset, protocol, draw, class.
    """
    rows: list[tuple[str, ...]] = [("dataset", "protocol", "draw", "class")]
    for row in jobs.rows("tested"):
        classes = _classes(jobs, row["dataset"])
        for protocol, draw, chosen in draws(jobs.experiment.evaluation.protocols, classes):
            rows += [(row["dataset"], protocol, draw, each) for each in chosen]
    return _as_csv(rows)


def draws(protocols: Mapping[str, Settings], classes: list[str]) -> Iterator[tuple[str, str, list[str]]]:
    """Yield (protocol, draw, classes) of every draw that protocols make.

    A protocol of another kind has none.

    All classes (the draw "all") are in every test set, so they are left out.
    """
    for name, settings in protocols.items():
        module: Any = plugins.load(PROTOCOLS, name)
        if hasattr(module, "runs"):
            yield from ((name, draw, chosen) for draw, chosen in _named(module, classes))
        elif hasattr(module, "half_class_split"):
            for seed in range(max((number for number in settings.splits if number > 1), default=0)):  # type: ignore[attr-defined]
                yield name, str(seed), [classes[number] for number in module.half_class_split(len(classes), seed)]
        elif hasattr(module, "lists_of"):
            for path in filter(is_inside, module.files(settings)):
                for number, draw in enumerate(module.lists_of(path, classes)):
                    yield path.stem, str(number), [classes[place] for place in draw]


def _named(module: Any, classes: list[str]) -> Draws:
    of = public_test_set(classes, module.TEST_SETS)
    for number, run in enumerate(module.runs(of) if of else []):
        wanted = {squeezed(name) for name in run.classes}
        yield f"{number} {run.name}".strip(), [name for name in classes if squeezed(name) in wanted]


def _classes(jobs: Jobs, dataset: str) -> list[str]:
    return read_embeddings(jobs.paths.of("embeddings", dataset=dataset)).classes


def _as_csv(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
