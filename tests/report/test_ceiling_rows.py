"""The ceilings below the ablation table of a rendered experiment."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from table_sources import table_inputs, table_settings

from aurl.datasets.world import world_classes
from aurl.evaluation.ceilings import compute_ceilings
from aurl.experiment.presets import load_preset
from aurl.experiment.settings import Experiment, RenderSettings, SourceSettings
from aurl.report.figures.ablation import DOTTED, draw
from aurl.report.figures.base import FigureData, FigureInputs
from aurl.report.tables import ablation
from aurl.report.tables.base import TableInputs, TableSettings
from aurl.report.write_tables import read_sources
from aurl.semantics.classes import read_embeddings, read_seen_classes
from aurl.semantics.seen import write_seen_classes

REPOSITORY = Path(__file__).resolve().parents[2]
LABELS = ["Chance", "Linear map of the words", "Oracle (true factors)"]


@pytest.fixture
def experiment(monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.chdir(REPOSITORY)
    return load_preset("micro")


@pytest.fixture
def inputs(experiment: Experiment, tmp_path: Path) -> TableInputs:
    """What the table reads of a finished micro, with made-up numbers and embeddings."""
    embeddings = {name: tmp_path / f"{name}.safetensors" for name in experiment.datasets}
    for name, path in embeddings.items():
        classes = sorted(one.name for one in world_classes(rendered(experiment, name)))
        described = {"classes": classes, "tokens": {one: [one] for one in classes}, "dropped": {}}
        vectors = np.random.default_rng(len(classes)).normal(size=(len(classes), 5)).astype(np.float32)
        path.write_bytes(safetensors.numpy.save({"embeddings": vectors}, {"aurl": json.dumps(described)}))
    tested = {name: embeddings[name] for name in experiment.unseen}
    write_seen_classes(embeddings[experiment.seen], tested, 0.05, None, tmp_path / "seen.csv")
    made = table_inputs(experiment, tmp_path)
    return replace(made, embeddings=embeddings, seen_classes=tmp_path / "seen.csv")


def rendered(experiment: Experiment, name: str) -> RenderSettings:
    render = experiment.datasets[name].source.render
    assert render is not None
    return render


def rows_of(inputs: TableInputs, settings: TableSettings) -> tuple[list[str], list[str]]:
    """The methods and the notes of the table."""
    table = ablation.make_table(read_sources(inputs, settings))
    return table.text["Method"], table.notes


def test_the_last_rows_are_the_ceilings(experiment: Experiment, inputs: TableInputs) -> None:
    table = ablation.make_table(read_sources(inputs, table_settings(experiment)))
    assert table.text["Method"][-3:] == LABELS
    assert table.text["Method"].count("Chance") == 1
    kept = read_seen_classes(inputs.seen_classes, strict=True)  # type: ignore[arg-type]
    for key, test_set in experiment.report.test_sets.items():
        limits = compute_ceilings(
            rendered(experiment, experiment.seen), read_embeddings(inputs.embeddings[experiment.seen]), kept,
            rendered(experiment, test_set.dataset), read_embeddings(inputs.embeddings[test_set.dataset]),
        )  # fmt: skip
        cells = table.quantities[f"{test_set.label} top-1"][-3:]
        means = [cell.measured.mean for cell in cells if cell.measured is not None]
        assert means == [limits.chance, limits.linear, limits.oracle], key
        assert [cell.interval for cell in cells] == [None] * 3
        assert [cell.published for cell in cells] == [None] * 3
    for column in ("Closeness (UCF-like)", "Dispersion (UCF-like)"):
        assert [cell.measured for cell in table.quantities[column][-3:]] == [None] * 3
    for column in ("L_S", "e2e", "L_US", "CG"):
        assert table.text[column][-3:] == [""] * 3
    assert ablation.CEILINGS_NOTE in table.notes


@pytest.mark.parametrize("name", ["micro_seen", "micro_hmdb"])
def test_no_ceilings_where_a_dataset_is_not_rendered(experiment: Experiment, inputs: TableInputs, name: str) -> None:
    folder = experiment.datasets[name].model_copy(update={"source": SourceSettings(folder="videos")})
    settings = replace(table_settings(experiment), datasets={**experiment.datasets, name: folder})
    methods, notes = rows_of(inputs, settings)
    assert not set(LABELS) & set(methods)
    assert ablation.CEILINGS_NOTE not in notes


@pytest.mark.parametrize("absent", ["seen_classes", "micro_seen", "micro_ucf"])
def test_no_ceilings_where_an_input_is_absent(experiment: Experiment, inputs: TableInputs, absent: str) -> None:
    if absent == "seen_classes":
        inputs = replace(inputs, seen_classes=None)
    else:
        inputs = replace(inputs, embeddings={k: path for k, path in inputs.embeddings.items() if k != absent})
    methods, notes = rows_of(inputs, table_settings(experiment))
    assert not set(LABELS) & set(methods)
    assert ablation.CEILINGS_NOTE not in notes


def test_the_figure_draws_the_linear_map(experiment: Experiment, inputs: TableInputs) -> None:
    files = FigureInputs(inputs.metrics, inputs.seen_classes, {}, {}, {}, {}, {}, dict(inputs.embeddings))
    settings = {
        "report": experiment.report, "variants": experiment.variants, "evaluated": experiment.evaluated, "methods": {},
        "external": {},
        "datasets": experiment.datasets,
        "seen": experiment.seen, "evaluation.clips": experiment.evaluation.clips,
    }  # fmt: skip
    data = FigureData(files, settings)
    drawing = draw(data)
    dotted = [line.get_ydata()[0] for line in drawing.figure.axes[0].lines if line.get_linestyle() == ":" or
              getattr(line, "_unscaled_dash_pattern", (0, None))[1] == DOTTED[1]]  # fmt: skip
    attained = [data.ceilings[name].linear for name in data.test_sets]
    assert [value for value in dotted if value in attained] == attained
    assert all(f"{value:.1f} on " in drawing.caption for value in attained)
    elsewhere = FigureData(replace(files, embeddings={}), settings)
    assert "linear map" not in draw(elsewhere).caption
