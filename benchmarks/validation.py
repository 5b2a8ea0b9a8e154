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
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.stats import ttest_1samp
from torch import Tensor
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim.optimizer import register_optimizer_step_post_hook

from aurl.evaluation.metrics import closeness, cosine_similarity, dispersion, hits
from aurl.evaluation.video_embeddings import embed_videos
from aurl.experiment.presets import load_preset
from aurl.experiment.settings import VariantSettings
from aurl.fitting.hubs import csls
from aurl.frames.store import FrameStore
from aurl.frames.usable import labels_with_frames
from aurl.models.checkpoint import load_model, state_bytes
from aurl.semantics.classes import read_embeddings, read_seen_classes
from aurl.system.files import replacing
from aurl.system.json_files import write_json
from aurl.training.batches import ClipBatches, batch_loader
from aurl.training.loop import TrainingData, TrainingOutputs, load_training_data, train

REPOSITORY = Path(__file__).resolve().parents[1]
CLASSES, PAGE = REPOSITORY / "data/validation_classes.csv", REPOSITORY / "docs/validation.md"
MEASURED = REPOSITORY / "benchmarks/measured/validation.json"
NUMBER, DRAW, SEEDS, CLIPS, NEIGHBOURS = 60, 2026, (0, 1, 2), 4, (5, 10, 20)
SYNTHETIC = {"weight": 1, "query": "semantic", "mix": "uniform", "low": 0, "high": 1}
AURL: dict[str, Any] = {"seen": 1, "centres": 1, "synthetic": SYNTHETIC}


LS_E2E: dict[str, Any] = {"seen": 1}
PARTS = "benchmarks.candidates"  # parts from outside the package


@dataclass(frozen=True)
class Candidate:
    """Hold what makes a candidate: loss terms, a network of its own, and whether its weights are averages of all steps."""

    losses: dict[str, Any]
    network: str | None = None
    averaged: bool = False


def mixing(low: float, high: float, **more: Any) -> dict[str, Any]:
    """Name the loss term of mixed videos, with its settings."""
    return {"mixed_videos": {"weight": 1, "low": low, "high": high, **more}}


CANDIDATES: dict[str, Candidate] = {
    "aurl": Candidate(AURL),
    "aurl + mixed videos, 0.25 to 0.75": Candidate(AURL | mixing(0.25, 0.75)),
    "ls_e2e": Candidate(LS_E2E),
    "ls_e2e + mixed videos, 0.25 to 0.75": Candidate(LS_E2E | mixing(0.25, 0.75)),
    "aurl + mixed videos against seen classes too": Candidate(AURL | mixing(0.25, 0.75, seen=True)),
    "aurl + mixed videos, 0 to 1": Candidate(AURL | mixing(0.0, 1.0)),
    "ls_e2e + mixed videos against seen classes too": Candidate(LS_E2E | mixing(0.25, 0.75, seen=True)),
    "aurl + kept relations": Candidate(AURL | {f"{PARTS}.relations": 1}),
    "aurl, averaged weights": Candidate(AURL, averaged=True),
    "ls_e2e, averaged weights": Candidate(LS_E2E, averaged=True),
    "aurl in visual space": Candidate(AURL, network=f"{PARTS}.visual_space"),
    "ls_e2e in visual space": Candidate(LS_E2E, network=f"{PARTS}.visual_space"),
}
DECAY = 0.98  # of averaged weights, a step: they hold the last 50 of 384
LEVEL, BASE, RULES = 0.01, "aurl", ("cosine", *(f"csls {k}" for k in NEIGHBOURS))
FINAL_SEEDS, TESTS = tuple(range(10)), {"UCF-like": "drawn_ucf", "HMDB-like": "drawn_hmdb"}
COLUMNS = ["candidate", "rule", "seeds", "top-1 [%]", "closeness", "dispersion", f"top-1 against {BASE} by cosine"]
Found = dict[str, dict[int, dict[str, Any]]]  # candidate -> seed -> what `evaluate` returns
HEAD = """# A method of our own, chosen on validation classes

`python benchmarks/validation.py` writes this page. 60 of the seen classes of `mini` (`data/validation_classes.csv`,
drawn once) were held out; each candidate trained on the others as `mini` trains, and was tested on the videos of the 60
classes, 4 clips each. `csls k` corrects the scores for hubs with the videos of the other classes as the bank
(`aurl/fitting/hubs.py`), which is inductive. The test sets took no part in the choice.

The candidates: virtual classes made of mixed videos (`aurl/losses/mixed_videos.py`), alone against each other or against
the seen classes too; the similarities of the words kept (`benchmarks/candidates/relations.py`); weights averaged over the
steps, each step 0.98 of the one after it, with BatchNorm's statistics taken anew; and matching in visual space, where no
projector changes the videos (`benchmarks/candidates/visual_space.py`).
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
    chosen = CANDIDATES[candidate]
    network = {} if chosen.network is None else {"network": {"name": chosen.network}}
    variant = VariantSettings.model_validate({"losses": chosen.losses, "word_projector": True, **network})
    outputs = TrainingOutputs(*(place.with_suffix(end) for end in (".safetensors", ".json", ".steps.csv", ".resume")))
    place.parent.mkdir(parents=True, exist_ok=True)
    with averages_of_steps() as averages:
        train(data, "candidate", seed, experiment.model, experiment.training, variant, outputs, candidate)
    if chosen.averaged:
        take_averages(outputs.checkpoint, averages, data, experiment.training.batch_size)
    return outputs.checkpoint


@contextmanager
def averages_of_steps() -> Iterator[list[Tensor]]:
    """Average every parameter over the steps of an optimiser, newer steps more; yields the averages in its order."""
    averages: list[Tensor] = []

    def follow(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        parameters = [each.detach() for group in optimizer.param_groups for each in group["params"]]
        if not averages:
            averages.extend(each.clone() for each in parameters)
        for average, parameter in zip(averages, parameters, strict=True):
            average.lerp_(parameter, 1 - DECAY)

    hook = register_optimizer_step_post_hook(follow)
    try:
        yield averages
    finally:
        hook.remove()


def take_averages(checkpoint: Path, averages: list[Tensor], data: TrainingData, size: int) -> None:
    """Write averaged weights into a checkpoint, with BatchNorm's statistics taken anew from the training videos."""
    model, described = load_model(checkpoint)
    for parameter, average in zip(model.parameters(), averages, strict=True):
        parameter.data.copy_(average)
    steps = len(data.videos) // size
    batches = ClipBatches(
        data.store, data.videos, data.labels, batch_size=size, steps_per_epoch=steps, epochs=1,
        clip_length=described["clip_length"], shuffling_seed=0, clip_starts_seed=0, rank=0, shard=size,
    )  # fmt: skip
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.train().reset_running_stats()
            module.momentum = None  # the plain mean over all batches
    with torch.no_grad():
        model.embed_classes(data.embeddings)
        for clips, _ in batch_loader(batches, 0, 0, pin_memory=False):
            model.embed_videos(clips)
    with replacing(checkpoint) as (path,):
        path.write_bytes(state_bytes(model))


