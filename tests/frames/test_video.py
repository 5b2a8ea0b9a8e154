"""Reading video: every kind of file, decord against PyAV, and isolation of what hangs or crashes."""

import faulthandler
import itertools
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import av
import media
import numpy as np
import pytest
from PIL import Image

from aurl.frames.video import _agreeing_decord, probe, read_frames
from aurl.system.isolated import AHEAD, Failure, map_isolated

STATUS = {
    "h264": "ok", "h264_audio": "ok", "mkv": "ok", "open_gop": "ok", "xvid": "ok", "one_frame": "ok", "rotated": "ok",
    "truncated_avi": "partial", "truncated_mp4": "unreadable", "zero_bytes": "empty", "no_video": "unreadable",
    "audio_only": "no-video",
}  # fmt: skip
READABLE = ["h264", "h264_audio", "mkv", "open_gop", "cut_open_gop", "xvid", "one_frame", "truncated_avi"]


def reference(path: Path, size: int) -> np.ndarray:
    """All frames by a sequential PyAV read in full size, then PIL's resize, as the released code does it."""
    with av.open(str(path)) as container:
        images = [
            frame.to_image().resize((size, size), Image.Resampling.BILINEAR) for frame in container.decode(video=0)
        ]
    return np.stack([np.asarray(image) for image in images])


def difference(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The mean of each frame's differences, of 255."""
    return np.asarray(np.abs(left.astype(int) - right).mean(axis=(1, 2, 3)))


@pytest.mark.parametrize(("kind", "status"), STATUS.items())
def test_status_of_every_kind(corpus: dict[str, Path], kind: str, status: str) -> None:
    found = probe(corpus[kind])
    assert found.status == status
    assert (found.reason == "") == (status == "ok")
    assert (found.frames > 0) == (status in ("ok", "partial"))


def test_properties(corpus: dict[str, Path]) -> None:
    found = probe(corpus["h264"])
    assert (found.frames, found.rate, found.duration, found.width, found.height) == (40, 25.0, 1.6, 64, 48)
    assert 0 < probe(corpus["truncated_avi"]).frames < 40


@pytest.mark.parametrize("kind", READABLE)
def test_frames_are_those_of_a_sequential_read(corpus: dict[str, Path], kind: str) -> None:
    expected = reference(corpus[kind], 32)
    chunks = list(read_frames(corpus[kind], len(expected), 32))
    assert max(len(chunk) for chunk in chunks) <= 32
    frames = np.concatenate(chunks)
    assert frames.shape == expected.shape
    own = difference(frames, expected)
    assert own.max() < 4
    assert (own[1:] < difference(frames[1:], expected[:-1])).all()  # the frame before it
    assert (own[:-1] < difference(frames[:-1], expected[1:])).all()


@pytest.mark.parametrize("kind", READABLE)
def test_both_readers_squash_to_the_same_pixels(corpus: dict[str, Path], kind: str) -> None:
    frames = probe(corpus[kind]).frames
    either, pyav = (
        np.concatenate(list(read_frames(corpus[kind], frames, 32, with_decord=use))) for use in (True, False)
    )
    assert np.abs(either.astype(int) - pyav).max() <= 2  # decord's MPEG-4 decoder is older and rounds otherwise


def test_squashing_does_not_crop(tmp_path: Path) -> None:
    frame = np.zeros((3, 48, 96, 3), np.uint8)
    frame[:, :, :6], frame[:, -6:] = 255, 255
    path = media.write_video(tmp_path / "edges.mp4", frame, "libx264")
    for with_decord in (True, False):
        small = np.concatenate(list(read_frames(path, 3, 16, with_decord=with_decord)))
        assert small.shape == (3, 16, 16, 3)
        assert small[0, 8, 0].min() > 200
        assert small[0, -1, 8].min() > 200
        assert small[0, 4, 12].max() < 40


def test_frames_are_in_order(corpus: dict[str, Path]) -> None:
    """The bright column of the pattern stands where the frame's number says."""
    frames = np.concatenate(list(read_frames(corpus["open_gop"], 90, 64)))
    columns = frames[..., 0].astype(int).sum(axis=1).reshape(90, 16, 4).sum(axis=2).argmax(axis=1)
    assert columns.tolist() == [number % 16 for number in range(90)]


def test_decord_is_used_where_it_agrees(corpus: dict[str, Path]) -> None:
    assert _agreeing_decord(corpus["h264"], 40, 32) is not None
    assert _agreeing_decord(corpus["h264"], 39, 32) is None
    assert _agreeing_decord(corpus["no_video"], 3, 32) is None


def test_rotation_is_undone(corpus: dict[str, Path]) -> None:
    found = probe(corpus["rotated"])
    assert found.rotation in (90, 270)
    frames = np.concatenate(list(read_frames(corpus["rotated"], found.frames, 32, found.rotation)))
    clockwise = np.rot90(reference(corpus["rotated"], 32), 3, axes=(1, 2))
    assert difference(frames, clockwise).max() < 4


def test_too_few_frames_are_an_error(corpus: dict[str, Path]) -> None:
    with pytest.raises(ValueError, match="only 40 of 50 frames"):
        list(read_frames(corpus["h264"], 50, 32))


def behave(how: str) -> str:
    if how == "hang":
        time.sleep(60)
    if how == "crash":
        faulthandler.disable()  # its report would look like a failure of the tests
        os.kill(os.getpid(), signal.SIGSEGV)
    if how == "raise":
        raise ValueError("bad file\nsecond line")
    return how.upper()


def test_a_worker_that_hangs_crashes_or_raises_costs_only_its_own_item() -> None:
    started = time.monotonic()
    results = list(map_isolated(behave, ["a", "hang", "b", "crash", "c", "raise", "d"], workers=1, timeout=2))
    assert time.monotonic() - started < 30
    assert [result for result in results if isinstance(result, str)] == ["A", "B", "C", "D"]
    hang, crash, error = (result for result in results if isinstance(result, Failure))
    assert "no result within 2 s" in hang.reason
    assert "died" in crash.reason
    assert error.reason == "ValueError: bad file"


def number(item: int) -> int:
    return item


def test_items_are_taken_as_results_are_asked_for_and_an_end_is_at_once() -> None:
    taken = []

    def items() -> Iterator[int]:
        for item in itertools.count():
            taken.append(item)
            yield item

    results = map_isolated(number, items(), workers=2, timeout=60)
    assert list(itertools.islice(results, 200)) == list(range(200))
    assert len(taken) <= 200 + 2 * AHEAD
    results.close()
    slow = map_isolated(time.sleep, [0, 30, 30, 30], workers=1, timeout=60)
    next(slow)
    started = time.monotonic()
    slow.close()
    assert time.monotonic() - started < 10
