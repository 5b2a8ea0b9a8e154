"""Choose a method of our own on 60 held-out seen classes of `mini`.

    snakemake -- results/mini/frames/drawn_kinetics/index.json results/mini/seen_classes.csv
    python benchmarks/validation.py [--jobs 2]   # trains what is missing, then writes docs/validation.md
    snakemake -- results/mini/frames/drawn_{ucf,hmdb}/index.json
    python benchmarks/validation.py --final      # once: the choice and aurl, ten seeds each, on the two test sets

The choice never reads the two test sets. The classes were drawn once (`DRAW`) and stand in
data/validation_classes.csv. Each candidate trains on the other seen classes with three seeds, as `mini` does; a
finished cell is kept in results/validation, and is made again only after it is deleted. A training takes some 25 s of
one core. The rule of the choice stands in `choose`.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import ttest_1samp

from aurl.evaluation.metrics import closeness, cosine_similarity, dispersion, hits
from aurl.evaluation.video_embeddings import embed_videos
from aurl.experiment.presets import load_preset
from aurl.experiment.settings import VariantSettings
from aurl.fitting.hubs import csls
from aurl.frames.store import FrameStore
from aurl.frames.usable import labels_with_frames
from aurl.models.checkpoint import load_model
from aurl.semantics.classes import read_embeddings, read_seen_classes
from aurl.system.files import replacing, write_json
from aurl.training.loop import TrainingData, TrainingOutputs, load_training_data, train

REPOSITORY = Path(__file__).resolve().parents[1]
CLASSES, PAGE = REPOSITORY / "data/validation_classes.csv", REPOSITORY / "docs/validation.md"
MEASURED = REPOSITORY / "benchmarks/measured/validation.json"
NUMBER, DRAW, SEEDS, CLIPS, NEIGHBOURS = 60, 2026, (0, 1, 2), 4, (5, 10, 20)
SYNTHETIC = {"weight": 1, "query": "semantic", "mix": "uniform", "low": 0, "high": 1}
AURL: dict[str, Any] = {"seen": 1, "centres": 1, "synthetic": SYNTHETIC}


def mixing(low: float, high: float, **more: Any) -> dict[str, Any]:
    """Name the loss term of mixed videos, with its settings."""
    return {"mixed_videos": {"weight": 1, "low": low, "high": high, **more}}


CANDIDATES: dict[str, dict[str, Any]] = {
    "aurl": AURL,
    "aurl + mixed videos, 0.25 to 0.75": AURL | mixing(0.25, 0.75),
    "ls_e2e": {"seen": 1},
    "ls_e2e + mixed videos, 0.25 to 0.75": {"seen": 1} | mixing(0.25, 0.75),
    "aurl + mixed videos against seen classes too": AURL | mixing(0.25, 0.75, seen=True),
    "aurl + mixed videos, 0 to 1": AURL | mixing(0.0, 1.0),
    "ls_e2e + mixed videos against seen classes too": {"seen": 1} | mixing(0.25, 0.75, seen=True),
}
BASE, RULES = "aurl", ("cosine", *(f"csls {k}" for k in NEIGHBOURS))
FINAL_SEEDS, TESTS = tuple(range(10)), {"UCF-like": "drawn_ucf", "HMDB-like": "drawn_hmdb"}
HEAD = """# A method of our own, chosen on validation classes

`python benchmarks/validation.py` writes this page. 60 of the seen classes of `mini` (`data/validation_classes.csv`,
drawn once) were held out; each candidate trained on the others as `mini` trains, and was tested on the videos of the 60
classes, 4 clips each. `csls k` corrects the scores for hubs with the videos of the other classes as the bank
(`aurl/fitting/hubs.py`), which is inductive. The test sets took no part in the choice.
"""


def validation_classes(seen: list[str]) -> list[str]:
    """Read the classes that are held out; draw and write them if the file is missing."""
    if not CLASSES.is_file():
        drawn = np.random.default_rng(DRAW).choice(sorted(seen), NUMBER, replace=False)
        with replacing(CLASSES) as (path,):
            pd.DataFrame({"class": sorted(drawn)}).to_csv(path, index=False, lineterminator="\n")
    return list(pd.read_csv(CLASSES)["class"])


def part(data: TrainingData, chosen: list[str]) -> TrainingData:
    """Keep the videos of some classes; labels become numbers of `chosen`."""
    rows = [data.classes.index(name) for name in chosen]
    numbers = np.full(len(data.classes), -1)
    numbers[rows] = np.arange(len(rows))
    labels = numbers[data.labels]
    return replace(
        data, classes=chosen, embeddings=data.embeddings[rows], videos=data.videos[labels >= 0],
        labels=labels[labels >= 0], words=[data.words[row] for row in rows],
    )  # fmt: skip


def load_seen(results: Path) -> TrainingData:
    """Load all videos of mini's seen classes that the strict-label filter keeps."""
    files = [results / name for name in ("manifests/drawn_kinetics.csv", "frames/drawn_kinetics/index.json",
                                         "embeddings/drawn_kinetics.safetensors", "seen_classes.csv")]  # fmt: skip
    return load_training_data(files[0], "error", *files[1:], strict_labels=True)


