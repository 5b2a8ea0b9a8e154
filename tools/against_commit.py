"""Compare training by the code here with training by another commit: CPU time, memory, checkpoints.

    python tools/against_commit.py COMMIT [VARIANT]     # where results/mini has its frames and seen classes

30 steps of `mini`'s variant (default: aurl), by `aurl train` on one thread, in turns.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd
import yaml

from aurl.system.files import sha256_file

sys.path.append(str(Path(__file__).resolve().parents[1] / "benchmarks"))
from processes import REPOSITORY, run

ROUNDS, VIDEOS = 5, 960
INPUTS = ("manifests", "frames", "embeddings", "seen_classes.csv")


def prepare(folder: Path) -> None:
    """Give a copy of the code one short epoch, and the data that are here."""
    experiment = yaml.safe_load((folder / "params.yaml").read_text())  # as that commit writes it
    experiment["training"] |= {"epochs": 1, "epoch_videos": VIDEOS}
    (folder / "params.yaml").write_text(yaml.safe_dump(experiment, sort_keys=False))
    results = folder / "results/mini"
    results.mkdir(parents=True)
    for name in INPUTS:
        (results / name).symlink_to(REPOSITORY / "results/mini" / name)


def train(folder: Path, variant: str) -> dict[str, float | str]:
    """Train once; figures and the checkpoint's SHA-256."""
    usage = run(
        folder, sys.executable, "-m", "aurl.cli", "train", "--variant", variant, "--seed", "0", OMP_NUM_THREADS="1"
    )
    checkpoint = folder / f"results/mini/checkpoints/{variant}/seed0.safetensors"
    digest = sha256_file(checkpoint)
    checkpoint.unlink()
    return {"cpu": usage.cpu, "system": usage.system, "MiB": usage.own_mib, "checkpoint": digest}


def main() -> None:
    """Alternate, and print the comparison."""
    commit, variant = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "aurl"
    with tempfile.TemporaryDirectory() as top:
        codes = {}
        for name, tree in ((commit, commit), ("now", _stash() or "HEAD")):
            codes[name] = Path(top) / name.replace("/", "_")
            codes[name].mkdir()
            archive = subprocess.run(["git", "archive", tree], cwd=REPOSITORY, stdout=subprocess.PIPE, check=True)
            subprocess.run(["tar", "x", "-C", codes[name]], input=archive.stdout, check=True)
            prepare(codes[name])
        rounds = [{name: train(folder, variant) for name, folder in codes.items()} for _ in range(ROUNDS)]
    then, now = (pd.DataFrame([row[name] for row in rounds]) for name in codes)
    ratio = then["cpu"] / now["cpu"]
    print(f"CPU time, {commit} over now: {ratio.median():.2f} ({ratio.min():.2f} to {ratio.max():.2f})")
    for name, table in ((commit, then), ("now", now)):
        share = 100 * table["system"].sum() / table["cpu"].sum()
        print(f"{name}: system {share:.0f} %, own memory {table['MiB'].max():.0f} MiB")
    equal = len({*then["checkpoint"], *now["checkpoint"]}) == 1
    print(f"checkpoints: {'equal' if equal else 'DIFFERENT'}")


def _stash() -> str:
    """A commit of the working tree with its changes (nothing is stashed); empty without changes."""
    return subprocess.run(["git", "stash", "create"], cwd=REPOSITORY, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main()
