"""A stage run by hand under other parameters: later stages refuse its result, and Snakemake makes it again."""

import re
from pathlib import Path

import pytest
from repositories import runner
from runs import digests, edit, planned

pytestmark = pytest.mark.workflow

TRAIN = ["aurl", "train", "--variant", "ls", "--seed", "0"]
CHECKPOINT = "checkpoints/ls/seed0.safetensors"


@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "unrecorded"])
def test_a_checkpoint_made_by_hand_under_other_parameters(micro: Path, finished_micro: Path, recorded: bool) -> None:
    run = runner(micro)
    if not recorded:
        (micro / "dvc.lock").unlink()
    before = digests(micro / "results/micro")
    edit(micro / "params.yaml", "epochs: 2\n", "epochs: 3\n")
    run(*TRAIN)
    edit(micro / "params.yaml", "epochs: 3\n", "epochs: 2\n")
    assert digests(micro / "results/micro")[CHECKPOINT] != before[CHECKPOINT]
    for command in (
        ["aurl", "features", "--variant", "ls", "--seed", "0", "micro_ucf"],
        ["aurl", "evaluate", "--variant", "ls", "--seed", "0", "micro_ucf"],
        ["aurl", "tables"],
    ):
        refused = run(*command, ok=False)
        assert refused.returncode == 1
        assert f"results/micro/{CHECKPOINT}: made with other values of training" in refused.stderr, command
        assert re.search(r"run 'snakemake'", refused.stderr)
    refused = run("aurl", "record", ok=False)
    assert refused.returncode == 1
    assert f"results/micro/{CHECKPOINT}: made with other values of training" in refused.stderr
    assert planned(run)["train"] == 1
    run("snakemake")
    after = digests(micro / "results/micro")
    assert f"foreign/{CHECKPOINT}" in after
    before.pop("report.html")  # it states when its results were made
    assert before.items() <= after.items()
    run("aurl", "record")
    assert not planned(run)


def test_a_stage_by_hand_under_the_present_parameters_is_taken(micro: Path) -> None:
    run = runner(micro)
    before = digests(micro / "results/micro")
    run(*TRAIN)
    assert not planned(run)["train"]
    run("aurl", "features", "--variant", "ls", "--seed", "0", "micro_ucf")
    after = digests(micro / "results/micro")
    assert after == before
