"""The code of each stage against what its entry module really imports."""

import subprocess
import sys
from pathlib import Path

import pytest
from repositories import REPOSITORY, copy_repository, environment_of

from aurl.experiment.presets import load_preset
from aurl.pipeline.code import DECIDING, PACKAGE, closure, code_of, is_carrier, packages_of
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.stages import STAGES

MICRO = load_preset("micro")


def imported_by(entry: str) -> set[str]:
    """Modules of this package that importing `entry` really loads, in a process of its own."""
    script = f"import sys, {entry}; print(*(m for m in sys.modules if m.startswith('aurl')))"
    return set(
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    )


@pytest.mark.parametrize("stage", STAGES)
def test_code_table_names_what_the_stage_imports(stage: str) -> None:
    loaded = {
        name for name in imported_by(STAGES[stage].entry)
        if not is_carrier(name) and not (PACKAGE.parent / name.replace(".", "/")).is_dir()
    }  # fmt: skip
    listed = set(closure(STAGES[stage].entry)[0])
    assert loaded - listed <= set(DECIDING), "imported but not among the stage's code"  # carriers import these
    assert listed - loaded == set(), "among the stage's code but never imported"


@pytest.mark.parametrize(
    ("absent", "stage"),
    [
        *(
            ("torch", stage)
            for stage in ("ingest", "manifest", "frames", "embeddings", "seen_classes", "collect", "tables")
        ),
        *((library, "train") for library in ("gensim", "av", "decord")),
        *((library, "tables") for library in ("scipy", "statsmodels")),
        *((library, "figures") for library in ("gensim", "av", "decord")),  # torch it needs, for the word projector
        *((library, "report") for library in ("torch", "gensim", "av", "decord")),
    ],
)
def test_stages_import_no_heavy_library_that_they_do_not_need(absent: str, stage: str) -> None:
    assert absent not in packages_of(STAGES[stage])


def test_a_stage_is_loaded_without_the_garbage_collector() -> None:
    """A collection while torch is imported, and one of all its modules at the end, cost more than most jobs."""
    script = """
import gc, sys
from aurl.pipeline.run import load_stage
from aurl.pipeline.stages import STAGES
before = gc.get_stats()[2]["collections"]
load_stage(STAGES["evaluate"])
assert gc.isenabled() and "torch" in sys.modules
assert gc.get_stats()[2]["collections"] == before
assert gc.get_freeze_count() > 100_000, gc.get_freeze_count()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_module_is_a_carrier_by_its_whole_name() -> None:
    """A module whose name begins like a carrier's is code: `aurl.memory_bank` beside `aurl.system.memory`, say."""
    assert is_carrier("aurl.system.memory")
    assert is_carrier("aurl.cli.stages")
    for name in ("aurl.system.memory_bank", "aurl.clip", "aurl.system.filesystem", "aurl.lineages", "aurl.system"):
        assert not is_carrier(name), name


def test_a_new_module_with_a_carriers_beginning_is_code_of_its_stage(tmp_path: Path) -> None:
    folder = copy_repository(tmp_path / "copy")
    (folder / "aurl/system/memory_bank.py").write_text("SIZE = 1\n")
    entry = folder / "aurl/evaluation/collect.py"
    entry.write_text(
        entry.read_text().replace("import pandas as pd\n", "import pandas as pd\nimport aurl.system.memory_bank\n", 1)
    )
    script = (
        "from aurl.pipeline.code import code_of; from aurl.pipeline.stages import STAGES;"
        "print(*code_of(STAGES['collect']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        env=environment_of(folder),
        capture_output=True,
        text=True,
        check=True,
    )
    assert "aurl/system/memory_bank.py" in done.stdout.split()


def test_the_wiring_of_a_stage_is_its_code() -> None:
    """`run(job)` decides which file goes where, so it lies in the entry module."""
    for stage in STAGES.values():
        text = (REPOSITORY / Path(*stage.entry.split("."))).with_suffix(".py").read_text()
        assert "\ndef run(job: Job) -> None:" in text, stage.entry


def test_the_report_reaches_no_training_code() -> None:
    for name in ("tables", "figures", "report"):
        training = [path for path in code_of(STAGES[name]) if path.startswith("aurl/training/")]
        assert not training, name


def test_editing_a_figure_does_not_retrain() -> None:
    code = code_of(STAGES["train"])
    assert not [path for path in code if path.startswith("aurl/report/")]
    assert {"aurl/training/loop.py", "aurl/models/cosine.py"} <= set(code)
    assert not [path for path in code_of(STAGES["features"]) if path.startswith("aurl/training/")]


def test_a_job_is_given_only_the_parameters_that_its_stage_declares() -> None:
    job = Jobs(MICRO).of("evaluate", variant="aurl", seed=0, dataset="micro_ucf")
    declared = STAGES["evaluate"].settings[0]
    assert job.settings[declared]
    with pytest.raises(KeyError, match="'training.epochs' is not declared by the stage"):
        job.settings["training.epochs"]


@pytest.mark.parametrize("stage", ["train", "features", "tables", "figures", "report"])
def test_what_a_variant_says_of_itself_is_code_of_what_follows_from_it(stage: str) -> None:
    """Which embeddings a term reads decides the training; its check mark is shown."""
    assert "aurl/experiment/variants.py" in code_of(STAGES[stage])
