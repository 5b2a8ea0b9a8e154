"""Training of `mini` by the code here and by that of another commit, in turn.

    python benchmarks/against_commit.py COMMIT     # where results/mini has its frames and seen classes

30 steps of the variant `aurl`, each in a process of its own on one thread; prints the ratio of CPU times round by round,
the share of it that the system took, page faults, and whether both leave the same checkpoint.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
from harness import ROUNDS

VIDEOS = 960
TRAIN = f"""
import dataclasses, hashlib, json, resource, sys, tempfile
from pathlib import Path
from aurl.experiment.read import load_experiment
from aurl.pipeline.paths import ResultPaths
from aurl.training.loop import TrainingOutputs, load_training_data, train
experiment, paths, folder = load_experiment(Path("presets/mini.yaml")), ResultPaths("mini"), Path(tempfile.mkdtemp())
seen = experiment.seen
data = load_training_data(paths.manifest(seen), "error", paths.frames_index(seen), paths.embeddings(seen),
                          paths.seen_classes(), True)
data = dataclasses.replace(data, videos=data.videos[:{VIDEOS}], labels=data.labels[:{VIDEOS}])
outputs = TrainingOutputs(*(folder / name for name in ("checkpoint", "description", "steps", "resume")))
training = experiment.training.model_copy(update={{"epochs": 1}})
before = resource.getrusage(resource.RUSAGE_SELF)
train(data, "aurl", 0, experiment.model, training, experiment.variants["aurl"], outputs, "benchmark")
after = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({{
    "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    "system": after.ru_stime - before.ru_stime, "faults": after.ru_minflt - before.ru_minflt,
    "MiB": after.ru_maxrss // 1024, "checkpoint": hashlib.sha256(outputs.checkpoint.read_bytes()).hexdigest(),
}}))
"""


def trained(code: Path) -> dict[str, float | str]:
    """What one training by the code of a folder took."""
    command = [sys.executable, "-P", "-c", TRAIN]  # -P: not the code of this folder
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(code)}, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"the training by the code in {code} failed")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Alternate, and print the comparison."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(["git", "archive", sys.argv[1]], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "x", "-C", folder], input=archive, check=True)
        rounds = [(trained(Path(folder)), trained(Path.cwd())) for _ in range(ROUNDS)]
    then, now = (pd.DataFrame(rows) for rows in zip(*rounds, strict=True))
    ratio = then["cpu"] / now["cpu"]
    print(f"CPU time, {sys.argv[1]} over now: {ratio.median():.2f} ({ratio.min():.2f} to {ratio.max():.2f})")
    for name, found in ((sys.argv[1], then), ("now", now)):
        share = 100 * found["system"].sum() / found["cpu"].sum()
        print(f"{name}: system {share:.0f} %, page faults {found['faults'].median():,.0f}, {found['MiB'].max()} MiB")
    equal = set(then["checkpoint"]) == set(now["checkpoint"]) and then["checkpoint"].nunique() == 1
    print(f"checkpoints: {'equal' if equal else 'DIFFERENT'}")


if __name__ == "__main__":
    main()
