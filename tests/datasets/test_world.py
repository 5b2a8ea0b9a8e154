"""The embedded world: its table, and what its videos show of the factors."""

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import av
import numpy as np
import pytest
from scipy.spatial.distance import pdist
from scipy.stats import spearmanr

from aurl.datasets.ingest import ingest_rendered
from aurl.datasets.rendered import PERIOD, draw, render_video
from aurl.datasets.table import iterate_table
from aurl.datasets.world import FACTORS, SPREAD, WorldClass, video_factors, video_random, world_classes, world_table
from aurl.experiment.data import RENDERED_CLASSES
from aurl.experiment.settings import RenderSettings
from aurl.system.errors import AurlError

WORLD = RenderSettings(classes_of="ucf101", first_class=3, classes=3, videos_per_class=2, frames=(9, 12), codec="h264")
PLAIN = np.array([0.3, 0.3, 0.3, 0.8, 0.8, 0.8, 0.0, 0.0, 0.0])  # a light disc that stays before a dark ground


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rendered_world", "tools/rendered_world.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def known(tool: ModuleType) -> tuple[list[tuple[str, str]], np.ndarray]:
    """Every (dataset, class) whose words have vectors, and the class embeddings."""
    classes, embeddings = tool.known_classes()
    return classes, embeddings


def factors() -> np.ndarray:
    return np.stack([shown.factors for listed in world_table().values() for shown in listed])


def test_the_table_is_what_its_script_computes(
    tool: ModuleType, known: tuple[list[tuple[str, str]], np.ndarray]
) -> None:
    classes, embeddings = known
    listed = [(dataset, shown.name) for dataset, listed in world_table().items() for shown in listed]
    assert listed == classes
    np.testing.assert_allclose(factors(), tool.factors_of(embeddings), atol=1e-3)


def test_the_table_holds_the_classes_that_settings_allow() -> None:
    assert {dataset: len(listed) for dataset, listed in world_table().items()} == RENDERED_CLASSES
    everyone = [shown for listed in world_table().values() for shown in listed]
    assert [shown.number for shown in everyone] == list(range(sum(RENDERED_CLASSES.values())))
    assert all(len({shown.name for shown in listed}) == len(listed) for listed in world_table().values())
    assert factors().min() >= 0
    assert factors().max() <= 1


def test_a_part_of_the_world_is_a_range_of_its_classes() -> None:
    names = [shown.name for shown in world_table()["ucf101"]]
    assert [shown.name for shown in world_classes(WORLD)] == names[3:6]
    rest = RenderSettings(classes_of="ucf101", first_class=79, videos_per_class=1, codec="xvid")
    assert [shown.name for shown in world_classes(rest)] == names[79:]
    assert rest.number_of_classes == 2


def test_near_words_look_near(known: tuple[list[tuple[str, str]], np.ndarray]) -> None:
    """The ranks of all pairs' distances go together; for shuffled looks they do not."""
    words, looks = pdist(known[1], "cosine"), factors()
    assert spearmanr(words, pdist(looks)).statistic > 0.1
    shuffled = np.random.default_rng(0).permutation(looks)
    assert abs(spearmanr(words, pdist(shuffled)).statistic) < 0.05


def test_the_world_is_repeatable_and_a_video_independent_of_its_neighbours(tmp_path: Path) -> None:
    more = WORLD.model_copy(update={"first_class": 2, "classes": 5, "videos_per_class": 3})
    other = WORLD.model_copy(update={"seed": 1})
    for name, render, workers in (("one", WORLD, 1), ("two", WORLD, 2), ("wide", more, 2), ("other", other, 1)):
        ingest_rendered(render, tmp_path / name, tmp_path / f"{name}.csv", workers)
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()
    one, wide, unlike = (
        {row["path"]: row["sha256"] for row in iterate_table(tmp_path / f"{name}.csv")}
        for name in ("one", "wide", "other")
    )
    assert len(one) == 6 == len(set(one.values()))
    assert len(wide) == 15
    assert {path: wide[path] for path in one} == one
    assert one.keys() == unlike.keys()
    assert not set(one.values()) & set(unlike.values())


def test_a_videos_factors_are_near_those_of_its_class() -> None:
    shown = world_classes(WORLD)[0]
    drawn = np.stack([video_factors(shown, video_random(WORLD, shown, number)) for number in range(200)])
    inside = (shown.factors > 3 * SPREAD) & (shown.factors < 1 - 3 * SPREAD)  # where hardly any is clipped
    assert inside.sum() >= 3
    np.testing.assert_allclose(drawn.mean(axis=0)[inside], shown.factors[inside], atol=0.03)
    np.testing.assert_allclose(drawn.std(axis=0)[inside], SPREAD, rtol=0.2)
    extreme = replace(shown, factors=np.array([0.0, 1.0] * 4 + [0.0]))
    drawn = np.stack([video_factors(extreme, video_random(WORLD, shown, number)) for number in range(50)])
    assert drawn.min() == 0
    assert drawn.max() == 1


def decoded(folder: Path, values: np.ndarray, domain_shift: bool, codec: str) -> np.ndarray:
    """Render one video with given factors, as a file, and decode it: frames (n, height, width, 3) in [0, 1]."""
    render = WORLD.model_copy(update={"frames": (12, 12), "codec": codec, "domain_shift": domain_shift})
    path = render_video(folder, (WorldClass("a class", 7, values), 0), render)
    with av.open(str(folder / path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]) / 255