def place_of(folder: Path, candidate: str, seed: int, final: bool) -> Path:
    """Name the file of what a cell has found."""
    return folder / ("final" if final else "chosen_on") / candidate.replace(" ", "_") / f"seed{seed}.result.json"


def cell(folder: Path, results: Path, candidate: str, seed: int, final: bool) -> dict[str, Any]:
    """Train a candidate with a seed and test it, or read what a finished cell has found.

    Args:
        final: train on all seen classes, and test on the test sets; otherwise on the held-out classes.
    Returns: test set -> what `evaluate` returns.
    """
    finished = place_of(folder, candidate, seed, final)
    place = finished.with_name(f"seed{seed}")
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


def choose(found: Found) -> tuple[str, str]:
    """Choose the candidate and the rule that gain most top-1 on `BASE` by cosine; of equal ones the first."""
    pairs = [(name, rule) for name in found for rule in RULES]
    return max(pairs, key=lambda pair: statistics.mean(gains(found, *pair)))


def gains(found: Found, name: str, rule: str) -> list[float]:
    """List the differences of top-1 to `BASE` by cosine, of each seed that both have."""
    base = found[BASE]
    return [each["top1"][rule] - base[seed]["top1"]["cosine"] for seed, each in found[name].items() if seed in base]


def p_values(found: Found, name: str, rule: str) -> dict[str, float]:
    """Test the difference to `BASE` by cosine against 0 by Student's t: over seeds, and over classes (means of seeds)."""
    base = found[BASE]
    of_classes = [np.subtract(each["of_classes"][rule], base[seed]["of_classes"]["cosine"])
                  for seed, each in found[name].items() if seed in base]  # fmt: skip
    tests = {"seeds": gains(found, name, rule), "classes": np.mean(of_classes, axis=0)}
    return {what: float(ttest_1samp(values, 0).pvalue) for what, values in tests.items() if len(values) > 1}


def difference(found: Found, name: str, rule: str) -> str:
    """Word the paired difference of top-1 to `BASE` by cosine."""
    seeds = gains(found, name, rule)
    if not any(seeds):
        return ""
    shown = ", ".join(f"{p:.2g} over {what}" for what, p in p_values(found, name, rule).items())
    return f"{statistics.mean(seeds):+.1f} ({', '.join(f'{value:+.1f}' for value in seeds)}); p {shown}"


def wins(found: Found, name: str, rule: str) -> bool:
    """Say whether a candidate is better than `BASE` by cosine, over seeds and over classes."""
    if statistics.mean(gains(found, name, rule)) <= 0:
        return False
    tested = p_values(found, name, rule)
    return len(tested) == 2 and max(tested.values()) < LEVEL


