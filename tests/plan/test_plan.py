"""The plan: counts by hand, FLOPs against torchvision's figure, and a plan of every preset."""

from pathlib import Path

import pytest

from aurl.experiment.presets import load_preset
from aurl.experiment.settings import Experiment
from aurl.fetch.sources import load_sources
from aurl.plan.cost import clip_cost, measure_step
from aurl.plan.data import DatasetPlan, plan_dataset, sample_videos
from aurl.plan.report import evaluation_clips, largest_shape, plan_experiment, training_clips
from aurl.plan.vocabulary import expected_classes, unknown_words

REPOSITORY = Path(__file__).resolve().parents[2]
TORCHVISION_GMACS = 40.519  # of r2plus1d_18 on a clip of 16 x 112 x 112, as its documentation states


@pytest.fixture(autouse=True)
def in_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


def preset(name: str) -> Experiment:
    return load_preset(name)


def known(videos: int | None) -> DatasetPlan:
    return DatasetPlan("x", "", videos, 10, None, "")


@pytest.mark.slow
def test_flops_of_the_papers_model_are_torchvisions() -> None:
    paper = preset("paper")
    cost = clip_cost(largest_shape(paper), 16, 112)
    projector = 2 * (512 * 2048 + 2 * 2048 * 2048)
    assert cost.forward == pytest.approx(2e9 * TORCHVISION_GMACS + projector, rel=1e-3)
    first_layer = 2 * 3 * 7 * 7 * 45 * 16 * 56 * 56  # needs no gradient for its input
    assert cost.training == pytest.approx(3 * cost.forward - first_layer, rel=1e-3)


def test_bytes_kept_grow_with_the_clip() -> None:
    micro = largest_shape(preset("micro"))
    small, large = (clip_cost(micro, length, 16).kept_bytes for length in (4, 8))
    assert 1.8 < large / small <= 2


def test_counts_by_hand() -> None:
    paper = preset("paper")
    assert training_clips(paper, known(558_278)) == training_clips(paper, known(None)) == 150 * 390 * 256
    assert training_clips(paper, known(1000)) == 150 * 768
    assert training_clips(preset("ucf101"), known(None)) is None
    assert evaluation_clips(paper, [known(13_320), known(6_766)]) == 26 * 20_086
    assert evaluation_clips(paper, [known(13_320), known(None)]) is None


def test_a_dataset_that_is_here_is_counted_and_sampled(corpus: dict[str, Path], tmp_path: Path) -> None:
    for name in ("run", "jump"):
        (tmp_path / name).mkdir()
        for number in range(2):
            (tmp_path / name / f"{number}.mp4").write_bytes(corpus["h264"].read_bytes())
    settings = preset("samples").datasets["ucf101"]
    source = settings.source.model_copy(update={"folder": str(tmp_path), "layout": "class_folders"})
    frames = preset("micro").frames
    plan = plan_dataset("x", settings.model_copy(update={"source": source}), frames, None)
    assert (plan.videos, plan.classes, plan.missing) == (4, 2, "")
    assert plan.sample is not None
    one = sample_videos([corpus["h264"]], 1, size=frames.size, quality=frames.quality, chroma=frames.chroma)
    assert plan.store_bytes == pytest.approx(4 * one.frames * one.bytes_per_frame)
    (tmp_path / "run" / "0.mp4").write_bytes(b"")
    assert sample_videos([tmp_path / "run" / "0.mp4", corpus["h264"]], 2, size=16, quality=90, chroma="444").videos == 1


def test_what_is_not_here_is_named() -> None:
    text = "\n".join(plan_experiment(preset("micro"), load_sources(Path("data/sources.yaml"))))
    assert "micro_seen (seen)" in text
    assert "Nothing is missing." in text
    absent = preset("paper").datasets["kinetics700"]
    source = absent.source.model_copy(update={"folder": "no/such/folder"})
    official = load_sources(Path("data/sources.yaml"))["kinetics700"]
    plan = plan_dataset("k", absent.model_copy(update={"source": source}), preset("paper").frames, official)
    assert plan.missing == "no folder no/such/folder"
    assert (plan.videos, plan.classes) == (558_278, 700)


def test_the_plan_fits_a_terminal_and_names_what_is_missing_first() -> None:
    text = "\n".join(plan_experiment(preset("paper"), load_sources(Path("data/sources.yaml"))))
    assert max(map(len, text.splitlines())) <= 80
    assert text.index("Missing:") < text.index("dataset ") < text.index("Training: 7 networks") < text.index("H100")
    assert "(s)" not in text
    row = next(line for line in text.splitlines() if line.startswith("A100 "))
    assert row.split()[1] == "93.6", "30 % of 312 TFLOP/s"
    expected = 3.63e18 / 93.6e12 / 3600
    assert float(row.split()[2]) == pytest.approx(expected, rel=0.01)
    assert row.endswith("estimate")
    assert "timed:" not in text, "no step of a large network is timed on a CPU"


def test_unknown_words_are_named_before_anything_runs(tmp_path: Path) -> None:
    micro = preset("micro")
    classes = {name: expected_classes(dataset) for name, dataset in micro.datasets.items()}
    assert {name: len(names) > 0 for name, names in classes.items()} == dict.fromkeys(micro.datasets, True)
    assert list(unknown_words(micro, classes)) == []
    (tmp_path / "v.txt").write_text("1 2\narchery 1 0\n")
    encoder = micro.semantics.encoder.model_copy(update={"vectors": str(tmp_path / "v.txt"), "dimension": 2})
    semantics = micro.semantics.model_copy(update={"encoder": encoder})
    poor = micro.model_copy(update={"semantics": semantics})
    lines = list(unknown_words(poor, classes))
    assert len(lines) == len(classes)
    assert all("the vectors do not know " in line and line.endswith("the run stops there") for line in lines)
    (tmp_path / "v.txt").write_bytes(b"nonsense\xff\x00")
    (line,) = unknown_words(poor, classes)
    assert str(tmp_path / "v.txt") in line


def test_a_step_is_timed_on_this_machine() -> None:
    micro = preset("micro")
    speed = measure_step(micro, largest_shape(micro), "cpu", 4)
    assert speed.kind == "cpu"
    assert 0 < speed.seconds < 5
