"""Runs of the workflow in a copy of the repository, and what they leave."""

import re
import shutil
from collections import Counter
from pathlib import Path

from repositories import Runner

from aurl.system.files import SNAKEMAKE_STAMP, sha256_file


def planned(run: Runner, *arguments: str) -> Counter[str]:
    """Rule -> number of jobs that `snakemake -n` would run."""
    output = run("snakemake", "--dry-run", *arguments).stdout
    counts = re.findall(r"^([a-z_]+) +(\d+)\b", output, re.MULTILINE)
    return Counter({rule: int(count) for rule, count in counts if rule != "total"})


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every result, without logs and provenance blocks (which hold times)."""
    return {
        str(path.relative_to(folder)): sha256_file(path)
        for path in folder.rglob("*")
        if path.is_file() and not {"logs", "provenance", SNAKEMAKE_STAMP} & set(path.relative_to(folder).parts)
    }


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def failing_run(run: Runner, *targets: str) -> str:
    """Run Snakemake on an experiment that must fail; returns everything that a user sees."""
    done = run("snakemake", "--", *targets, ok=False)
    assert done.returncode != 0
    seen = done.stdout + done.stderr
    assert "Traceback" not in seen
    return seen


def own_dataset(folder: Path, corpus: dict[str, Path]) -> Path:
    """Let the experiment take its second test set from a folder of two good classes."""
    videos = folder / "videos"
    for name in ("red circle", "blue square"):
        (videos / name).mkdir(parents=True)
        shutil.copy(corpus["xvid"], videos / name / "video.avi")
    params = (folder / "params.yaml").read_text()
    source = re.search(r"micro_hmdb:\n    source: (\{.*\}\})", params)
    assert source
    (folder / "params.yaml").write_text(
        params.replace(source[1], "{folder: videos, layout: class_folders, versioned: true}").replace(
            "tokens: hmdb51", "tokens: words"
        )
    )
    return videos
