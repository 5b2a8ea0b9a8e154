"""Compare the experiment `mini` with variations of it: change its parameters, run it whole, subtract the means.

The experiment as it is comes from `results/mini`, so run `make reproduce` first.
"""

import copy
import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from processes import REPOSITORY, copy_repository, run

from aurl.experiment.presets import preset_text
from aurl.system.errors import AurlError
from aurl.system.json_files import write_json

CORES = 2
RESULTS = Path("results/mini")
DATA = ("datasets", "manifests", "frames", "embeddings")  # folders of results
CELL = ["variant", "dataset"]


def mean_top1(metrics: Path) -> pd.DataFrame:
    """Read mean and standard deviation over seeds of top-1, all classes, one clip, by variant and test set.

    Raises: AurlError if the file is not there.
    """
    if not metrics.is_file():
        raise AurlError(f"{metrics}: no such file; run 'make reproduce' first")
    table = pd.read_csv(metrics)
    shown = table[(table["clips"] == 1) & (table["splits"] == 1)]
    if "protocol" in shown:
        shown = shown[shown["protocol"] == "half_splits"]
    return shown.groupby(CELL, sort=False)["top1"].agg(["mean", "std"])


def changed(experiment: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """Copy an experiment with other values: dotted key -> value."""
    result = copy.deepcopy(dict(experiment))
    for key, value in changes.items():
        *place, last = key.split(".")
        target = result
        for part in place:
            target = target[part]
        target[last] = value
    return result


def run_changed(changes: Mapping[str, Any]) -> pd.DataFrame:
    """Run `mini` with changes in a copy of this working tree; return what `mean_top1` returns."""
    with tempfile.TemporaryDirectory(prefix="aurl-variation-") as top:
        folder = copy_repository(Path(top) / "copy")
        experiment = changed(yaml.safe_load(preset_text("mini")), changes)
        (folder / "params.yaml").write_text(yaml.safe_dump(experiment, sort_keys=False))
        if not any(key.startswith("datasets.") for key in changes):
            copy_data(REPOSITORY / RESULTS, folder / RESULTS)
        run(folder, "snakemake", "--cores", str(CORES), "--", f"{RESULTS}/metrics.csv")
        return mean_top1(folder / RESULTS / "metrics.csv")


def copy_data(results: Path, target: Path) -> None:
    """Copy what comes before training, with its provenance blocks: a variation of the training makes the same."""
    for top in (Path(), Path("provenance")):
        for name in DATA:
            if (results / top / name).is_dir():
                shutil.copytree(results / top / name, target / top / name)


def report(name: str, variations: Mapping[str, Mapping[str, Any]]) -> None:
    """Run each variation, print how the means change, and keep the figures in measured/NAME.json."""
    base = mean_top1(REPOSITORY / RESULTS / "metrics.csv")
    table = base.rename(columns={"mean": "top-1", "std": "± seeds"})
    for title, changes in variations.items():
        other = run_changed(changes)
        table[title] = other["mean"]
        table[f"{title}: change"] = other["mean"] - base["mean"]
    print(table.round(1).to_markdown())
    largest = {title: float(table[f"{title}: change"].abs().max()) for title in variations}
    print("\n".join(f"Largest change, {title}: {value:.1f} points" for title, value in largest.items()))
    print(f"Largest standard deviation over seeds: {base['std'].max():.1f} points")
    figures = {"largest change": largest, "cells": json.loads(table.round(3).reset_index().to_json(orient="records"))}
    write_json(REPOSITORY / f"benchmarks/measured/{name}.json", figures)