def seen_factors(frames: np.ndarray) -> np.ndarray:
    """Measure the nine factors in frames, each by something that grows with it: (9,)."""
    height, width = frames.shape[1:3]
    corners = frames[:, [0, 0, -1, -1], [0, -1, 0, -1]].mean(axis=1)
    bright = frames.mean(axis=3)
    weight = np.abs(bright - corners.mean(axis=1)[:, None, None]) + 1e-6
    y, x = np.mgrid[0:height, 0:width]
    across, down = ((weight * place).sum(axis=(1, 2)) / weight.sum(axis=(1, 2)) for place in (x / width, y / height))
    middle = frames[:, height // 2 - 1 : height // 2 + 1, width // 2 - 1 : width // 2 + 1].mean(axis=(1, 2))
    still = middle if np.ptp(middle.mean(axis=1)) < 0.1 else frames.max(axis=(1, 2))
    return np.array(
        [*corners.mean(axis=0), *still.mean(axis=0), across.std(), down.std(), bright.max(axis=(1, 2)).std()]
    )


@pytest.mark.parametrize("factor", range(len(FACTORS)), ids=FACTORS)
@pytest.mark.parametrize(("codec", "domain_shift"), [("h264", False), ("xvid", True)])
def test_every_factor_is_visible_in_the_decoded_pixels(
    factor: int, codec: str, domain_shift: bool, tmp_path: Path
) -> None:
    """One factor rises in steps, the others stay: its own measure rises with it, and more than any other's noise."""
    measured = []
    for value in (0.1, 0.4, 0.7, 1.0):
        values = PLAIN.copy()
        values[factor] = value
        measured.append(seen_factors(decoded(tmp_path, values, domain_shift, codec))[factor])
    steps = np.diff(measured)
    assert (steps > 0).all(), measured
    assert measured[-1] - measured[0] > (0.3 if factor < 6 else 0.06), measured


def test_the_motion_repeats_within_a_clip() -> None:
    values = np.array([0.1, 0.1, 0.1, 0.9, 0.9, 0.9, 1.0, 0.0, 1.0])
    frames = draw(WorldClass("a class", 7, values), WORLD, np.random.default_rng(5)).astype(int)
    again = np.abs(frames[PERIOD:] - frames[:-PERIOD]).mean()
    half = np.abs(frames[PERIOD // 2 :] - frames[: -PERIOD // 2]).mean()
    assert half > 5 * again


def test_the_domain_shift_keeps_the_order_of_colours() -> None:
    """The channels of a class, and classes in a channel, stay in their order: on the ground and on the disc."""
    near = WORLD.model_copy(update={"classes_of": "hmdb51", "first_class": 0, "classes": None})
    far = near.model_copy(update={"domain_shift": True})
    for place in (ground, disc):
        plain, shifted = [], []
        for shown in world_classes(near):
            frames, moved = (draw(shown, render, video_random(render, shown, 0)) / 255 for render in (near, far))
            plain.append(frames[place(frames)].mean(axis=0))
            shifted.append(moved[place(frames)].mean(axis=0))
        _check_order(np.array(plain), np.array(shifted))


def ground(frames: np.ndarray) -> np.ndarray:
    """Mark the corners of every frame."""
    marked = np.zeros(frames.shape[:3], bool)
    marked[:, [0, 0, -1, -1], [0, -1, 0, -1]] = True
    return marked


def disc(frames: np.ndarray) -> np.ndarray:
    """Mark the pixels that differ most from the corners."""
    difference = np.abs(frames - frames[ground(frames)].mean(axis=0)).sum(axis=3)
    return difference > 0.8 * difference.max()


def _check_order(plain: np.ndarray, shifted: np.ndarray) -> None:
    assert np.abs(plain - shifted).max() > 0.02, "it is another look"
    for first, second in ((0, 1), (0, 2), (1, 2)):
        clear = np.abs(plain[:, first] - plain[:, second]) > 0.05
        assert clear.sum() > 10
        before, after = plain[clear, first] > plain[clear, second], shifted[clear, first] > shifted[clear, second]
        assert (before == after).all()
    for channel in range(3):
        assert spearmanr(plain[:, channel], shifted[:, channel]).statistic > 0.95


def test_a_damaged_table_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "world.csv").write_text("dataset,class\nucf101,Archery\n")
    monkeypatch.setattr("aurl.datasets.world.RENDERED_WORLD", tmp_path / "world.csv")
    world_table.cache_clear()
    try:
        with pytest.raises(AurlError, match=r"world.csv: .*ground_red.*restore it from git") as caught:
            world_table()
    finally:
        world_table.cache_clear()
    assert "\n" not in str(caught.value)


def test_held_out_videos_are_others_and_change_none(tmp_path: Path) -> None:
    """A dataset of the same classes from another number on has the videos that a larger one would have had there."""
    listed = {}
    for name, change in {"training": {}, "held_out": {"first_video": 2, "videos_per_class": 1},
                         "all": {"videos_per_class": 3}}.items():  # fmt: skip
        render = WORLD.model_copy(update=change)
        ingest_rendered(render, tmp_path / name, tmp_path / f"{name}.csv", 1)
        listed[name] = {row["path"]: row["sha256"] for row in iterate_table(tmp_path / f"{name}.csv")}
    assert [len(videos) for videos in listed.values()] == [6, 3, 9]
    assert listed["training"] | listed["held_out"] == listed["all"]
    assert "first_video" not in WORLD.model_dump(), "parameters and blocks of older datasets stay equal"
