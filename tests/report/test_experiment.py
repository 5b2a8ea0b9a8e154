"""`aurl.Experiment`: results of a finished experiment, from any folder; one line for what is not there."""

from pathlib import Path

import pytest
from finished_experiment import write_results
from repositories import REPOSITORY

import aurl
from aurl.experiment.presets import preset_text
from aurl.experiment.read import load_experiment
from aurl.report.results import Results
from aurl.system.errors import AurlError


@pytest.fixture
def finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The params.yaml of a finished mini; the working folder is another."""
    (tmp_path / "params.yaml").write_text(preset_text("mini"))
    monkeypatch.chdir(REPOSITORY)
    write_results(load_experiment(tmp_path / "params.yaml"), tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "params.yaml"


def test_a_finished_experiment_gives_tables_and_networks(finished: Path) -> None:
    mini = aurl.Experiment(finished)
    assert repr(mini) == "Experiment('mini': mse, ls, ls_e2e, aurl, aurl_no_cg, aurl_centres; seeds 0, 1, 2)"
    metrics, results = mini.metrics(), Results(finished.parent / "results/mini/metrics.csv")
    rows = metrics[(metrics.variant == "ls") & (metrics.dataset == "drawn_ucf") & (metrics.clips == 1)
                   & (metrics.splits == 1) & (metrics.protocol == "half_splits")]  # fmt: skip
    cell = results.cell("ls", "drawn_ucf", 1, 1, "top1")
    assert cell is not None
    assert len(rows) == cell.seeds == 3
    assert rows.top1.mean() == pytest.approx(cell.mean)
    table = mini.table().set_index("Method")
    assert table.loc["Base w/ L_S", "UCF-like top-1"] == pytest.approx(cell.mean, abs=1e-6)
    assert mini.table("sota").shape[0] > 5
    trained = mini.checkpoint()
    assert trained.description["variant"] == "aurl"
    assert trained.encode_classes(["climb"]).shape == (1, 12)


def test_what_is_not_there_is_one_line(finished: Path, tmp_path: Path) -> None:
    mini = aurl.Experiment(finished)
    with pytest.raises(
        AurlError,
        match="no table 'ablations'; did you mean 'ablation'[?] known: ablation, generalised, methods, protocols",
    ):
        mini.table("ablations")
    with pytest.raises(AurlError, match="no seed 9 in experiment 'mini', which has 0, 1, 2"):
        mini.checkpoint("aurl", 9)
    with pytest.raises(AurlError, match="mse/seed1.safetensors: not trained yet"):
        mini.checkpoint("mse", 1)
    with pytest.raises(AurlError, match="unknown variant 'none'"):
        mini.checkpoint("none")
    (tmp_path / "results/mini/metrics.csv").unlink()
    with pytest.raises(AurlError, match="metrics.csv: not made yet; run 'snakemake'"):
        mini.metrics()
