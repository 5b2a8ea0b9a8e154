"""A third test set in all tables, in the finding and in the statistics, by params.yaml alone; labels."""

import html
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

import markupsafe
import pytest
from figure_world import build
from matplotlib.text import Text
from table_sources import table_inputs, table_settings, table_sources
from third_test_set import three_test_sets

from aurl.evaluation import labels
from aurl.experiment.read import load_experiment, parse_experiment, read_yaml
from aurl.experiment.settings import Experiment
from aurl.lineage.blocks import Block, Identity
from aurl.pipeline.outputs import FIGURE_FORMATS, TABLE_FORMATS
from aurl.report.drawing.draw import draw_figures, write_figures
from aurl.report.drawing.style import Drawing
from aurl.report.facts import PageFacts, Verdict
from aurl.report.figures.base import FigureData
from aurl.report.finding import main_finding
from aurl.report.grid import statistics_grids
from aurl.report.page import PageInputs, write_page
from aurl.report.write_tables import make_tables, write_tables
from aurl.system.errors import AurlError

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def in_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


def test_a_third_test_set_is_in_every_table(tmp_path: Path) -> None:
    experiment = load_experiment(three_test_sets(tmp_path))
    tables = make_tables(table_inputs(experiment, tmp_path), table_settings(experiment))
    for name, rows in (("ablation", ["AURL", "Base w/ L_S"]), ("sota", ["AURL*"])):
        shown = tables[name].display().set_index("Method")
        for column in ("UCF-like top-1", "HMDB-like top-1", "ActivityNet-200 top-1"):
            assert (shown.loc[rows, column] != "").all()
            assert f"{column} fixed low" in tables[name].values()
        assert not shown["ActivityNet-200 top-1"].str.contains("paper").any()
        assert shown.loc[rows, "UCF-like top-1"].str.contains("paper").all()
        assert any(
            note.startswith("activitynet (ActivityNet-200): ") and "2 of the 200 classes of activitynet200" in note
            for note in tables[name].notes
        )
    assert any("44.4 % on UCF101 and 27.4 % on HMDB51" in note for note in tables["ablation"].notes)
    assert [column for column in tables["sota"].text if "Trained" in column] == [
        "Trained on (UCF101)", "Trained on (HMDB51)"
    ]  # fmt: skip
    assert any("AURL against Base w/ L_S, ActivityNet-200: +2.0" in note for note in tables["ablation"].only_files)


def test_a_third_test_set_is_in_the_finding_and_the_statistics(tmp_path: Path) -> None:
    experiment = load_experiment(three_test_sets(tmp_path))
    sources = table_sources(experiment, tmp_path)
    finding = main_finding(
        sources.results, sources.statistics, list(experiment.variants), sources.report, sources.labels
    )
    assert [sentence.text.split(" (")[0] for sentence in finding[:3]] == [
        "On UCF-like", "On HMDB-like", "On ActivityNet-200"
    ]  # fmt: skip
    test_sets = labels.test_set_labels(sources.report)
    (intervals, paired), sentences = statistics_grids(sources.statistics, sources.labels, test_sets, lambda _: None)
    expected = {"UCF-like", "HMDB-like", "ActivityNet-200"}
    assert {row[1].text for row in intervals.rows} == {row[2].text for row in paired.rows} == expected
    assert sentences[-1] == "AURL against Base w/ L_S on ActivityNet-200: 2 seeds: no significant difference."


def test_published_numbers_of_a_third_test_set_are_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = load_experiment(three_test_sets(tmp_path, "ActivityNet"))
    with pytest.raises(AurlError, match="'ActivityNet': not in data/published_results.csv; known: HMDB51, UCF101"):
        table_sources(experiment, tmp_path)
    shutil.copytree("data", tmp_path / "data", ignore=shutil.ignore_patterns("*.bin"))
    with (tmp_path / "data/published_results.csv").open("a") as handle:
        handle.write("ablation,AURL,aurl,1,no,ActivityNet,Sports-1M,top1,12.5,somewhere\n")
        handle.write("sota,Other,,10,no,ActivityNet,Sports-1M,top1,23.5,somewhere\n")
    (tmp_path / "data/authors_predictions_activitynet.csv").write_text("pred,label\na,a\nb,a\n")
    monkeypatch.chdir(tmp_path)
    tables = make_tables(table_inputs(experiment, tmp_path), table_settings(experiment))
    shown = tables["ablation"].display().set_index("Method")["ActivityNet-200 top-1"]
    assert shown["AURL"].endswith("(paper 12.5)")
    assert "paper" not in shown["Base w/ L_S"]
    assert any("50.0 % on ActivityNet" in note for note in tables["ablation"].notes)
    last = tables["sota"].display().iloc[-1]
    assert last["Method"] == "Other"
    assert last["Trained on (ActivityNet)"] == "Sports-1M"
    assert last["ActivityNet-200 top-1"] == "(paper 23.5)"
    assert last["UCF-like top-1"] == last["Trained on (UCF101)"] == ""


