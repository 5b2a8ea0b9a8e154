"""Write a result card for each row of an experiment, in the form of `aurl score --card`.

Everything in a card follows from metrics.csv, params.yaml and the lists, so `aurl verify` writes it anew and compares.
"""

from collections.abc import Mapping
from typing import Any

import yaml

from aurl.audit.bundle.standings import VideoSet, over_seeds, ranked_rows
from aurl.evaluation import schema
from aurl.evaluation.tracks import track_of
from aurl.experiment.settings import Experiment
from aurl.pipeline.jobs import Jobs

Key = tuple[str, str, int, int]  # dataset, protocol, clips, splits
FOLDER = "cards/"
NAMES = {"top1": "top-1", "top5": "top-5", "class_top1": "class mean"}


def cards(jobs: Jobs) -> dict[str, bytes]:
    """Write the cards from the files of the working folder: name -> Markdown.

    Raises: AurlError, ValueError, KeyError or OSError for damaged files.
    """
    cells: dict[str, dict[Key, list[Mapping[str, str]]]] = {}
    with jobs.paths.of("metrics_csv").open(newline="") as handle:
        for row in ranked_rows(handle):
            key = (
                row["dataset"],
                row.get(schema.PROTOCOL) or schema.DEFAULT_PROTOCOL,
                int(row["clips"]),
                int(row["splits"]),
            )
            cells.setdefault(row["variant"], {}).setdefault(key, []).append(row)
    tested = {row["dataset"]: VideoSet.of_experiment(jobs, row["dataset"]) for row in jobs.rows("tested")}
    return {f"{FOLDER}{name}.md": _card(jobs.experiment, name, of_row, tested) for name, of_row in cells.items()}


def _card(
    experiment: Experiment, name: str, cells: Mapping[Key, list[Mapping[str, str]]], tested: Mapping[str, VideoSet]
) -> bytes:
    outside = experiment.external.get(name)
    track = track_of(experiment, name)
    facts: dict[str, Any] = {
        "experiment": experiment.experiment,
        "track": track,
        "trained_on": "not stated" if outside else experiment.seen,
        "seeds": [] if outside else list(experiment.seeds),
    }
    results = [_entry(key, rows, tested[key[0]], track) for key, rows in cells.items()]
    head = {
        "tags": ["zero-shot-video-classification"],
        "model-index": [{"name": name, "results": results}],
        "aurl": facts,
    }
    lines = ["| test set | protocol | clips | draws | top-1 |", "|---|---|---|---|---|"]
    for (dataset, protocol, clips, splits), rows in cells.items():
        mean, spread = _mean(rows, "top1")
        text = f"{mean:.1f}" + ("" if spread is None else f" ± {spread:.1f}")
        lines.append(f"| {dataset} | {protocol} | {clips} | {splits} | {text} |")
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=120)
    title = f"# {name} of experiment {experiment.experiment}"
    return f"---\n{text}---\n\n{title}\n\n".encode() + "\n".join([*lines, ""]).encode()


def _entry(key: Key, rows: list[Mapping[str, str]], tested: VideoSet, track: str) -> dict[str, Any]:
    """Describe one test set, protocol and number of clips as an entry of `model-index`."""
    dataset, protocol, clips, splits = key
    group, metrics = tested.group(track, protocol, splits), []
    for column, label in NAMES.items():
        mean, spread = _mean(rows, column)
        if mean is not None:
            metric: dict[str, Any] = {"type": "accuracy", "name": label, "value": round(mean, 6)}
            metrics.append(metric if spread is None else metric | {"standard_deviation": round(spread, 6)})
    return {
        "task": {"type": "video-classification", "name": "Zero-shot video classification"},
        "dataset": {
            "type": dataset, "name": group.test_set, "split": f"{protocol}, {splits} draws, {clips} clips",
            "revision": group.key, "protocol": group.protocol,
        },
        "metrics": metrics,
    }  # fmt: skip


def _mean(rows: list[Mapping[str, str]], column: str) -> tuple[Any, Any]:
    """Compute mean and standard deviation over seeds; None where there is none."""
    values = [float(row[column]) for row in rows if row.get(column)]
    return over_seeds(values) if values else (None, None)