def verdict(found: Found, choice: tuple[str, str]) -> str:
    """Say whether any candidate wins, and what is not finished."""
    won = [f"{name}, by {rule}" for name in found for rule in RULES if wins(found, name, rule)]
    text = f"**The choice** (the largest mean difference of the last column): {choice[0]}, by {choice[1]}. "
    text += f"Better than {BASE} by cosine with p < {LEVEL} over seeds and over classes: {'; '.join(won) or 'none'}."
    waiting = [f"{name}, seed {seed}" for name in CANDIDATES for seed in SEEDS if seed not in found.get(name, {})]
    return text + (f"\n\nNot finished: {'; '.join(waiting)}." if waiting else "")


def final_verdict(by_test: dict[str, Found], choice: tuple[str, str]) -> str:
    """Say on which test sets the choice wins with ten seeds."""
    name, rule = choice
    won = [test for test, found in by_test.items() if wins(found, name, rule)]
    shown = "; ".join(f"{test} {difference(found, name, rule)}" for test, found in by_test.items())
    return (
        f"**With ten seeds** {name}, by {rule}, is better than {BASE} by cosine with p < {LEVEL} over seeds and over"
        f" classes on {' and '.join(won) or 'no test set'}: {shown}."
    )


def rows_of(found: Found, rules: Sequence[str]) -> list[dict[str, str]]:
    """List the rows of a table: a candidate with a rule each, and its measures over the seeds."""
    return [
        dict(
            zip(
                COLUMNS,
                [
                    *(name, rule, str(len(cells)), spread([each["top1"][rule] for each in cells.values()], 1)),
                    *(spread([each[measure] for each in cells.values()], 3) for measure in ("closeness", "dispersion")),
                    difference(found, name, rule),
                ],
                strict=True,
            )
        )
        for name, cells in found.items()
        for rule in rules
    ]


def spread(values: list[float], decimals: int) -> str:
    """Word the mean and the standard deviation."""
    mean = f"{statistics.mean(values):.{decimals}f}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values):.{decimals}f}"


def table_of(rows: list[dict[str, str]]) -> str:
    """Write rows as a Markdown table."""
    return str(pd.DataFrame(rows, columns=COLUMNS).to_markdown(index=False, disable_numparse=True))


def page(measured: dict[str, Any]) -> str:
    """Write the page of all results."""
    table = table_of(measured["rows"])
    text = f"{HEAD}\n{table}\n\nMean ± standard deviation over seeds; differences of each seed in brackets.\n\n"
    text += f"{measured['verdict']}\n"
    if "final_verdict" in measured:
        text += f"\n{measured['final_verdict']}\n"
    for label in TESTS if "final" in measured else ():
        text += f"\n## {label}: ten seeds, once\n\n{table_of(measured['final'][label])}\n"
    return text


def main() -> None:
    """Train and evaluate all cells, and write the results and the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("results/mini"), help="finished stages of mini")
    parser.add_argument("--folder", type=Path, default=Path("results/validation"), help="where finished cells are kept")
    parser.add_argument("--jobs", type=int, default=2, help="trainings at a time, of one core each")
    parser.add_argument("--final", action="store_true", help="run the choice and aurl on the test sets")
    parser.add_argument("--finished", action="store_true", help="train nothing, and write what finished cells say")
    options = parser.parse_args()
    measured: dict[str, Any] = json.loads(MEASURED.read_text()) if options.final else {}
    names = list(dict.fromkeys([BASE, measured["choice"][0]])) if options.final else list(CANDIDATES)
    seeds, tests = (FINAL_SEEDS, list(TESTS)) if options.final else (SEEDS, ["validation"])
    validation_classes(read_seen_classes(options.results / "seen_classes.csv", strict=True))
    cells = [(name, seed) for seed in seeds for name in names]
    if options.finished:
        cells = [each for each in cells if place_of(options.folder, *each, options.final).is_file()]
    with ProcessPoolExecutor(options.jobs) as pool:
        jobs = {each: pool.submit(cell, options.folder, options.results, *each, options.final) for each in cells}
    by_test: dict[str, Found] = {test: {name: {} for name, _ in cells} for test in tests}
    for (name, seed), job in jobs.items():
        for test in tests:
            by_test[test][name][seed] = job.result()[test]
    if options.final:
        rules = list(dict.fromkeys(["cosine", measured["choice"][1]]))
        measured["final"] = {test: rows_of(found, rules) for test, found in by_test.items()}
        measured["final_verdict"] = final_verdict(by_test, tuple(measured["choice"]))
    else:
        found = by_test["validation"]
        choice = choose(found)
        measured |= {"choice": choice, "verdict": verdict(found, choice), "rows": rows_of(found, RULES)}
    write_json(MEASURED, measured)
    with replacing(PAGE) as (path,):
        path.write_text(page(measured))


if __name__ == "__main__":
    main()