def test_one_label_for_a_variant_everywhere(tmp_path: Path) -> None:
    raw = read_yaml(three_test_sets(tmp_path))
    raw["variants"] = {"mine": raw["variants"]["aurl"], "mse": raw["variants"]["mse"], "ls": raw["variants"]["ls"]}
    raw["trained"] = raw["evaluated"] = list(raw["variants"])
    raw |= {"methods": {}, "backbone_features": {"networks": [], "seen_clips": 1}}
    raw["report"] |= {"proposed": "mine", "labels": {"ls": "Plain"}}
    experiment = parse_experiment(raw, "three.yaml")
    sources = table_sources(experiment, tmp_path)
    assert sources.labels == {"mse": "Base w/ MSE", "ls": "Plain", "mine": "mine"}, "published rows first"
    tables = make_tables(sources.inputs, table_settings(experiment))
    methods = tables["ablation"].text["Method"]
    assert methods == ["Base w/ MSE", "Plain", "Base w/ L_S + e2e", "AURL", "AURL w/o CG", "mine"]
    first = main_finding(
        sources.results, sources.statistics, list(experiment.variants), sources.report, sources.labels
    )[0]
    assert "mine" in first.cells
    assert labels.baseline_and_proposed(["mse", "ls", "mine"], experiment.report) == ["ls", "mine"]
    assert labels.baseline_and_proposed(["mse"], experiment.report) == ["mse"]


def test_an_experiment_without_the_proposed_variant(tmp_path: Path) -> None:
    raw = read_yaml(three_test_sets(tmp_path))
    raw |= {
        "variants": {"mse": raw["variants"]["mse"], "ls": raw["variants"]["ls"]},
        "trained": ["mse", "ls"],
        "evaluated": ["mse", "ls"],
        "methods": {},
        "backbone_features": {"networks": [], "seen_clips": 1},
    }
    experiment = parse_experiment(raw, "three.yaml")
    sources = table_sources(experiment, tmp_path)
    first = main_finding(
        sources.results, sources.statistics, list(experiment.variants), sources.report, sources.labels
    )[0]
    assert set(first.cells) == {"Base w/ MSE", "Base w/ L_S"}
    shown = make_tables(sources.inputs, table_settings(experiment))["ablation"].display().set_index("Method")
    assert shown.loc["AURL", "UCF-like top-1"] == "(paper 44.4)"


def page_of(experiment: Experiment, folder: Path, figures: Sequence[Drawing] = ()) -> str:
    """Write the page of an experiment that was measured, and return its text."""
    inputs = table_inputs(experiment, folder)
    tables = make_tables(inputs, table_settings(experiment))
    files = {(name, extension): folder / f"{name}.{extension}" for name in tables for extension in TABLE_FORMATS}
    write_tables(tables, files)
    pictures = {
        (each.name, extension): folder / f"{each.name}.{extension}" for each in figures for extension in FIGURE_FORMATS
    }
    write_figures(figures, folder / "index.json", pictures)
    artefacts = {
        (variant, dataset): [f"metrics/{variant}/{dataset}.json"]
        for variant in experiment.variants
        for dataset in experiment.unseen
    }
    outputs = {path: "0" * 64 for paths in artefacts.values() for path in paths}
    times = {"seconds": 1.0, "cpu_seconds": 1.0, "peak_memory_bytes": 9, "started": "now"}
    block = Block(Identity("seen_classes", {}, {}, {}, {}, {}, {}, "cpu"), outputs, times)
    facts = PageFacts(
        "today", experiment.model_dump(mode="json"), None, [], {"seen_classes": 1}, set(), artefacts, {},
        Verdict(None, "none", []),
    )  # fmt: skip
    page = PageInputs(
        inputs.metrics, tables, files, folder, inputs.statistics, dict(inputs.manifests), experiment.datasets, [block]
    )
    write_page(page, facts, list(experiment.variants), experiment.report, folder / "report.html")
    return (folder / "report.html").read_text()


def test_the_page_shows_labels_and_the_titles_of_the_tables(tmp_path: Path) -> None:
    """Without a browser: the text of the page."""
    text = page_of(load_experiment(three_test_sets(tmp_path)), tmp_path)
    titles = ["Ablation", "Comparison with other methods", "Strict labels", "Intervals", "Paired tests"]
    places = [text.index(f"<h3>{title}</h3>") for title in titles]
    assert places == sorted(places)
    assert "<summary>AURL on ActivityNet-200</summary>" in text
    assert "Files that AURL on ActivityNet-200 was computed from" in text
    assert '<a href="#cell-aurl-activitynet">' in text
    assert 'follows from the result of the stage <a href="#job-0">seen_classes</a>' in text
    assert "AURL against Base w/ L<sub>S</sub> on ActivityNet-200: 2 seeds" in text


