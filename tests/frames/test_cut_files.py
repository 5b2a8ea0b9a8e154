"""Files that are cut off or damaged inside: `partial` or a remark, never `ok` with frames missing and no word."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import odd_media
import pytest
from repositories import REPOSITORY, environment_of

from aurl.frames.fragments import boxes
from aurl.frames.remarks import CUT, HOLE
from aurl.frames.structure import structure_fault
from aurl.frames.video import VideoProperties, probe

MPEG2 = {"b": "2M", "g": "12", "bf": "2"}
FRAGMENTS = ["empty_moov+frag_keyframe", "dash+empty_moov", "cmaf", "cmaf+empty_moov+skip_sidx", "frag_keyframe",
             "empty_moov+default_base_moof+global_sidx"]  # fmt: skip


def after(path: Path, content: bytes) -> VideoProperties:
    """Probe other content under a path's suffix."""
    changed = path.with_name(f"changed{path.suffix}")
    changed.write_bytes(content)
    return probe(changed)


def ends(path: Path) -> Iterator[int]:
    """List where the parts of a file end: tags, boxes, packets."""
    content = path.read_bytes()
    if path.suffix == ".flv":
        place = 13
        while place + 11 < len(content):
            place += 11 + int.from_bytes(content[place + 1 : place + 4], "big") + 4
            yield place
    elif path.suffix == ".mp4":
        with path.open("rb") as handle:
            yield from (end for kind, _, end in boxes(handle, 0, len(content)) if kind in (b"mdat", b"moof"))
    elif path.suffix == ".mpg":
        yield from (
            place for place in range(len(content)) if content[place : place + 4] in (b"\0\0\1\xba", b"\0\0\1\xe0")
        )


@pytest.mark.parametrize("sound", ["", "aac"])
def test_flv_cut_between_two_tags(tmp_path: Path, sound: str) -> None:
    path = odd_media.write(tmp_path / "a.flv", range(60), sound=sound)
    for end in list(ends(path))[4:-2:9]:
        found = after(path, path.read_bytes()[:end])
        assert found.status == "partial" or found.frames == 60, (end, found)


