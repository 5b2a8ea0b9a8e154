"""Read one side of a comparison: classes, their words, and the videos where they are known."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aurl.datasets.layouts.base import VIDEO_SUFFIXES, list_class_folders
from aurl.datasets.table import iterate_table
from aurl.evaluation.test_sets import LABELS
from aurl.evaluation.test_sets import test_set as find_test_set
from aurl.experiment.parts import token_datasets
from aurl.experiment.read import load_experiment
from aurl.inference.choices import class_names
from aurl.pipeline.paths import ResultPaths
from aurl.semantics.tokens import read_token_table
from aurl.system.errors import AurlError
from aurl.system.shipped import TOKEN_TABLE, packaged


@dataclass(frozen=True)
class Side:
    """Hold the classes of one side.

    Args:
        words: class -> official words, for those that have them.
        videos: names of the videos; empty where they are not known.
        digests: SHA-256 -> a video of it; empty where files were not read.
    """

    origin: str
    classes: list[str]
    words: Mapping[str, list[str]] = field(default_factory=dict)
    videos: list[str] = field(default_factory=list)
    digests: Mapping[str, str] = field(default_factory=dict)


def read_side(name: str, params: Path) -> Side:
    """Read a side.

    Args:
        name: a public test set; a dataset of the token table; a file of class names, one a line; a csv with the
            columns path and class (a listing or a manifest), or class alone; a folder of class folders; or a dataset of
            the experiment in `params`.
    Raises: AurlError for a name that is none of these, or an unusable file.
    """
    if name in LABELS:
        public = find_test_set(name)
        return Side(
            name, list(public.classes), {key: list(own) for key, own in public.words.items()}, list(public.videos)
        )
    if name in token_datasets_packaged():
        words = read_token_table(packaged(TOKEN_TABLE), name)
        return Side(name, sorted(words), words)
    place = Path(name)
    if place.is_dir():
        return _of_folder(place)
    if place.suffix == ".csv" and place.is_file():
        return _of_table(name, place)
    if place.is_file():
        return Side(name, class_names(None, place))
    return _of_experiment(name, params)


def token_datasets_packaged() -> list[str]:
    """List the datasets of the shipped token table, from any folder."""
    lines = packaged(TOKEN_TABLE).read_text().splitlines()[1:]
    return list(dict.fromkeys([*token_datasets(), *(line.partition(",")[0] for line in lines)]))


def _of_table(origin: str, table: Path) -> Side:
    """Read a listing or a manifest, or a csv with class names alone."""
    with table.open(encoding="utf-8") as handle:
        header = handle.readline().strip().split(",")
    if "class" in header and "path" not in header:
        import pandas as pd

        return Side(origin, sorted(set(pd.read_csv(table, dtype=str, keep_default_na=False)["class"])))
    rows = list(iterate_table(table))
    digests = {row["sha256"]: row["path"] for row in rows if row.get("sha256")}
    return Side(origin, sorted({row["class"] for row in rows}), {}, [row["path"] for row in rows], digests)


def _of_folder(folder: Path) -> Side:
    folders = list_class_folders(folder)
    if not folders:
        raise AurlError(f"{folder}: no class folders in it; give a folder for each class, or a file of class names")
    videos = [path.relative_to(folder).as_posix() for of_class in folders for path in sorted(of_class.iterdir())
              if path.suffix.lower() in VIDEO_SUFFIXES]  # fmt: skip
    return Side(str(folder), [of_class.name for of_class in folders], {}, videos)


def _of_experiment(name: str, params: Path) -> Side:
    known = [*LABELS, *(own for own in token_datasets_packaged() if own not in LABELS)]
    if not params.is_file():
        raise AurlError(f"{name}: no such file or folder, and none of {', '.join(known)}")
    experiment = load_experiment(params)
    if name not in experiment.datasets:
        known += list(experiment.datasets)
        raise AurlError(f"{name}: no such file or folder, and none of {', '.join(dict.fromkeys(known))}")
    paths = ResultPaths(experiment.experiment)
    tables = [
        path for path in (paths.of("manifest", dataset=name), paths.of("listing", dataset=name)) if path.is_file()
    ]
    if not tables:
        raise AurlError(
            f"{name}: its videos are not listed yet; run 'snakemake -- {paths.of('listing', dataset=name)}'"
        )
    return _of_table(name, tables[0])