def test_table_figures_statistics_and_page_name_a_variant_alike(tmp_path: Path) -> None:
    raw = read_yaml(three_test_sets(tmp_path))
    raw["variants"] = {name: raw["variants"][name] for name in ("mse", "ls", "aurl")}
    raw["trained"] = raw["evaluated"] = list(raw["variants"])
    raw |= {"methods": {}, "backbone_features": {"networks": [], "seen_clips": 1}}
    raw["report"]["labels"] = {"ls": "Plain <b>", "aurl": "Ours"}
    experiment = parse_experiment(raw, "three.yaml")
    expected = {"Base w/ MSE", "Plain <b>", "Ours"}
    keys = re.compile(r"\b(mse|ls|aurl)\b")

    sources = table_sources(experiment, tmp_path)
    tables = make_tables(sources.inputs, table_settings(experiment))
    assert set(tables["ablation"].text["Method"]) & expected == expected
    assert not [text for text in tables["ablation"].text["Method"] if keys.search(text)]
    assert any(note.startswith("Ours against Plain <b>, ") for note in tables["ablation"].only_files)

    test_sets = labels.test_set_labels(experiment.report)
    (intervals, paired), sentences = statistics_grids(sources.statistics, sources.labels, test_sets, str)
    assert {row[0].text for row in intervals.rows} == expected
    assert {(row[0].text, row[1].text) for row in paired.rows} == {("Ours", "Plain <b>")}
    assert all(sentence.startswith("Ours against Plain <b> on ") for sentence in sentences)

    world = build(tmp_path / "world")
    shown = world.settings["report"].model_copy(update={"labels": experiment.report.labels})
    drawings = draw_figures(FigureData(world.inputs, {**world.settings, "report": shown}))
    named = {"sphere": {"Plain <b>", "Ours"}, "classes": {"Ours"}, "coverage": {"Ours"}, "tau_sweep": set()}
    for drawing in drawings:
        drawn = [artist.get_text() for artist in drawing.figure.findobj(Text)]
        wanted = named.get(drawing.name, expected)
        assert {label for label in expected if label in drawing.alt + drawing.caption} == wanted, drawing.name
        if drawing.name in ("ablation", "alignment_uniformity", "splits", "training", "clips", "sphere"):
            assert {label for label in expected if any(label in text for text in drawn)} == wanted, drawing.name
        assert not [text for text in (drawing.alt, drawing.caption, *drawn) if keys.search(text)], drawing.name

    page = page_of(experiment, tmp_path, drawings[:2])
    for label in map(html.escape, expected):
        assert f"<summary>{label} on UCF-like</summary>" in page
        assert len(re.findall(rf'<th scope="row" class="text">{re.escape(label)}</th>', page)) >= 3, "of three tables"
    for drawing in drawings[:2]:
        assert f'alt="{markupsafe.escape(drawing.alt)}"' in page


def test_labels_and_names_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    raw = read_yaml(three_test_sets(tmp_path))
    changes = {
        "report.labels: 'other' is none of the variants": {"labels": {"other": "x"}},
        r"report.labels: \['x', 'x'\] names a value twice": {"labels": {"ls": "x", "mse": "x"}},
        "test_sets.anet.published: this key is missing; write UCF101, HMDB51 or null for the old results": {
            "test_sets": {**raw["report"]["test_sets"], "anet": {"dataset": "activitynet", "label": "A"}}
        },
        r"report.test_sets: label: \['A', 'A'\] names a value twice": {
            "test_sets": {key: {**raw["report"]["test_sets"][key], "label": "A"} for key in ("ucf101", "hmdb51")}
        },
        "report.closeness_of: 'ucf' is not in report.test_sets": {"closeness_of": "ucf"},
    }
    for message, change in changes.items():
        with pytest.raises(AurlError, match=message):
            parse_experiment({**raw, "report": {**raw["report"], **change}}, "three.yaml")
    same = parse_experiment({**raw, "report": {**raw["report"], "labels": {"ls": "AURL"}}}, "three.yaml")
    with pytest.raises(AurlError, match="variants 'ls' and 'aurl' have the same label 'AURL'"):
        labels.variant_labels(same.variants, same.report)
    old = {key: value for key, value in raw["report"].items() if key != "proposed"}
    with pytest.raises(
        AurlError, match="report.proposed: this key is missing; write aurl for the old results"
    ) as caught:
        parse_experiment({**raw, "report": old}, "three.yaml")
    assert "\n" not in str(caught.value)