@pytest.mark.parametrize("movflags", FRAGMENTS)
def test_mp4_cut_between_two_fragments(tmp_path: Path, movflags: str) -> None:
    muxer = {"movflags": movflags, "frag_duration": "400000"}
    path = odd_media.write(tmp_path / "a.mp4", range(60), options={"g": "12"}, muxer=muxer)
    assert (probe(path).status, probe(path).reason) == ("ok", "")
    places = [end for end in ends(path) if end > path.stat().st_size // 3][:-1]
    assert len(places) > 2
    for end in places:
        found = after(path, path.read_bytes()[:end])
        assert (found.status, found.frames < 60) == ("partial", True), (end, found)


def test_a_stated_length_shows_the_cut_where_ffmpeg_wrote_no_index(tmp_path: Path) -> None:
    muxer = {"movflags": "empty_moov+frag_keyframe+default_base_moof+skip_trailer"}
    path = odd_media.write(tmp_path / "a.mp4", range(60), options={"g": "12"}, muxer=muxer)
    content = path.read_bytes().replace(b"Lavf", b"Mine")
    assert after(path, content).status == "ok"
    moov, mvex, scale = content.index(b"moov") - 4, content.index(b"mvex") - 4, content.index(b"mvhd") + 16
    seconds = (int.from_bytes(content[scale : scale + 4], "big") * 24 // 10).to_bytes(4, "big")
    stated = bytearray(content[: mvex + 8] + b"\0\0\0\x10mehd\0\0\0\0" + seconds + content[mvex + 8 :])
    for place in (moov, mvex):
        stated[place : place + 4] = (int.from_bytes(stated[place : place + 4], "big") + 16).to_bytes(4, "big")
    assert after(path, bytes(stated)).status == "ok"
    found = after(path, bytes(stated[: stated.rindex(b"moof") - 4]))
    assert (found.status, found.frames) == ("partial", 48)
    assert "of 2.40 s" in found.reason


@pytest.mark.parametrize(("codec", "container"), [("mpeg2video", "vob"), ("mpeg2video", "dvd"), ("mpeg1video", "vcd")])
def test_mpeg_program_stream_cut_anywhere(tmp_path: Path, codec: str, container: str) -> None:
    path = odd_media.write(tmp_path / "a.mpg", range(60), codec, MPEG2, container=container, sound="mp2")
    assert (probe(path).status, probe(path).reason) == ("ok", "")
    content = path.read_bytes()
    places = list(ends(path))
    for end in (*places[3 :: len(places) // 9], *range(3000, len(content) - 2048, len(content) // 9)):
        found = after(path, content[:end])
        assert found.status in ("partial", "unreadable") or found.frames == 60, (end, found)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_mpeg_transport_stream_cut_before_frames_that_lie_between(tmp_path: Path, codec: str) -> None:
    path = odd_media.write(tmp_path / "a.ts", range(60), codec)
    content = path.read_bytes()
    found = [after(path, content[:end]) for end in range(60 * 188, len(content), 188)]
    silent = [cut.frames for cut in found if cut.status == "ok"]
    assert len(silent) < len(found) / 2  # all others end behind a group of frames that lacks none
    assert any("frames before the last one are missing" in cut.reason for cut in found)


@pytest.mark.parametrize(("suffix", "codec"), [
    ("mkv", "libx264"), ("webm", "libvpx-vp9"), ("ogv", "libvpx"), ("ts", "libx264"), ("flv", "libx264"),
    ("avi", "libvpx"), ("frag.mp4", "libx264"), ("mpg", "mpeg2video"),
])  # fmt: skip
@pytest.mark.parametrize("filling", [bytes(4000), b""], ids=["zeros", "missing"])
def test_a_hole_in_the_middle(tmp_path: Path, suffix: str, codec: str, filling: bytes) -> None:
    options = {**odd_media.VP8, "g": "12"} if codec == "libvpx" else {"b": "2M", "g": "12"}
    muxer = {"movflags": "cmaf", "frag_duration": "200000"} if suffix == "frag.mp4" else {}
    container = {"ogv": "ogg"}.get(suffix)
    path = odd_media.write(tmp_path / f"a.{suffix}", range(60), codec, options, muxer=muxer, container=container)
    assert (probe(path).status, probe(path).reason, structure_fault(path)) == ("ok", "", "")
    content = path.read_bytes()
    for place in (len(content) // 4, len(content) // 2):
        found = after(path, content[:place] + filling + content[place + 4000 :])
        assert found.status == "partial", (place, found)
        assert 0 < found.frames < 60 or found.reason.startswith("the decoder")


def test_whole_files_of_joined_parts(tmp_path: Path) -> None:
    for suffix, codec, options in (("ts", "libx264", {}), ("mpg", "mpeg2video", MPEG2), ("mkv", "libx264", {})):
        path = odd_media.write(tmp_path / f"a.{suffix}", range(30), codec, options)
        found = after(path, path.read_bytes() * 2)
        assert (found.status, found.frames) == ("ok", 60), (suffix, found)
    muxer = {"hls_segment_type": "fmp4", "hls_time": "1", "hls_list_size": "0"}
    odd_media.write(tmp_path / "list.m3u8", range(60), options={"g": "12"}, muxer=muxer, container="hls")
    parts = [tmp_path / "init.mp4", *sorted(tmp_path.glob("list*.m4s"))]
    assert len(parts) > 2
    found = after(path.with_suffix(".mp4"), b"".join(part.read_bytes() for part in parts))
    assert (found.status, found.frames) == ("ok", 60)


def test_other_bytes_behind_a_file_do_not_matter(tmp_path: Path) -> None:
    for suffix, codec in (("flv", "libx264"), ("mpg", "mpeg2video"), ("mkv", "libx264")):
        path = odd_media.write(tmp_path / f"a.{suffix}", range(30), codec, {"g": "12"})
        assert after(path, path.read_bytes() + bytes(5000)).status == "ok", suffix


def test_a_stream_that_appears_behind_the_header(tmp_path: Path) -> None:
    path = odd_media.write(tmp_path / "a.flv", range(60), sound="aac")
    content = path.read_bytes()
    for end in range(1000, len(content), 97):  # PyAV stumbled over some, by what memory held
        assert after(path, content[:end]).status in ("partial", "unreadable", "ok")


def test_faults_have_words(tmp_path: Path) -> None:
    path = odd_media.write(tmp_path / "a.ogv", range(60), "libvpx", odd_media.VP8, container="ogg")
    content = path.read_bytes()
    last = content.rindex(b"OggS")
    assert after(path, content[:last]).reason.startswith(CUT)
    assert after(path, content[:-9] + b"??" + content[-7:]).reason.startswith(HOLE)


def test_damaged_files_are_never_read_otherwise_without_a_word() -> None:
    script = REPOSITORY / "tests/helpers/damage.py"
    command = [sys.executable, str(script), "1", "6"]  # a process of its own, since it forks
    done = subprocess.run(command, env=environment_of(REPOSITORY), capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "42 damaged files" in done.stdout