def load_test_set(results: Path, dataset: str) -> TrainingData:
    """Load all videos of a test set."""
    embedded, store = (
        read_embeddings(results / f"embeddings/{dataset}.safetensors"),
        results / f"frames/{dataset}/index.json",
    )
    frames = FrameStore(store)
    labels = labels_with_frames(results / f"manifests/{dataset}.csv", "error", embedded.classes, frames)
    videos = np.flatnonzero(labels >= 0)
    return TrainingData(embedded.classes, torch.from_numpy(embedded.vectors), videos, labels[videos], frames)


def train_cell(place: Path, candidate: str, seed: int, data: TrainingData) -> Path:
    """Train a candidate with a seed; returns its checkpoint."""
    experiment = load_preset("mini")
    variant = VariantSettings.model_validate({"losses": CANDIDATES[candidate], "word_projector": True})
    outputs = TrainingOutputs(*(place.with_suffix(end) for end in (".safetensors", ".json", ".steps.csv", ".resume")))
    place.parent.mkdir(parents=True, exist_ok=True)
    train(data, "candidate", seed, experiment.model, experiment.training, variant, outputs, candidate)
    return outputs.checkpoint


def cell(folder: Path, results: Path, candidate: str, seed: int, final: bool) -> dict[str, Any]:
    """Train a candidate with a seed and test it, or read what a finished cell has found.

    Args:
        final: train on all seen classes, and test on the test sets; otherwise on the held-out classes.
    Returns: test set -> what `evaluate` returns.
    """
    place = folder / ("final" if final else "chosen_on") / candidate.replace(" ", "_") / f"seed{seed}"
    finished = place.with_suffix(".result.json")
    if finished.is_file():
        found: dict[str, Any] = json.loads(finished.read_text())
        return found
    data = load_seen(results)
    if final:
        trained, tested = data, {label: load_test_set(results, name) for label, name in TESTS.items()}
    else:
        held = validation_classes(data.classes)
        trained = part(data, [name for name in data.classes if name not in held])
        tested = {"validation": part(data, held)}
    checkpoint = train_cell(place, candidate, seed, trained)
    found = {label: evaluate(checkpoint, trained, each) for label, each in tested.items()}
    write_json(finished, found)
    return found


def evaluate(checkpoint: Path, trained: TrainingData, tested: TrainingData) -> dict[str, Any]:
    """Measure a network on classes that it has not seen.

    Returns: top-1 in percent, and the top-1 of each class, by each of `RULES`; closeness and dispersion.
    """
    model, described = load_model(checkpoint)
    compute = load_preset("mini").evaluation.compute
    torch.set_num_threads(1)
    videos, bank = (
        torch.cat(list(embed_videos(model, data.store, data.videos, [clips], described["clip_length"], 64, compute,
                                    "embed")), dim=1)[0]
        for data, clips in ((tested, CLIPS), (trained, 1))
    )  # fmt: skip
    with torch.inference_mode():
        classes = model.embed_classes(tested.embeddings)
    scores, of_bank = cosine_similarity(videos, classes), cosine_similarity(bank, classes)
    labels = torch.from_numpy(tested.labels)
    rules = {"cosine": scores} | {f"csls {k}": csls(scores, of_bank, k) for k in NEIGHBOURS}
    correct = {name: 100.0 * hits(each, labels, 1).double() for name, each in rules.items()}
    return {
        "top1": {name: round(float(each.mean()), 3) for name, each in correct.items()},
        "of_classes": {
            name: [round(float(each[labels == label].mean()), 3) for label in labels.unique()]
            for name, each in correct.items()
        },
        "closeness": round(float(closeness(videos, labels, classes)), 4),
        "dispersion": round(float(dispersion(videos, labels)), 4),
    }


