"""Every command that README and the pages show is run by a test, or says here what it needs.

Marked blocks of the pages are run by test_docs.py. The other commands stand in `RUN`, which runs them in a finished
micro, or in `NEEDS`.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pages import DOCS, MARKED
from repositories import REPOSITORY, environment_of

PROGRAMS = "aurl|snakemake|dvc|make|pip|git|python|pytest|sbatch|torchrun"
COMMAND = re.compile(rf"^ {{4}}(?:\$ )?((?:{PROGRAMS})\b.*)$", re.MULTILINE)
FENCED = re.compile(r"^```(sh|bash|console)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN = (  # in this order
    "snakemake",
    "snakemake -n",
    "snakemake -- results/mini/tables/ablation.md",
    "snakemake -- results/mini/checkpoints/aurl/seed0.safetensors",
    "aurl --help",
    "aurl status --watch",
    "aurl plan",
    'aurl predict video.mp4 --classes "archery,surfing"',
    "aurl overlap kinetics700 ucf101",
    "aurl record",
    "dvc status; dvc dag; dvc params diff",
    "dvc metrics diff",
    "aurl audit --cell aurl,drawn_ucf",
    "aurl audit --json; aurl audit --html audit.html",
    "git add -A; git commit -qm record",  # for the history alone
    "aurl history aurl,0,drawn_ucf",
)
MINUTES, NETWORK, CLUSTER = "minutes; tests of its own", "the internet", "a cluster"
DATA, CLONE = "data or weights of the user's", "another clone, or a remote"
NEEDS = {
    "make reproduce": "an installation", "make test": "is this", "make test-all": "is this",
    "git clone ADDRESS-OF-THIS-REPOSITORY aurl && cd aurl": NETWORK,
    "aurl use methods": MINUTES, "pip install dist/aurl-*.whl": "a wheel",
    "aurl check-method my_package.my_method": "a method of the user's",
    "aurl verify mini.crate.zip": MINUTES, "aurl verify mini.crate.zip --rerun ablation": MINUTES, "aurl bundle": MINUTES,
    "aurl bundle -o FILE --with checkpoints --with frames": MINUTES, "aurl leaderboard FOLDER -o site/": DATA,
    "aurl bundle --sign ~/.ssh/id_ed25519": "a key of the user's",
    "make lint": "is run by CI",
    "pytest tests/methods": "is this", 'pytest -m "not workflow"': "is this",
    "python -m aurl.pipeline.dvc_yaml": "writes into the repository: tests/pipeline/test_dvc_yaml.py",
    "python docs/generate.py": "writes into the repository: tests/docs/test_docs.py",
    "pip install -e '.[cluster]'": NETWORK, 'pip install -e ".[cluster]"': NETWORK,
    "pip install snakemake-executor-plugin-kubernetes": NETWORK,
    "snakemake --profile profiles/slurm": CLUSTER, "snakemake --profile profiles/cluster-generic": CLUSTER,
    "snakemake --resources gpu=8": "GPUs", "aurl train --variant aurl --seed 0": MINUTES,
    "aurl fetch ucf101": NETWORK, "aurl fetch kinetics700 --to /data": NETWORK, "aurl fetch vectors": NETWORK,
    "aurl fetch hmdb51 --from ~/rars": DATA, "aurl fetch ucf101 --check": DATA,
    "aurl import-weights FILE --variant aurl": DATA,
    "aurl import-weights AURL662_checkpoint.pth.tar --variant aurl": DATA,
    "aurl score clip.npz --test-set ucf101": DATA, "aurl score FILE --test-set ucf101": DATA,
    "aurl add-scores clip.npz --row clip --test-set ucf101": DATA,
    "aurl test FOLDER --checkpoint FILE": DATA,
    "aurl test FOLDER --checkpoint FILE.safetensors --out RESULTS": DATA,
    "aurl test ucf101 --videos datasets/UCF-101 --weights AURL662_checkpoint.pth.tar": DATA,
    "aurl overlap SEEN UNSEEN [--tau 0.05] [--vectors FILE]": DATA,
    "aurl overlap drawn_kinetics my_test --vectors data/googlenews_action_subset.bin": DATA,
    'aurl predict VIDEO... --classes "archery,horse riding"': DATA,
    "aurl encode --checkpoint FILE.safetensors --clips clips.npy --vectors words.npy --output out.npz": DATA,
    "dvc repro --single-item train@mini-aurl-0": MINUTES, "aurl sync": CLONE, "git clone ...; aurl sync": CLONE,
    "dvc remote add --default store /shared/folder": CLONE, "dvc push": CLONE,
    "aurl compare": "a reference", "aurl compare ../other/results/mini": CLONE, "aurl compare other.csv": CLONE,
    "aurl compare HEAD~3": CLONE, "aurl compare --save": MINUTES, "aurl compare --save FOLDER": MINUTES,
    "aurl audit": MINUTES, "aurl audit sota": MINUTES, "aurl audit --all": MINUTES, "aurl audit --all --deep": MINUTES,
    "aurl audit --all --deep --retrain aurl": MINUTES, "aurl rerun train --variant aurl": MINUTES,
    "aurl rerun train --variant aurl --seed 0": MINUTES,
    "snakemake --forcerun results/mini/checkpoints/aurl/seed0.safetensors --": MINUTES,
    "snakemake --report report.zip": MINUTES, "dvc plots show": "a browser",
}  # fmt: skip
BEGINNINGS = {  # of long commands
    "sbatch ": CLUSTER, "torchrun ": CLUSTER, "snakemake --executor kubernetes": CLUSTER,
    "aurl predict results/mini/datasets/drawn_ucf/": "mini's videos",
}  # fmt: skip
USAGE = DOCS / "commands.md"  # generated: how each command is called
PAGES = sorted({REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *DOCS.rglob("*.md")} - {USAGE})


def shown_commands(page: Path) -> list[str]:
    """The commands of a page's indented and fenced blocks that are not marked, without their remarks."""
    text = MARKED.sub("", page.read_text())
    fenced = "".join(f"    {line}\n" for _, block in FENCED.findall(text) for line in block.splitlines())
    indented = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL).replace("\\\n", "")
    return [re.sub(r"\s+# .*|\s{2,}", " ", line).strip() for line in COMMAND.findall(fenced + indented)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_every_command_is_run_or_says_what_it_needs(page: Path) -> None:
    unknown = [
        command
        for command in shown_commands(page)
        if command not in RUN and command not in NEEDS and not command.startswith(tuple(BEGINNINGS))
    ]
    assert not unknown, "add them to RUN or NEEDS, or mark their block to be run (tests/helpers/pages.py)"


def test_nothing_is_listed_that_no_page_shows() -> None:
    shown = {command for page in PAGES for command in shown_commands(page)}
    assert {*RUN[:-2], RUN[-1], *NEEDS} <= shown


@pytest.mark.workflow
def test_the_commands_run_as_they_are_printed(micro: Path, corpus: dict[str, Path]) -> None:
    shutil.copy(corpus["h264"], micro / "video.mp4")
    environment = environment_of(micro) | {"PAGER": "cat", "DVC_PAGER": "cat", "COLUMNS": "80"}
    identity = {f"GIT_{who}_{what}": f"t@{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    for command in RUN:
        here = command.replace("mini", "micro").replace("drawn_ucf", "micro_ucf")
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", here],
            cwd=micro,
            env=environment | identity,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{here}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
        if here.startswith("aurl predict"):
            assert "'surfing' is read as 'surf'" in done.stderr or "surfing" in done.stdout
            assert "was trained on rendered videos" in done.stderr
