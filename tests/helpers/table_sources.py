"""Sources of tables: an experiment's metrics, statistics and manifests, made up in a folder."""

import json
from pathlib import Path

import numpy as np

from aurl.experiment.settings import Experiment
from aurl.report.intervals import Statistics
from aurl.report.tables.base import Sources, TableInputs, TableSettings
from aurl.report.write_tables import read_sources

HEADER = (
    "variant,seed,dataset,clips,splits,top1,top1_std,top5,class_top1,closeness,dispersion,videos,classes,"
    "hub_skewness,listed_classes,protocol"
)


def table_inputs(experiment: Experiment, folder: Path, measured: bool = True) -> TableInputs:
    """Write metrics, statistics, manifests and seen classes of an experiment; without measurements if so asked."""
    rng, rows = np.random.default_rng(0), [HEADER]
    names = sorted([*experiment.variants, *experiment.methods])
    cells = [
        (name, seed, dataset) for name in names for seed in experiment.seeds for dataset in sorted(experiment.unseen)
    ]
    for variant, seed, dataset in cells if measured else []:
        for clips in experiment.evaluation.clips:
            for splits in experiment.evaluation.protocols["half_splits"].splits:
                top1, std, top5, class_top1 = rng.uniform(5, 95, 4).round(6)
                values = [
                    top1,
                    "" if splits == 1 else std,
                    top5,
                    class_top1,
                    *rng.uniform(0, 1, 2).round(6),
                    40,
                    7,
                    0.5,
                ]
                rows.append(",".join(map(str, [variant, seed, dataset, clips, splits, *values, "", "half_splits"])))
            rows.append(f"{variant},{seed},{dataset},{clips},1,41.25,,80,40,0.5,0.5,270,27,0.5,34,truze")
    (folder / "metrics.csv").write_text("\n".join(rows) + "\n")
    interval = {"mean": 30.0, "std": 1.5, "low": 20.0, "high": 41.5, "fixed_low": 25.0, "fixed_high": 35.0}
    by_clips = {f"clips{clips}": {"top1": interval} for clips in experiment.evaluation.clips}
    cell = {**by_clips, "videos": 40, "classes": 7}
    variants = {name: dict.fromkeys(experiment.unseen, cell) for name in experiment.variants}
    test = {
        "variant": "aurl", "against": "ls", "clips": 1, "difference": 2.0, "low": -1.0, "high": 5.0, "p": 0.2,
        "p_corrected": 0.4, "test": "a test", "seeds": 2, "sentence": "2 seeds: no significant difference.",
    }  # fmt: skip
    statistics = {
        "confidence": 0.95, "resamples": 500, "seed": 0, "seeds": list(experiment.seeds) if measured else [],
        "variants": variants if measured else {},
        "paired": [{**test, "dataset": dataset} for dataset in experiment.unseen] if measured else [],
        "order": [],
    }  # fmt: skip
    (folder / "statistics.json").write_text(json.dumps(statistics))
    manifests = {name: folder / f"manifest_{name}.csv" for name in experiment.datasets}
    for path in manifests.values():
        path.write_text("path,class,status,frames,reason\na.mp4,a & b,ok,9,\nb.mp4,$c_1$,ok,9,\n")
    seen = folder / "seen_classes.csv"
    head = "class,kept,distance,nearest_class,nearest_dataset"
    seen.write_text(
        f"{head}\na & b,True,0.3,near,{experiment.unseen[0]}\n$c_1$,False,0.02,near,{experiment.unseen[0]}\n"
    )
    return TableInputs(
        folder / "metrics.csv", folder / "statistics.json", seen if measured else None, manifests, {},
        {} if measured else {"vectors": "data/missing.bin"},
    )  # fmt: skip


def no_statistics(folder: Path) -> Statistics:
    """The statistics of an experiment in which nothing was tested."""
    path = folder / "no_statistics.json"
    empty = {"confidence": 0.95, "resamples": 500, "seed": 0, "seeds": [], "variants": {}, "paired": [], "order": []}
    path.write_text(json.dumps(empty))
    return Statistics(path)


def table_settings(experiment: Experiment) -> TableSettings:
    """The parameters that the stage `tables` reads."""
    return TableSettings(
        experiment.report, experiment.variants, experiment.imported, experiment.datasets, experiment.seen,
        experiment.unseen, experiment.semantics.tau, experiment.external, experiment.methods,
    )  # fmt: skip


def table_sources(experiment: Experiment, folder: Path, measured: bool = True) -> Sources:
    """What every table may read."""
    return read_sources(table_inputs(experiment, folder, measured), table_settings(experiment))