def choose(found: dict[str, list[dict[str, Any]]]) -> tuple[str, str]:
    """Choose the candidate and the rule of the highest mean top-1 over seeds; of equal ones the first.

    Args:
        found: candidate -> what `evaluate` returns, of each seed.
    """
    means = {(name, rule): statistics.mean(each["top1"][rule] for each in cells) for name, cells in found.items()
             for rule in RULES}  # fmt: skip
    return max(means, key=lambda pair: means[pair])


def difference(cells: list[dict[str, Any]], rule: str, base: list[dict[str, Any]]) -> str:
    """Word the paired difference of top-1 to `BASE` by cosine, tested over seeds and over classes."""
    seeds = [one["top1"][rule] - other["top1"]["cosine"] for one, other in zip(cells, base, strict=True)]
    classes = np.mean([np.subtract(one["of_classes"][rule], other["of_classes"]["cosine"])
                       for one, other in zip(cells, base, strict=True)], axis=0)  # fmt: skip
    if not any(seeds):
        return ""
    tests = [float(ttest_1samp(values, 0).pvalue) for values in (seeds, classes)]
    listed = ", ".join(f"{value:+.1f}" for value in seeds)
    return f"{statistics.mean(seeds):+.1f} ({listed}); p {tests[0]:.2g} over seeds, {tests[1]:.2g} over classes"


def rows_of(found: dict[str, list[dict[str, Any]]], rules: Sequence[str]) -> list[dict[str, str]]:
    """List the rows of a table: a candidate with a rule each, and its measures over the seeds."""
    return [
        {
            "candidate": name,
            "rule": rule,
            "top-1 [%]": spread([each["top1"][rule] for each in cells], 1),
            "closeness": spread([each["closeness"] for each in cells], 3),
            "dispersion": spread([each["dispersion"] for each in cells], 3),
            f"top-1 against {BASE} by cosine": difference(cells, rule, found[BASE]),
        }
        for name, cells in found.items()
        for rule in rules
    ]


def spread(values: list[float], decimals: int) -> str:
    """Word the mean and the standard deviation."""
    return f"{statistics.mean(values):.{decimals}f} ± {statistics.stdev(values):.{decimals}f}"


def page(measured: dict[str, Any]) -> str:
    """Write the page of all results."""
    table = pd.DataFrame(measured["rows"]).to_markdown(index=False)
    name, rule = measured["choice"]
    text = f"{HEAD}\n{table}\n\nMean ± standard deviation over {measured['seeds']} seeds.\n\n"
    text += f"**The choice** (the highest mean top-1 of the table): {name}, by {rule}.\n"
    for label, rows in measured.get("final", {}).items():
        text += f"\n## {label}: ten seeds, once\n\n{pd.DataFrame(rows).to_markdown(index=False)}\n"
    return text


def main() -> None:
    """Train and evaluate all cells, and write the results and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results/mini"), help="finished stages of mini")
    parser.add_argument("--folder", type=Path, default=Path("results/validation"), help="where finished cells are kept")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, of one core each")
    parser.add_argument("--final", action="store_true", help="run the choice and aurl on the test sets")
    options = parser.parse_args()
    measured: dict[str, Any] = json.loads(MEASURED.read_text()) if options.final else {}
    names = list(dict.fromkeys([BASE, measured["choice"][0]])) if options.final else list(CANDIDATES)
    seeds = FINAL_SEEDS if options.final else SEEDS
    validation_classes(read_seen_classes(options.results / "seen_classes.csv", strict=True))
    with ProcessPoolExecutor(options.jobs) as pool:
        jobs = {
            (name, seed): pool.submit(cell, options.folder, options.results, name, seed, options.final)
            for seed in seeds for name in names
        }  # fmt: skip
    by_test = {
        label: {name: [jobs[name, seed].result()[label] for seed in seeds] for name in names}
        for label in (TESTS if options.final else ["validation"])
    }
    if options.final:
        rules = list(dict.fromkeys(["cosine", measured["choice"][1]]))
        measured["final"] = {label: rows_of(found, rules) for label, found in by_test.items()}
    else:
        found = by_test["validation"]
        measured |= {"seeds": len(seeds), "choice": choose(found), "rows": rows_of(found, RULES)}
    write_json(MEASURED, measured)
    with replacing(PAGE) as (path,):
        path.write_text(page(measured))


if __name__ == "__main__":
    main()
