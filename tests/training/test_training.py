"""Training: schedule, batches, seeds, repeatability, resume after a kill, checkpoints."""

import json
import math
from pathlib import Path

import golden
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from aurl.experiment.presets import load_preset
from aurl.experiment.settings import Experiment, OptimizerSettings, TrainingSettings
from aurl.frames.packing import encode_jpegs, write_index, write_shard
from aurl.frames.store import FrameStore
from aurl.models.checkpoint import load_model
from aurl.system.errors import AurlError
from aurl.training import loop
from aurl.training.batches import ClipBatches
from aurl.training.loop import TrainingData, TrainingOutputs, train, whole_batches
from aurl.training.optimizer import learning_rate
from aurl.training.resume import load_resume
from aurl.training.seeds import AXES, axis_seeds, step_seed
from aurl.training.step import measure_batch

VARIANTS = ("mse", "ls", "ls_e2e", "aurl", "aurl_no_cg", "aurl_mix", "rest")


@pytest.fixture(scope="module")
def micro() -> Experiment:
    """The preset micro, with the end-to-end rows that methods adds."""
    micro, more = load_preset("micro"), load_preset("methods").variants
    return micro.model_copy(update={"variants": micro.variants | {name: more[name] for name in golden.MORE}})


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> TrainingData:
    """24 videos of 6 classes, a colour each, random class embeddings, and 1 to 3 words of each class."""
    folder = tmp_path_factory.mktemp("store")
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(6), 4)
    videos = []
    for label in labels:
        frames = np.full((int(rng.integers(5, 12)), 16, 16, 3), 40 * label, np.uint8)
        videos.append(encode_jpegs(frames + rng.integers(0, 30, frames.shape, dtype=np.uint8), 90, "444"))
    pair = (folder / "0.jpegs", folder / "0.safetensors")
    write_shard(*pair, videos)
    write_index([pair], {"size": 16, "quality": 90, "chroma": "444"}, folder / "index.json")
    embeddings = torch.from_numpy(rng.normal(size=(6, 300)).astype(np.float32))
    words = [torch.from_numpy(rng.normal(size=(1 + row % 3, 300)).astype(np.float32)) for row in range(6)]
    return TrainingData(list("abcdef"), embeddings, np.arange(24), labels, FrameStore(folder / "index.json"), words)


def outputs(folder: Path) -> TrainingOutputs:
    return TrainingOutputs(
        folder / "m.safetensors", folder / "m.json", folder / "m.steps.csv", folder / "resume.safetensors"
    )


def run(
    data: TrainingData, micro: Experiment, variant: str, folder: Path, seed: int = 0, **changes: object
) -> TrainingOutputs:
    made = outputs(folder)
    training = micro.training.model_copy(update=changes)
    train(data, variant, seed, micro.model, training, micro.variants[variant], made, "identity")
    return made


def test_axis_seeds_are_apart_and_fixed() -> None:
    assert set(axis_seeds(0)) == set(AXES)
    values = [value for seed in range(20) for value in axis_seeds(seed).values()]
    assert len(set(values)) == len(values)
    assert all(0 <= value < 2**63 for value in values)
    assert axis_seeds(3) == axis_seeds(3)
    assert step_seed(5, 1) != step_seed(5, 2)


def test_learning_rate_by_hand() -> None:
    cosine = OptimizerSettings(name="sgd", lr=0.2, schedule="cosine", warmup_epochs=1)
    rates = [learning_rate(step, 10, 60, cosine) for step in range(60)]
    assert rates[0] == 0
    assert rates[5] == pytest.approx(0.1)
    assert rates[10] == pytest.approx(0.2)
    assert rates[35] == pytest.approx(0.2 * 0.5 * (1 + math.cos(math.pi * 25 / 50)))
    assert rates[59] < 0.001
    steps = OptimizerSettings(name="adam", lr=0.1, schedule="steps", milestones=[2, 4.5], gamma=0.1)
    assert [learning_rate(step, 10, 60, steps) for step in (0, 19, 20, 44, 45)] == pytest.approx(
        [0.1, 0.1, 0.01, 0.01, 0.001]
    )


