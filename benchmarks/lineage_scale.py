"""Time of record, status and audit at 500 stages.

    python benchmarks/lineage_scale.py FOLDER     # FOLDER: a clone in which `micro` has run; it is changed

The stages are those of `micro` with its one seed copied to as many as it takes (contents are small, so that what is
timed is the number of stages, not the bytes). Prints JSON and writes benchmarks/lineage_scale.json here.
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from aurl.experiment.read import load_experiment
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.paths import ResultPaths
from aurl.training.seeds import axis_seeds

OUTPUT = Path(__file__).resolve().parent / "lineage_scale.json"
SEEDS = 20


def copy_seed(results: Path, seed: int) -> None:
    """Copy everything of seed 0 to another seed, and let the provenance blocks tell of that one."""
    for path in sorted(results.rglob("*seed0*")):
        target = Path(str(path).replace("seed0", f"seed{seed}"))
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)
        elif path.is_dir():
            shutil.copytree(path, target, dirs_exist_ok=True)
    for block in (results / "provenance").rglob("*.json"):
        if f"seed{seed}" not in str(block):
            continue
        content = json.loads(block.read_text().replace("/seed0", f"/seed{seed}"))
        content["identity"]["wildcards"]["seed"] = seed
        if content["identity"]["seeds"]:
            content["identity"]["seeds"] = axis_seeds(seed)
        block.write_text(json.dumps(content))


def timed(*command: str) -> float:
    """Wall seconds of a command that must succeed."""
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return round(time.perf_counter() - began, 2)


def main() -> None:
    """Grow the experiment, then time every command."""
    os.chdir(sys.argv[1])
    params = Path("params.yaml")
    params.write_text(params.read_text().replace("seeds: [0]", f"seeds: {list(range(SEEDS))}"))
    for seed in range(1, SEEDS):
        copy_seed(Path("results/micro"), seed)
    for command in ("collect", "statistics", "tables", "figures"):
        timed("aurl", command)
    timed("snakemake", "--touch", "--quiet", "all")
    experiment = load_experiment(params)
    stages = (
        sum(job.stage not in ("frames", "frames_index") for job in Jobs(experiment, ResultPaths("micro")).all()) + 3
    )
    measured = {"stages": stages, "aurl record, everything new [s]": timed("aurl", "record")}
    measured["dvc status [s]"] = timed("dvc", "status")
    shutil.rmtree(".snakemake/aurl/digests.json", ignore_errors=True)
    Path(".snakemake/aurl/digests.json").unlink(missing_ok=True)
    measured["aurl audit --all, every digest computed [s]"] = timed("aurl", "audit", "--all", "--no-cache")
    timed("aurl", "audit", "--all")
    measured["aurl audit --all, digests known [s]"] = timed("aurl", "audit", "--all")
    params.write_text(params.read_text().replace("title: AURL on", "title: Scaled AURL on"))
    timed("snakemake")
    measured["aurl record, one stage changed [s]"] = timed("aurl", "record")
    OUTPUT.write_text(json.dumps(measured, indent=1) + "\n")
    print(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
