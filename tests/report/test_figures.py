"""The figures: what is drawn, read back and recomputed by hand; equal bytes; experiments with little or nothing."""

import json
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch
from figure_world import CLIPS, EPOCHS, SEEDS, STEPS, VARIANTS, VIDEOS, build, nothing_measured
from matplotlib.axes import Axes

from aurl.evaluation.feature_file import read_features
from aurl.frames.store import FrameStore
from aurl.lineage.blocks import Block, Identity
from aurl.losses import synthetic
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.pipeline.outputs import figure_files
from aurl.report.drawing.cost import cost_drawing
from aurl.report.drawing.draw import draw_figures, write_figures
from aurl.report.drawing.projection import principal_axes
from aurl.report.drawing.style import MOST_BYTES, Drawing, count_artists, embedded_format, encode, styled
from aurl.report.figures import coverage
from aurl.report.figures.base import FigureData, FigureInputs, read_steps
from aurl.report.figures.classes import ClassAccuracy, class_accuracy, draw_classes, strips_of
from aurl.report.figures.coverage import GeneratedClasses, generate
from aurl.report.figures.sphere import chosen_classes, project
from aurl.report.figures.splits import mean_over_seeds
from aurl.system.errors import AurlError

NOTHING = "Nothing was measured yet."
LS = "Base w/ L_S"  # the label of the variant `ls`


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> FigureData:
    """Three variants, two seeds, two test sets."""
    return build(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def drawings(world: FigureData) -> dict[str, Drawing]:
    return {drawing.name: drawing for drawing in draw_figures(world)}


def write(drawings: list[Drawing], folder: Path) -> dict[tuple[str, str], Path]:
    files = {(name, extension): folder / f"{name}.{extension}" for name, extension in figure_files()}
    write_figures(drawings, folder / "index.json", files)
    return files


def predicted(path: Path, clips: int, candidates: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """True and nearest class of every video of the candidate classes, with numpy alone."""
    found = read_features(path)
    videos, classes, labels = found.videos[clips].numpy(), found.classes.numpy(), found.labels.numpy()
    candidates = np.arange(len(classes)) if candidates is None else candidates
    kept = np.isin(labels, candidates)
    cosines = videos[kept] @ (classes / np.linalg.norm(classes, axis=1, keepdims=True))[candidates].T
    return labels[kept], candidates[cosines.argmax(axis=1)]


def metric(inputs: FigureInputs, column: str, **keys: Any) -> np.ndarray:
    table = pd.read_csv(inputs.metrics)
    return table.loc[(table[list(keys)] == pd.Series(keys)).all(axis=1), column].to_numpy()


def test_every_figure_is_written(drawings: dict[str, Drawing], tmp_path: Path) -> None:
    """That a second drawing gives the same bytes is tested in test_figures_contract.py."""
    one = write(list(drawings.values()), tmp_path / "one")
    begins = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}
    for (_, extension), path in one.items():
        assert path.read_bytes().startswith(begins[extension])
    index = json.loads((tmp_path / "one/index.json").read_text())
    assert [(row["name"], extension) for row in index for extension in ("svg", "png", "pdf")] == figure_files()
    for row in index:
        assert set(row) == {"name", "title", "caption", "alt", "embed"}
        assert row["caption"].endswith(".")
        assert row["alt"].endswith(".")
        assert row["embed"] == "svg"
        assert b"<dc:date>" not in one[row["name"], "svg"].read_bytes()
    assert not list(tmp_path.rglob(".*.tmp"))


def test_ablation_and_clips_draw_the_metrics(world: FigureData, drawings: dict[str, Drawing]) -> None:
    bars, points = drawings["ablation"].figure.axes
    keys = [
        {"dataset": d, "variant": v, "clips": 1, "splits": 1} for d in ("micro_ucf", "micro_hmdb") for v in VARIANTS
    ]
    assert [bar.get_height() for bar in bars.patches] == pytest.approx(
        [metric(world.inputs, "top1", **k).mean() for k in keys]
    )
    chance = [
        line.get_ydata()[0] for line in bars.lines if len(set(line.get_ydata())) == 1 and len(line.get_ydata()) == 2
    ]
    assert chance == [pytest.approx(100 / 8), pytest.approx(100 / 6)]
    told = metric(world.inputs, "top1", **keys[0]).mean()
    assert f"UCF-like: Base w/ MSE {told:.1f}, Base w/ L_S " in drawings["ablation"].alt
    for axes in (points, drawings["alignment_uniformity"].figure.axes[0]):
        drawn = [container.lines[0].get_xydata()[0] for container in axes.containers]
        expected = [
            [metric(world.inputs, name, **key).mean() for name in ("closeness", "dispersion")] for key in keys[:3]
        ]
        assert np.array(drawn) == pytest.approx(np.array(expected))
    course = curve(drawings["alignment_uniformity"].figure.axes[2], LS)
    logs = [read_steps(world.inputs.steps["ls", seed]) for seed in SEEDS]
    for column, values in zip(("closeness", "dispersion"), course.get_data(), strict=True):
        assert values[-1] == pytest.approx(np.mean([log[column][-STEPS:].mean() for log in logs]))
        assert values[0] == pytest.approx(np.mean([log[column][:STEPS].mean() for log in logs]))
    clips_curve = drawings["clips"].figure.axes[1].containers[2]
    expected = [metric(world.inputs, "top1", **{**keys[5], "clips": clips}) for clips in CLIPS]
    assert clips_curve.lines[0].get_ydata() == pytest.approx([values.mean() for values in expected])
    spread = [path.vertices[1, 1] - path.vertices[0, 1] for path in clips_curve.lines[2][0].get_paths()]
    assert spread == pytest.approx([2 * values.std(ddof=1) for values in expected])


def test_splits_are_recomputed_and_agree_with_the_metrics(world: FigureData, drawings: dict[str, Drawing]) -> None:
    inputs = world.inputs
    top1 = mean_over_seeds(world, 50)
    for seed, value in enumerate(top1["ls", "micro_ucf", 3]):
        half = np.sort(np.random.RandomState(seed).permutation(8)[:4])
        right = [np.equal(*predicted(inputs.features["ls", s, "micro_ucf"], 3, half)).mean() for s in SEEDS]
        assert value == pytest.approx(100 * np.mean(right))
    axes = drawings["splits"].figure.axes
    assert len(axes) == 4, "two test sets at two numbers of clips"
    points = [np.asarray(found.get_offsets()) for found in axes[1].collections if len(found.get_offsets()) > 1]
    assert [len(found) for found in points] == [3, 3, 3, 10, 10, 10, 50, 50, 50]
    for number, count in enumerate((3, 10, 50)):
        assert points[3 * number + 1][:, 1] == pytest.approx(top1["ls", "micro_ucf", 3][:count])
        expected = metric(inputs, "top1", dataset="micro_ucf", variant="ls", clips=3, splits=count).mean()
        assert points[3 * number + 1][:, 1].mean() == pytest.approx(expected, abs=1e-5)
    assert "no independent samples" in drawings["splits"].caption


def test_sphere_keeps_angles_and_shows_the_same_classes(world: FigureData, drawings: dict[str, Drawing]) -> None:
    assert chosen_classes(101).tolist() == [0, 11, 22, 33, 44, 56, 67, 78, 89, 100]
    assert chosen_classes(6).tolist() == [0, 1, 2, 3, 4, 5]
    assert world.baseline_and_proposed(["mse", "ls", "aurl", "aurl_no_cg"]) == ["ls", "aurl"]
    assert world.baseline_and_proposed(["one"]) == ["one"]
    found = read_features(world.inputs.features["ls", 0, "micro_ucf"])
    flat = replace(found, classes=found.classes[:, :3], videos={1: found.videos[1][:, :3]})
    chosen = np.array([0, 2, 5])
    projected = project(flat, 1, chosen)
    kept = np.isin(found.labels, chosen)
    classes, videos = flat.classes.numpy()[chosen], flat.videos[1].numpy()[kept]
    cosines = videos @ classes.T / np.outer(np.linalg.norm(videos, axis=1), np.linalg.norm(classes, axis=1))
    assert projected.videos @ projected.classes.T == pytest.approx(cosines, abs=1e-5)
    assert projected.share == pytest.approx(1)
    own = cosines[np.arange(12), np.repeat([0, 1, 2], 4)]
    assert projected.own == pytest.approx(own.mean(), abs=1e-5)
    left, right = drawings["sphere"].figure.axes
    assert (left.get_title().split(":")[0], right.get_title().split(":")[0]) == (LS, "AURL")
    for axes in (left, right):
        assert [len(found.get_offsets()) for found in axes.collections] == [1, VIDEOS] * 8
    handles = [text.get_text() for text in drawings["sphere"].figure.legends[0].get_texts()]
    assert handles == ["$1 & <b>", *(f"class {letter}" for letter in "abcdef"), "handstand handstand handstand…"]


def test_principal_axes() -> None:
    rows = np.array([[3.0, 0, 0], [-3, 0, 0], [0, 1, 0], [0, -1, 0]])
    axes, share = principal_axes(rows, 1)
    assert axes == pytest.approx(np.array([[1.0, 0, 0]]))
    assert share == pytest.approx(18 / 20)
    axes, share = principal_axes(rows[:, :2], 3)
    assert axes[2].tolist() == [0, 0]
    assert share == pytest.approx(1)


def test_coverage_is_the_class_generator_on_the_trained_projector(
    world: FigureData, drawings: dict[str, Drawing]
) -> None:
    rng = np.random.default_rng(3)
    seen, unseen = (rng.normal(size=(number, 5)).astype(np.float32) for number in (4, 3))
    checkpoint = world.inputs.checkpoints["aurl", 0]
    settings = synthetic.Settings(weight=1, low=-1, high=2, rows=6)
    made = generate(checkpoint, synthetic.class_generator(settings), seen, {"A": unseen})
    shape = json.loads(checkpoint.with_suffix(".json").read_text())["model"]
    model = ZeroShotModel(ModelShape(**shape)).eval()
    model.load_state_dict(safetensors.torch.load(checkpoint.read_bytes()))
    with torch.no_grad():
        embedded = model.embed_classes(torch.from_numpy(seen)).double().numpy()
    embedded /= np.linalg.norm(embedded, axis=1, keepdims=True)
    mix = -1 + 3 * torch.rand(6, 4, generator=torch.Generator().manual_seed(0)).double().numpy()
    expected = mix @ embedded / np.linalg.norm(mix @ embedded, axis=1, keepdims=True)
    assert made.seen == pytest.approx(embedded)
    assert made.synthetic == pytest.approx(expected, abs=1e-6)
    with styled():
        drawing = coverage.draw_classes(made, "aurl")
    plane, lines = drawing.figure.axes
    assert [len(found.get_offsets()) for found in plane.collections] == [4, 6, 3]
    for line, rows in zip(lines.lines, (made.seen, made.synthetic), strict=True):
        assert line.get_xdata()[1:] == pytest.approx(np.sort((made.unseen["A"] @ rows.T).max(axis=1)))
    nearer = ((made.unseen["A"] @ made.synthetic.T).max(axis=1) > (made.unseen["A"] @ made.seen.T).max(axis=1)).mean()
    assert f"{100 * nearer:.0f} % of the unseen classes are nearer to a synthetic" in drawing.alt
    assert drawings["coverage"].alt.startswith("9 seen, 9 synthetic and 14 unseen classes.")


def test_classes_are_counted_over_seeds(world: FigureData, drawings: dict[str, Drawing]) -> None:
    inputs = world.inputs
    paths = [inputs.features["aurl", seed, "micro_ucf"] for seed in SEEDS]
    found = class_accuracy("UCF-like", map(read_features, paths), 1)
    true, best = (np.concatenate(part) for part in zip(*(predicted(path, 1) for path in paths), strict=True))
    names = read_features(paths[0]).class_names
    for name, value in found.accuracy.items():
        assert value == 100 * (best[true == names.index(name)] == names.index(name)).mean()
    assert all(one >= other for one, other in pairwise(found.accuracy.values()))
    confused = pd.Series(list(zip(true[true != best], best[true != best], strict=True))).value_counts()
    assert [pair.count for pair in found.confused] == confused.iloc[:5].tolist()
    for pair in found.confused:
        assert pair.count == confused[names.index(pair.true), names.index(pair.predicted)]
        assert pair.of == VIDEOS * len(SEEDS)
        assert pair.example.startswith(f"{pair.true}/")
    bars = drawings["classes"].figure.axes[0]
    assert [bar.get_width() for bar in bars.patches] == list(found.accuracy.values())
    pictures = [axes for axes in drawings["classes"].figure.axes if axes.images]
    first = found.confused[0]
    titles = {axes.get_title(loc="left") for axes in pictures}
    assert any(title.endswith(f": {first.count} of {first.of}") for title in titles)
    (image,) = strips_of([first.example], world.videos("micro_ucf"), world.frames("micro_ucf"))
    number = names.index(first.true) * VIDEOS + int(first.example[-5])
    frames = FrameStore(inputs.frames["micro_ucf"]).read(number, np.array([0, 2, 3, 5, 6, 8]))
    assert image.shape == (16, 6 * 16 + 5 * 2, 3)
    assert (image[:, :16] == frames[0]).all()
    assert (image[:, -16:] == frames[-1]).all()
    assert any(np.array_equal(axes.images[0].get_array(), image) for axes in pictures)


def test_classes_stand_in_columns_of_readable_length() -> None:
    accuracy = {f"a class with a rather long name {number}": float(number % 100) for number in range(101)}
    with styled():
        figure = draw_classes("aurl", [ClassAccuracy("UCF101", accuracy, [])], [[]], 1, 1).figure
        figure.draw_without_rendering()
    columns = [axes for axes in figure.axes if axes.patches]
    assert [len(axes.patches) for axes in columns] == [51, 50]
    for axes in columns:
        boxes = [label.get_window_extent() for label in axes.get_yticklabels()]
        assert min(box.x0 for box in boxes) >= 0, "cut off"
        assert all(upper.y0 >= lower.y1 - 1 for upper, lower in pairwise(boxes)), "one over the other"


def test_training_curves_are_means_over_epochs(world: FigureData, drawings: dict[str, Drawing]) -> None:
    logs = {seed: pd.read_csv(world.inputs.steps["ls", seed]) for seed in SEEDS}
    axes = {found.get_ylabel(): found for found in drawings["training"].figure.axes if found.lines}
    assert list(axes) == [
        "loss",
        "training top-1 [%]",
        "MSE, weighted",
        "L_S, weighted",
        "L_US, weighted",
        "learning rate",
    ]
    thick = curve(axes["loss"], LS)
    epochs, values = thick.get_data()
    assert (epochs[0], epochs[-1]) == (1, EPOCHS)
    for epoch in range(1, EPOCHS + 1):
        expected = np.mean([log["loss"][(epoch - 1) * STEPS : epoch * STEPS].mean() for log in logs.values()])
        assert values[list(epochs).index(epoch)] == pytest.approx(expected)
    assert len(axes["loss"].lines) == 3 * (len(SEEDS) + 1)
    assert len(axes["L_US, weighted"].lines) == len(SEEDS) + 1
    (rates,) = axes["learning rate"].lines
    assert rates.get_label() == "Base w/ MSE\nBase w/ L_S\nAURL"
    assert rates.get_ydata() == pytest.approx(logs[0]["rate"].to_numpy())
    last = np.mean([log["top1"][-STEPS:].mean() for log in logs.values()])
    assert f"{LS} {last:.1f} %" in drawings["training"].alt


def curve(axes: Axes, label: str) -> Any:
    return next(line for line in axes.lines if line.get_label() == label)


def test_one_seed_one_test_set(tmp_path: Path) -> None:
    data = build(tmp_path, {"hmdb51": "HMDB51"}, seeds=[0])
    made = {drawing.name: drawing for drawing in draw_figures(data)}
    assert not [name for name, drawing in made.items() if NOTHING in drawing.caption]
    assert "values of the one seed" in made["ablation"].caption
    assert len(made["alignment_uniformity"].figure.axes) == 2, "the test set, and the course of training"
    assert len(made["training"].figure.axes[0].lines) == 3


def test_nothing_measured_yet(world: FigureData, tmp_path: Path) -> None:
    made = draw_figures(nothing_measured(tmp_path))
    assert {drawing.caption for drawing in made} == {NOTHING}
    for drawing in made:
        assert any(text.get_text() == "nothing was measured yet" for text in drawing.figure.texts)
        assert drawing.alt == f"{drawing.title}: nothing was measured yet."
    files = write(made, tmp_path)
    assert all(path.stat().st_size > 1000 for path in files.values())
    imported = FigureData(replace(world.inputs, steps={}, seen_classes=None, checkpoints={}), world.settings)
    empty = [drawing.name for drawing in draw_figures(imported) if drawing.caption == NOTHING]
    assert empty == ["coverage", "training", "tau_sweep"]
    without = FigureData(replace(world.inputs, curves={}), world.settings)
    (together,) = draw_figures(without, ["generalised"])
    assert together.caption == "Not measured: held_out in params.yaml names no videos of the seen classes."


def test_many_artists_or_much_svg_become_a_png() -> None:
    rng = np.random.default_rng(0)
    few, many = (GeneratedClasses(*(rng.normal(size=(n, 4)) for _ in range(2)), {"A": rng.normal(size=(n, 4))})
                 for n in (30, 700))  # fmt: skip
    with styled():
        small, large = (coverage.draw_classes(classes, "aurl").figure for classes in (few, many))
    assert 90 < count_artists(small) < 200
    assert count_artists(large) > 2100
    assert embedded_format(large, b"") == "png"
    assert embedded_format(small, b"") == "svg"
    assert embedded_format(small, b" " * (MOST_BYTES + 1)) == "png"


def test_cost_sums_over_jobs() -> None:
    blocks = []
    for number, (stage, seconds, memory, device) in enumerate(
        [("train", 10.0, 300, "cuda"), ("train", 30.0, 200, "cpu"), ("tables", 0.5, 100, "cpu")]
    ):
        circumstance = {
            "started": f"2026-01-01T00:00:0{number}", "seconds": seconds, "cpu_seconds": seconds / 2,
            "peak_memory_bytes": memory * 2**20,
        }  # fmt: skip
        blocks.append(Block(Identity(stage, {}, {}, {}, {}, {}, {}, device), {}, circumstance))
    drawing = cost_drawing(blocks)
    assert drawing.alt == "Bars of train 40 s wall, 20 s CPU, 300 MiB; tables 0.5 s wall, 0.25 s CPU, 100 MiB."
    left, right = drawing.figure.axes
    assert [bar.get_width() for bar in left.patches] == [40, 0.5, 20, 0.25]
    assert [bar.get_width() for bar in right.patches] == [300, 100]
    assert [label.get_text() for label in left.get_yticklabels()] == ["train (2 on cpu and cuda)", "tables (1 on cpu)"]
    assert encode(cost_drawing(blocks).figure)["svg"] == encode(drawing.figure)["svg"]
    assert cost_drawing([]).caption == NOTHING


def test_a_damaged_log_is_refused_in_one_line(world: FigureData, tmp_path: Path) -> None:
    data = FigureData(replace(world.inputs, steps={("ls", 0): tmp_path / "seed0.steps.csv"}), world.settings)
    text = world.inputs.steps["ls", 0].read_text()
    for damaged in (text[:-3], text.replace("loss", "lost"), text.replace(",0,", ",", 1)):
        data.inputs.steps["ls", 0].write_text(damaged)
        with pytest.raises(AurlError, match=r"unreadable .* make it again") as caught:
            draw_figures(data, ["training"])
        assert "\n" not in str(caught.value)