def test_an_epoch_is_a_permutation_cut_to_whole_batches(data: TrainingData) -> None:
    batches = ClipBatches(
        data.store, data.videos, data.labels, batch_size=5, steps_per_epoch=4, epochs=2, clip_length=4,
        shuffling_seed=1, clip_starts_seed=2,
    )  # fmt: skip
    assert len(batches) == 8
    orders = []
    for epoch in range(2):
        batches._plan(epoch)
        orders.append(batches._order.tolist())
        assert sorted(orders[-1]) == list(range(24))
    assert orders[0] != orders[1]
    clips, labels = batches[5]
    assert clips.shape == (5, 4, 16, 16, 3)
    assert clips.dtype == torch.uint8
    assert labels.tolist() == data.labels[orders[1][5:10]].tolist()
    assert (clips.float().mean(dim=(1, 2, 3, 4)) / 40).int().tolist() == labels.tolist()  # brightness tells the class
    again, _ = batches[5]
    assert torch.equal(clips, again)


@given(st.integers(2, 500), st.integers(2, 64), st.none() | st.integers(1, 600))
def test_whole_batches(videos: int, batch: int, cut: int | None) -> None:
    optimizer = OptimizerSettings(name="sgd", lr=1, schedule="cosine")
    training = TrainingSettings(epochs=1, batch_size=batch, epoch_videos=cut, optimizer=optimizer)
    expected = min(videos, cut or videos) // batch
    if expected:
        assert whole_batches(videos, training) == expected
    else:
        with pytest.raises(AurlError, match="training.batch_size"):
            whole_batches(videos, training)


def test_the_papers_schedule_has_58500_steps() -> None:
    optimizer = OptimizerSettings(name="sgd", lr=0.05, schedule="cosine")
    training = TrainingSettings(epochs=150, batch_size=256, epoch_videos=100_000, optimizer=optimizer)
    assert whole_batches(521_647, training) * 150 == 58_500


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_trains_and_repeats_to_the_byte(
    data: TrainingData, micro: Experiment, variant: str, tmp_path: Path
) -> None:
    one, two = run(data, micro, variant, tmp_path / "1"), run(data, micro, variant, tmp_path / "2")
    for left, right in zip(
        (one.checkpoint, one.description, one.steps), (two.checkpoint, two.description, two.steps), strict=True
    ):
        assert left.read_bytes() == right.read_bytes()
    other = run(data, micro, variant, tmp_path / "3", seed=1)
    assert other.checkpoint.read_bytes() != one.checkpoint.read_bytes()
    table = pd.read_csv(one.steps)
    assert list(table.columns) == [
        "step",
        "epoch",
        "rate",
        "top1",
        "closeness",
        "dispersion",
        "loss",
        *micro.variants[variant].losses,
    ]
    assert table["step"].tolist() == list(range(8))
    np.testing.assert_allclose(table[list(micro.variants[variant].losses)].sum(axis=1), table["loss"], atol=1e-4)


def test_training_learns(data: TrainingData, micro: Experiment, tmp_path: Path) -> None:
    steps = pd.read_csv(run(data, micro, "ls_e2e", tmp_path, epochs=60).steps)
    assert steps["loss"].tail(20).mean() < 0.5 * steps["loss"].head(20).mean()
    assert steps["top1"].tail(20).mean() > 50  # chance is 17


@pytest.mark.parametrize("variant", ["mse", "aurl", "aurl_mix", "rest"])
def test_a_killed_training_resumes_to_the_same_bytes(
    data: TrainingData, micro: Experiment, variant: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(data, micro, variant, tmp_path / "whole", resume_every=3)

    class Killed(BaseException):
        """Stands for SIGKILL: nothing in the loop may catch it."""

    save = loop.save_resume

    def save_and_die(*arguments: object) -> None:
        save(*arguments)  # type: ignore[arg-type]
        if arguments[2] == 6:
            raise Killed

    monkeypatch.setattr(loop, "save_resume", save_and_die)
    with pytest.raises(Killed):
        run(data, micro, variant, tmp_path / "part", resume_every=3)
    part = outputs(tmp_path / "part")
    assert not part.checkpoint.exists()
    state = load_resume(part.resume, "identity")
    assert state is not None
    assert state.step == 6
    monkeypatch.setattr(loop, "save_resume", save)
    run(data, micro, variant, tmp_path / "part", resume_every=3)
    for left, right in (
        (whole.checkpoint, part.checkpoint),
        (whole.steps, part.steps),
        (whole.description, part.description),
    ):
        assert left.read_bytes() == right.read_bytes()
    assert not part.resume.exists()


def test_a_resume_state_of_another_training_or_a_damaged_one_is_ignored(
    data: TrainingData, micro: Experiment, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = torch.nn.Linear(2, 2)
    path = tmp_path / "resume.safetensors"
    loop.save_resume(path, "other", 3, model, torch.optim.SGD(model.parameters(), lr=1), torch.zeros(3, 4))
    assert load_resume(path, "identity") is None
    assert "other inputs or settings" in capsys.readouterr().err
    path.write_bytes(path.read_bytes()[:-9])
    assert load_resume(path, "other") is None
    assert "unreadable resume state" in capsys.readouterr().err
    assert load_resume(tmp_path / "none", "other") is None


def test_divergence_is_an_error_and_leaves_nothing(data: TrainingData, micro: Experiment, tmp_path: Path) -> None:
    broken = TrainingData(data.classes, data.embeddings * float("nan"), data.videos, data.labels, data.store)
    with pytest.raises(AurlError, match="the loss is nan at step 0"):
        run(broken, micro, "ls", tmp_path)
    assert list(tmp_path.glob("*")) == []


def test_checkpoint_rebuilds_the_model(data: TrainingData, micro: Experiment, tmp_path: Path) -> None:
    made = run(data, micro, "aurl", tmp_path)
    model, described = load_model(made.checkpoint, made.description)
    assert described["classes"] == list("abcdef")
    assert described["variant"] == "aurl"
    assert not model.training
    assert model.visual_centres is not None
    assert model.visual_centres.shape == (6, 16)
    json.loads(made.description.read_text())
    made.checkpoint.write_bytes(made.checkpoint.read_bytes()[:-1])
    with pytest.raises(AurlError, match="not a usable checkpoint"):
        load_model(made.checkpoint, made.description)


def test_batches_do_not_depend_on_workers(data: TrainingData, micro: Experiment, tmp_path: Path) -> None:
    compute = micro.training.compute
    one = run(data, micro, "ls", tmp_path / "0")
    two = run(data, micro, "ls", tmp_path / "2", compute=compute.model_copy(update={"workers": 2}))
    assert one.checkpoint.read_bytes() == two.checkpoint.read_bytes()


def test_20_steps_of_every_variant_give_the_golden_numbers() -> None:
    expected = pd.read_csv(golden.GOLDEN)
    found = golden.all_variants()[expected.columns]
    pd.testing.assert_frame_equal(found, expected, rtol=1e-7, atol=1e-9, check_dtype=False)
    first = expected.groupby("variant").first()
    assert (expected.groupby("variant").last()["weights"] != first["weights"]).all()


def test_golden_steps_of_the_end_to_end_rows() -> None:
    expected = pd.read_csv(golden.END_TO_END)
    found = golden.more_variants()[expected.columns]
    pd.testing.assert_frame_equal(found, expected, rtol=1e-7, atol=1e-9, check_dtype=False)
    mixed = expected[expected["variant"] == "aurl_mix"]["mixed_videos"]
    assert (mixed[::2] == 0).all()
    assert (mixed[1::2] > 0).all()


def test_measures_of_a_batch_by_hand() -> None:
    videos = torch.tensor([[2.0, 0.0], [0.0, 3.0], [0.6, 0.8], [1.0, 0.0]], dtype=torch.float64)
    classes = torch.tensor([[5.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    top1, closeness, dispersion = measure_batch(videos, classes, torch.tensor([0, 1, 1, 1])).tolist()
    assert top1 == 75, "the last clip is nearer to the other class"
    assert closeness == pytest.approx((0 + 0 + (1 - 0.8) + 1) / 4)
    assert dispersion == pytest.approx((0 + 1 + (1 - 0.6) + 0) / 4), "to the nearest clip of another class"
    assert torch.isnan(measure_batch(videos, classes, torch.tensor([1, 1, 1, 1]))[2])
