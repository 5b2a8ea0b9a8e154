"""Fetching: downloads that resume, archives that are refused, and nothing half-made in the official place."""

import gzip
import json
import os
import random
import re
import shutil
import signal
import stat
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from archives import Web, bomb, digest, noise, rarred, serve, tarred, vectors_file, write, zipped
from repositories import REPOSITORY

from aurl.fetch import archives, download
from aurl.fetch.fetch import check_present, fetch
from aurl.fetch.sources import Source, find_source, load_sources
from aurl.semantics.tokens import read_token_table
from aurl.system import progress
from aurl.system.errors import AurlError

SOURCES = REPOSITORY / "data/sources.yaml"
needs_bsdtar = pytest.mark.skipif(shutil.which("bsdtar") is None, reason="bsdtar (libarchive-tools) is not installed")


@pytest.fixture(autouse=True)
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    """From the repository's folder, as the command is; without pauses, and without a proxy of the machine."""
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(download, "BACK_OFF_SECONDS", 0.0)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def web() -> Iterator[Web]:
    with serve() as running:
        yield running


def classes_of(name: str) -> list[str]:
    return sorted(read_token_table(REPOSITORY / "data/class_tokens.csv", name))


def ucf_files() -> dict[str, bytes]:
    return {f"UCF-101/{name}/v_{name}_g01_c01.avi": noise(name) for name in classes_of("ucf101")}


def hmdb_files() -> dict[str, bytes]:
    names = [name.replace(" ", "_") for name in classes_of("hmdb51")]
    return {f"{name}/x_{name}_f_nm_np1_fr_med_0.avi": noise(name) for name in names}


def kinetics_parts() -> dict[str, bytes]:
    """Three archives that hold the 700 classes, one video in each."""
    names = classes_of("kinetics700")
    return {
        f"part_{number}.tar.gz": tarred({f"./{name}/abc_000001_000011.mp4": noise(name) for name in names[number::3]})
        for number in range(3)
    }


def source(name: str, address: str, **changes: Any) -> Source:
    """A source of the real table, its files at an address on loopback, without the real files' sizes and checksums."""
    raw = yaml.safe_load(SOURCES.read_text())[name]
    file = {key: value for key, value in raw["files"][0].items() if key in ("list", "into")}
    file |= {"url": f"{address}/{Path(raw['files'][0]['url']).name}"} | changes.pop("file", {})
    return Source.model_validate({**raw, "files": [file], **changes})


def ucf(address: str, **changes: Any) -> Source:
    """A UCF101 of one video a class; its archive is called UCF101.zip."""
    changes["file"] = {"url": f"{address}/UCF101.zip"} | changes.get("file", {})
    return source("ucf101", address, **{"videos": 101, **changes})


def ucf_in(web: Web, **changes: Any) -> Source:
    """The same, served."""
    web.files["UCF101.zip"] = zipped(ucf_files())
    return ucf(web.address, **changes)


def kinetics_in(web: Web) -> Source:
    """A Kinetics-700 of three archives and an official list of them, served."""
    web.files |= kinetics_parts()
    web.files["k700_2020_train_path.txt"] = "".join(f"{web.address}/part_{n}.tar.gz\n" for n in range(3)).encode()
    return source("kinetics700", web.address)


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(wanted: Source, folder: Path, **options: Any) -> str:
    """Fetch what must fail: one line, nothing in the official place, nothing outside the folder; returns the line."""
    outside = {path for path in folder.parent.rglob("*") if folder not in (path, *path.parents)}
    with pytest.raises(AurlError) as caught:
        list(fetch(wanted, folder, **options))
    assert "\n" not in str(caught.value)
    assert not os.path.lexists(folder / wanted.target)
    assert {path for path in folder.parent.rglob("*") if folder not in (path, *path.parents)} == outside
    assert not [path for path in folder.rglob("*") if path.is_symlink()]
    return str(caught.value)


def unpack_refused(content: bytes, name: str, tmp_path: Path, size: int = 10**8, entries: int = 1000) -> str:
    """Unpack an archive that must be refused; nothing of it may be left anywhere."""
    archive = write(tmp_path / "in", {name: content}) / name
    with pytest.raises(AurlError) as caught:
        archives.unpack(archive, tmp_path / "to/out", archives.Budget(size, entries))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file() or path.is_symlink()] == [name]
    assert list((tmp_path / "to").iterdir()) == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


def cli(*arguments: str, path: str | None = None) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)} | ({"PATH": path} if path is not None else {})
    return subprocess.run(
        [sys.executable, "-m", "aurl.cli", "fetch", *arguments], env=environment, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip


# --- the table of sources


def test_the_table_of_sources() -> None:
    sources = load_sources(SOURCES)
    assert list(sources) == ["ucf101", "hmdb51", "kinetics700", "vectors"]
    for name in ("ucf101", "hmdb51", "kinetics700"):
        assert sources[name].layout == name
        assert sources[name].classes == len(classes_of(name))
    assert (sources["ucf101"].videos, sources["hmdb51"].videos, sources["kinetics700"].videos) == (13320, 6766, None)
    with pytest.raises(AurlError, match=r"no source 'ucf'; did you mean 'ucf101'\? known: ucf101, hmdb51"):
        find_source(sources, "ucf")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("title: UCF101", "titel: UCF101", "ucf101"),
        ("layout: ucf101", "layout: ucf", "ucf101.layout"),
        ("videos: 13320", "videos: many", "ucf101.videos"),
        ("https://www.crcv.ucf.edu/data/UCF101/UCF101.rar", "ftp://example.org/x.rar", "ucf101.files.0.url"),
        ("UCF101/UCF101.rar", "UCF101/..", "climbs out"),
        ("      stated_by: google-deepmind/brave, brave/download_hmdb.py\n", "", "none is written without its source"),
        ("target: UCF-101", "target: ../UCF-101", "ucf101.target"),
        ("ucf101:\n", "ucf101: [\n", "not valid YAML"),
    ],
)
def test_a_wrong_table_is_one_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = SOURCES.read_text()
    assert old in text
    (tmp_path / "sources.yaml").write_text(text.replace(old, new, 1))
    with pytest.raises(AurlError) as caught:
        load_sources(tmp_path / "sources.yaml")
    assert words in str(caught.value)
    assert all(line.startswith("    ") for line in str(caught.value).splitlines()[1:]), "the place in the file"


def test_the_page_repeats_the_table() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| `(\S+)` \| (.*) \| (.*) \|$", (REPOSITORY / "docs/fetching.md").read_text(), re.M)  # fmt: skip # noqa: E501
    shown = {name: cells for name, *cells in rows}
    assert list(shown) == list(load_sources(SOURCES))
    for name, entry in load_sources(SOURCES).items():
        file = entry.files[0]
        counted = "" if entry.layout is None else f"{entry.classes} classes"
        counted += "" if entry.videos is None else f", {entry.videos:,} videos"
        stated = "none stated" if file.checksum is None else f"{file.checksum.algorithm}, {file.stated_by}"
        assert shown[name] == [file.url, entry.target, counted or "3,000,000 vectors", stated]


def test_no_torch() -> None:
    script = "import sys, aurl.fetch.fetch; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True, env={**os.environ, "PYTHONPATH": str(REPOSITORY)})


# --- complete fetches


def test_ucf101_from_a_zip(web: Web, tmp_path: Path) -> None:
    lines = list(fetch(ucf_in(web), tmp_path / "d"))
    assert tree(tmp_path / "d/UCF-101") == {name.removeprefix("UCF-101/"): noise for name, noise in ucf_files().items()}
    assert any(line.strip().startswith("licence") for line in lines)
    assert any(f"{web.address}/UCF101.zip" in line for line in lines)
    assert lines[-1] == f"{tmp_path}/d/UCF-101: complete"
    assert json.loads((tmp_path / "d/downloads.json").read_text()) == {
        "UCF101.zip": {
            "url": f"{web.address}/UCF101.zip",
            "bytes": len(web.files["UCF101.zip"]),
            "checksum": {"algorithm": "sha256", "hex": digest(web.files["UCF101.zip"])},
            "checksum_is": "recorded at first download, not stated by the source",
        }
    }
    assert sorted(path.name for path in (tmp_path / "d").iterdir()) == [
        ".locks",
        "UCF-101",
        "archives",
        "downloads.json",
    ]
    assert list((tmp_path / "d/archives").iterdir()) == []
    assert list(fetch(ucf_in(web), tmp_path / "d"))[-1].endswith("complete"), "a second time, nothing is fetched"
    assert len(web.requests) == 1


@needs_bsdtar
def test_hmdb51_from_a_rar_of_rars(web: Web, tmp_path: Path) -> None:
    files = hmdb_files()
    web.files["hmdb51_org.rar"] = rarred({f"{name.split('/')[0]}.rar": rarred({name: files[name]}) for name in files})
    stated = {"algorithm": "md5", "hex": digest(web.files["hmdb51_org.rar"], "md5")}
    wanted = source("hmdb51", web.address, videos=51, file={"checksum": stated, "stated_by": "this test"})
    list(fetch(wanted, tmp_path / "d", keep=True))
    assert tree(tmp_path / "d/hmdb51") == files
    assert (tmp_path / "d/archives/hmdb51_org.rar").read_bytes() == web.files["hmdb51_org.rar"]
    record = json.loads((tmp_path / "d/downloads.json").read_text())["hmdb51_org.rar"]
    assert (record["checksum"], record["checksum_is"]) == (stated, "stated by this test")


def test_kinetics700_from_a_list_of_parts(web: Web, tmp_path: Path) -> None:
    lines = list(fetch(kinetics_in(web), tmp_path / "d"))
    expected = {f"train/{name}/abc_000001_000011.mp4": noise(name) for name in classes_of("kinetics700")}
    assert tree(tmp_path / "d/kinetics700") == expected
    assert "700 videos in 700 classes; expected: an unstated number of videos in 700 classes" in lines[-2]
    assert list((tmp_path / "d/archives").iterdir()) == []
    assert set(json.loads((tmp_path / "d/downloads.json").read_text())) == set(web.files)


def test_vectors(web: Web, tmp_path: Path) -> None:
    web.files["w.gz"] = vectors_file()
    file = {
        "url": f"{web.address}/w.gz", "bytes": len(web.files["w.gz"]), "stated_by": "this test",
        "checksum": {"algorithm": "md5", "hex": digest(web.files["w.gz"], "md5")},
    }  # fmt: skip
    wanted = source("vectors", web.address, vectors=[2, 3], file=file)
    lines = list(fetch(wanted, tmp_path / "d"))
    made = tmp_path / "d/GoogleNews-vectors-negative300.bin.gz"
    assert made.read_bytes() == web.files["w.gz"]
    assert lines[-1] == f"{made}: complete, md5 as stated by this test"
    damaged = made.read_bytes()[:-1] + b"?"
    made.write_bytes(damaged)
    with pytest.raises(AurlError, match="damaged: its md5 is not the one stated by this test"):
        list(check_present(wanted, tmp_path / "d"))
    assert made.read_bytes() == damaged
    made.unlink()
    write(tmp_path / "d", {"GoogleNews-vectors-negative300.bin": b"2 3\n" + bytes(30)})
    assert "not the file of" in list(check_present(wanted, tmp_path / "d"))[-1], "the unpacked form counts too"
    write(tmp_path / "d", {"GoogleNews-vectors-negative300.bin": b"2 3\n"})
    with pytest.raises(AurlError, match="too short"):
        list(check_present(wanted, tmp_path / "d"))
    assert len(web.requests) == 1


def test_from_a_mirror_and_from_a_folder(web: Web, tmp_path: Path) -> None:
    wanted = kinetics_in(web)
    web.files = {f"mirror/{name}": content for name, content in web.files.items()}
    list(fetch(wanted, tmp_path / "a", origin=f"{web.address}/mirror/"))
    asked = len(web.requests)
    archive = write(tmp_path / "mine", {name.removeprefix("mirror/"): text for name, text in web.files.items()})
    before = tree(archive)
    list(fetch(wanted, tmp_path / "b", origin=str(archive)))
    assert tree(tmp_path / "a/kinetics700") == tree(tmp_path / "b/kinetics700")
    assert tree(archive) == before, "the user's own archives stay"
    assert len(web.requests) == asked
    (archive / "part_1.tar.gz").unlink()
    assert "mine/part_1.tar.gz: no such file; --from must name" in refused(wanted, tmp_path / "c", origin=str(archive))


# --- interrupted and misbehaving downloads


def test_a_broken_connection_is_resumed_with_a_range(web: Web, tmp_path: Path) -> None:
    wanted = ucf_in(web)
    web.cut = [10_000, 5_000]
    list(fetch(wanted, tmp_path / "d", keep=True))
    assert web.asked("UCF101.zip") == [None, "bytes=10000-", "bytes=15000-"]
    assert (tmp_path / "d/archives/UCF101.zip").read_bytes() == web.files["UCF101.zip"]
    assert [path.name for path in (tmp_path / "d/archives").iterdir()] == ["UCF101.zip"]


def test_too_many_broken_connections_then_the_same_command_again(web: Web, tmp_path: Path) -> None:
    wanted = ucf_in(web)
    web.cut = [1000] * download.ATTEMPTS
    line = refused(wanted, tmp_path / "d")
    assert f"{download.ATTEMPTS} times in a row" in line
    assert "5.00 kB are kept: run the same command again to resume" in line
    assert (tmp_path / "d/archives/.UCF101.zip.part").read_bytes() == web.files["UCF101.zip"][:5000]
    list(fetch(wanted, tmp_path / "d"))
    assert web.asked("UCF101.zip")[-1] == "bytes=5000-"
    assert len(tree(tmp_path / "d/UCF-101")) == 101


def test_a_killed_download_is_resumed(web: Web, tmp_path: Path) -> None:
    """SIGKILL of the real command, while the server has sent half of the file and then stalls."""
    content = zipped(ucf_files())
    web.files["UCF101.rar"], web.cut, web.stall = content, [len(content) // 2], threading.Event()
    process = subprocess.Popen(
        [sys.executable, "-m", "aurl.cli", "fetch", "ucf101", "--from", web.address, "--to", str(tmp_path / "d")],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PATH": f"{fake_bsdtar(tmp_path)}:{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    part = tmp_path / "d/archives/.UCF101.rar.part"
    deadline = time.monotonic() + 30
    while not (part.is_file() and part.stat().st_size > 0) and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    web.stall.set()
    came = part.stat().st_size
    assert 0 < came < len(content)
    web.files["UCF101.zip"] = content
    download.download(f"{web.address}/UCF101.rar", tmp_path / "d/archives/UCF101.rar", None, 1)
    assert web.asked("UCF101.rar") == [None, f"bytes={came}-"]
    assert (tmp_path / "d/archives/UCF101.rar").read_bytes() == content


def fake_bsdtar(tmp_path: Path) -> Path:
    """A folder with a program of that name: the command must not stop for want of one before it downloads."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/bsdtar").symlink_to("/bin/true")
    return tmp_path / "bin"


@pytest.mark.parametrize("lacking", ["ranges", "validators"])
def test_a_server_without_ranges_or_validators_begins_anew(web: Web, tmp_path: Path, lacking: str) -> None:
    wanted = ucf_in(web)
    setattr(web, lacking, False)
    web.cut = [10_000]
    list(fetch(wanted, tmp_path / "d", keep=True))
    assert web.asked("UCF101.zip") == [None, "bytes=10000-" if lacking == "ranges" else None]
    assert (tmp_path / "d/archives/UCF101.zip").read_bytes() == web.files["UCF101.zip"]


def test_a_file_that_changed_in_between_is_begun_anew(web: Web, tmp_path: Path) -> None:
    wanted = ucf_in(web)
    web.cut = [10_000] + [0] * (download.ATTEMPTS - 1)
    refused(wanted, tmp_path / "d")
    web.files["UCF101.zip"] = zipped(dict(reversed(ucf_files().items())))
    list(fetch(wanted, tmp_path / "d", keep=True))
    assert web.asked("UCF101.zip")[-1] == "bytes=10000-", "asked for with If-Range, and answered with the whole"
    assert (tmp_path / "d/archives/UCF101.zip").read_bytes() == web.files["UCF101.zip"]


def test_a_part_of_another_address_is_not_continued(web: Web, tmp_path: Path) -> None:
    web.cut = [1000] * download.ATTEMPTS
    refused(ucf_in(web), tmp_path / "d")
    web.files["mirror/UCF101.zip"] = zipped(dict(reversed(ucf_files().items())))
    list(fetch(ucf(web.address), tmp_path / "d", origin=f"{web.address}/mirror", keep=True))
    assert web.asked("mirror/UCF101.zip") == [None]
    assert (tmp_path / "d/archives/UCF101.zip").read_bytes() == web.files["mirror/UCF101.zip"]


def test_passing_server_errors_are_retried(web: Web, tmp_path: Path) -> None:
    wanted = ucf_in(web)
    web.statuses = [503, 429, 500]
    list(fetch(wanted, tmp_path / "d"))
    assert len(web.requests) == 4


@pytest.mark.parametrize(("status", "words"), [(404, "404 Not Found"), (403, "403 Forbidden"), (410, "410 Gone")])
def test_final_server_errors_are_not(web: Web, tmp_path: Path, status: int, words: str) -> None:
    wanted = ucf_in(web)
    web.statuses = [status]
    line = refused(wanted, tmp_path / "d")
    assert words in line
    assert "--from" in line
    assert len(web.requests) == 1


def test_nobody_answers(web: Web, tmp_path: Path) -> None:
    line = refused(ucf("http://127.0.0.1:9"), tmp_path / "d")
    assert "times in a row; download it by other means" in line
    assert "cannot be made (Not a directory)" in refused(ucf(web.address), write(tmp_path, {"file": b""}) / "file/d")


def test_a_web_page_instead_of_the_archive(web: Web, tmp_path: Path) -> None:
    page = b"<!DOCTYPE html>\n<html>moved</html>"
    wanted, good = ucf_in(web), web.files["UCF101.zip"]
    web.files["UCF101.zip"], web.content_type = page, "text/html; charset=utf-8"
    assert "sent a web page instead of the file" in refused(wanted, tmp_path / "d")
    web.content_type = "application/octet-stream"
    assert "this is a web page" in refused(wanted, tmp_path / "d")
    web.files["UCF101.zip"] = b"\x00" * 2000
    assert "this is no .zip file" in refused(wanted, tmp_path / "d")
    web.files["UCF101.zip"] = good
    assert list(fetch(wanted, tmp_path / "d"))[-1].endswith("complete"), "nothing of the wrong files was remembered"


# --- checksums and sizes


def test_a_stated_checksum_or_size_that_differs(web: Web, tmp_path: Path) -> None:
    good = digest(zipped(ucf_files()))
    stated = {"checksum": {"algorithm": "sha256", "hex": good}, "stated_by": "this test"}
    wanted = ucf_in(web, file=stated)
    honest = web.files["UCF101.zip"]
    web.files["UCF101.zip"] = zipped(dict(reversed(ucf_files().items())))
    line = refused(wanted, tmp_path / "d")
    assert good in line
    assert "stated by this test" in line
    assert list((tmp_path / "d/archives").iterdir()) == []
    assert not (tmp_path / "d/downloads.json").exists()
    sized = ucf(web.address, file={"bytes": len(honest) + 1, "stated_by": "this test"})
    assert f"states {len(honest) + 1}" in refused(sized, tmp_path / "d")
    web.files["UCF101.zip"] = honest
    list(fetch(wanted, tmp_path / "d"))


def test_a_recorded_checksum_is_compared_the_next_time(web: Web, tmp_path: Path) -> None:
    wanted = ucf_in(web)
    list(fetch(wanted, tmp_path / "d"))
    shutil.rmtree(tmp_path / "d/UCF-101")
    web.files["UCF101.zip"] = zipped(dict(reversed(ucf_files().items())))
    assert "recorded at first download, not stated by the source" in refused(wanted, tmp_path / "d")
    web.files["UCF101.zip"] = zipped(ucf_files())
    list(fetch(wanted, tmp_path / "d"))
    shutil.rmtree(tmp_path / "d/UCF-101")
    (tmp_path / "d/downloads.json").write_text('{"UCF101.zip": {"checksum": 3}}')
    assert "downloads.json: not readable" in refused(wanted, tmp_path / "d")


# --- the disk


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file system of 64 KiB, or, where none can be mounted, a folder that is told to be on one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        real = shutil.disk_usage(folder)
        monkeypatch.setattr(shutil, "disk_usage", lambda path: real._replace(free=65536))
    yield folder
    if not mounted.returncode:
        subprocess.run(["umount", str(folder)], check=True)


def test_too_large_for_the_disk(web: Web, tmp_path: Path, small_disk: Path) -> None:
    wanted = ucf_in(web)
    size = len(web.files["UCF101.zip"])
    assert 32768 < size < 65536, "the archive fits, the unpacked dataset beside it does not"
    line = refused(wanted, small_disk / "d")
    assert "fetching http" in line
    assert re.search(r"needs \S+ k?B, \S+ k?B are free", line)
    assert not (small_disk / "d/archives/.UCF101.zip.part").exists()
    archive = write(tmp_path / "mine", {"UCF101.zip": zipped({"UCF-101/x.avi": noise("x", 70_000)})})
    assert re.search(r"unpacking UCF101.zip needs \S+ kB", refused(wanted, small_disk / "d", origin=str(archive)))
    lying = {"UCF-101/x.avi": bytes(200_000)}
    write(archive, {"UCF101.zip": zipped(lying)})
    line = refused(wanted, small_disk / "d", origin=str(archive))
    assert re.search(r"unpacks to more than \S+ kB, free on the disk", line)


# --- hostile and damaged archives


@pytest.mark.parametrize(
    ("content", "name", "words"),
    [
        (zipped({"../x.avi": b"x"}), "a.zip", "climbs out"),
        (zipped({"a/../../x.avi": b"x"}), "a.zip", "climbs out"),
        (zipped({"/tmp/x.avi": b"x"}), "a.zip", "absolute"),
        (zipped({"a\\..\\x.avi": b"x"}), "a.zip", "not allowed"),
        (zipped({"a/x\n.avi": b"x"}), "a.zip", "not allowed"),
        (zipped({"a/x\0.avi": b"x"}), "a.zip", "not allowed"),
        (zipped({"a" * 300: b"x"}), "a.zip", "too long"),
        (zipped({"link": b"/etc/passwd"}, stat.S_IFLNK | 0o777), "a.zip", "link or a device"),
        (zipped({"device": b""}, stat.S_IFCHR | 0o666), "a.zip", "link or a device"),
        (zipped({"a/x": b"1", "a/./x": b"2"}), "a.zip", "twice"),
        (zipped({"a": b"1", "a/x": b"2"}), "a.zip", "twice"),
        (tarred({"../x.avi": b"x"}), "a.tar.gz", "climbs out"),
        (tarred({"/tmp/x.avi": b"x"}), "a.tar.gz", "absolute"),
        (tarred({"a/x\n.avi": b"x"}), "a.tar.gz", "not allowed"),
        (tarred({"x": b""}, tarfile.SYMTYPE, "/etc/passwd"), "a.tar.gz", "link or a device"),
        (tarred({"x": b""}, tarfile.SYMTYPE, "y"), "a.tar.gz", "link or a device"),
        (tarred({"x": b""}, tarfile.LNKTYPE, "y"), "a.tar.gz", "link or a device"),
        (tarred({"x": b""}, tarfile.CHRTYPE), "a.tar.gz", "link or a device"),
        (tarred({"x": b""}, tarfile.FIFOTYPE), "a.tar.gz", "link or a device"),
        (zipped({"a.zip": zipped({"b.zip": zipped({"x": b"x"})})}), "a.zip", "nested more than 2 deep"),
        (zipped({"in.tar.gz": tarred({"../x": b"x"})}), "a.zip", "in.tar.gz in it: the name '../x' climbs out"),
        (zipped({"in.zip": zipped({"x": b"1"}), "x": b"2"}), "a.zip", "two archives"),
        (b"not a zip at all", "a.zip", "no .zip file"),
        (b"PK\x03\x04 and then nothing", "a.zip", "damaged or cut short"),
        (zipped({"a/x": noise("x", 9000)})[:5000], "a.zip", "damaged or cut short"),
        (tarred({"a/x": noise("x", 9000)})[:5000], "a.tar.gz", "damaged or cut short"),
        (tarred({"a/x": noise("x", 9000)})[:-9], "a.tar.gz", "damaged or cut short"),
    ],
)  # fmt: skip
def test_refused_archives(content: bytes, name: str, words: str, tmp_path: Path) -> None:
    assert words in unpack_refused(content, name, tmp_path)


@needs_bsdtar
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (rarred({"../x.avi": b"x"}), "climbs out"),
        (rarred({"link": b"/etc/passwd"}, stat.S_IFLNK | 0o777), "link or a device"),
        (rarred({"a/x": noise("x", 9000)})[:5000], "bsdtar could not unpack it ("),
        (rarred({"in.rar": rarred({"a/../../x": b"x"})}), "in.rar in it: the name 'a/../../x' climbs out"),
        (b"#mtree\n./x type=file contents=/etc/passwd\n", "this is no .rar file"),
    ],
)
def test_refused_rar_archives(content: bytes, words: str, tmp_path: Path) -> None:
    assert words in unpack_refused(content, "a.rar", tmp_path)


@needs_bsdtar
def test_a_solid_rar_archive_asks_for_unrar(tmp_path: Path) -> None:
    archive = write(tmp_path / "in", {"a.rar": rarred({"a/x": b"1", "a/y": b"2"}, solid=True)}) / "a.rar"
    with pytest.raises(AurlError, match="solid archive support unavailable.*RARLAB's unrar"):
        archives.unpack(archive, tmp_path / "to/out", archives.Budget(100, 100))
    assert list((tmp_path / "to").iterdir()) == []


def test_bombs_stop_at_the_limit_not_at_the_announced_size(tmp_path: Path) -> None:
    assert "more than 1.00 MB, allowed for this dataset" in unpack_refused(bomb(2 * 10**6), "a.tar.gz", tmp_path, 10**6)
    line = unpack_refused(bomb(60 * 2**20), "a.tar.gz", tmp_path)
    assert "more than 52.4 MB, 50 times the size of the archive" in line
    zeros = {f"{number}": b"" for number in range(20)}
    assert "more entries" in unpack_refused(tarred(zeros), "a.tar.gz", tmp_path, entries=19)
    (tmp_path / "in/a.tar.gz").unlink()
    assert "more entries" in unpack_refused(zipped(zeros), "a.zip", tmp_path, entries=19)
    nested = zipped({"in.zip": zipped({"x": bytes(2 * 10**6)})})
    assert "in.zip in it: it unpacks to more than" in unpack_refused(nested, "a.zip", tmp_path, 10**6)


@pytest.mark.parametrize("name", ["a.zip", "a.tar.gz", pytest.param("a.rar", marks=needs_bsdtar)])
def test_damaged_bytes_are_refused_or_harmless(tmp_path: Path, name: str) -> None:
    files = {"a/x": noise("x", 50), "b/y": b"y"}
    whole = {"a.zip": zipped, "a.tar.gz": lambda files: gzip.decompress(tarred(files))[:4096], "a.rar": rarred}[name](
        files
    )
    draw, refusals = random.Random(name), 0
    for _ in range(20 if name == "a.rar" else 200):
        damaged = bytearray(whole)
        for _ in range(3):
            damaged[draw.randrange(len(damaged))] = draw.randrange(256)
        content = gzip.compress(damaged, 1) if name == "a.tar.gz" else bytes(damaged)
        archive = write(tmp_path / "in", {name: content}) / name
        try:
            archives.unpack(archive, tmp_path / "to/out", archives.Budget(1000, 10))
        except AurlError:
            refusals += 1
            assert list((tmp_path / "to").iterdir()) == []
        else:
            shutil.rmtree(tmp_path / "to/out")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "to"]
    assert refusals > 0


@needs_bsdtar
def test_a_bomb_in_a_rar_archive(tmp_path: Path) -> None:
    assert "more than 1.00 MB" in unpack_refused(rarred({"x": bytes(2 * 10**6)}), "a.rar", tmp_path, 10**6)


def test_without_bsdtar(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    line = refused(source("hmdb51", web.address), tmp_path / "d")
    assert "bsdtar is not installed, rar archives need it" in line
    assert web.requests == [], "said before gigabytes are fetched"


def test_a_hostile_archive_leaves_nothing_and_a_good_one_then_works(web: Web, tmp_path: Path) -> None:
    wanted = ucf(web.address)
    web.files["UCF101.zip"] = zipped(ucf_files() | {"../../outside.avi": b"x"})
    assert "climbs out" in refused(wanted, tmp_path / "d")
    (tmp_path / "d/archives/UCF101.zip").unlink()
    web.files["UCF101.zip"] = zipped(ucf_files())
    list(fetch(wanted, tmp_path / "d"))


def test_finished_parts_are_kept_when_a_later_one_fails(web: Web, tmp_path: Path) -> None:
    wanted = kinetics_in(web)
    good, web.files["part_1.tar.gz"] = web.files["part_1.tar.gz"], web.files["part_1.tar.gz"][:-20]
    assert "part_1.tar.gz: damaged or cut short" in refused(wanted, tmp_path / "d")
    (tmp_path / "d/archives/part_1.tar.gz").unlink()
    web.files["part_1.tar.gz"] = good
    list(fetch(wanted, tmp_path / "d"))
    assert [len(web.asked(f"part_{number}.tar.gz")) for number in range(3)] == [1, 2, 1]
    assert len(tree(tmp_path / "d/kinetics700")) == 700


def test_a_run_that_ends_before_the_last_rename_is_finished_by_the_next(
    web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, rename = kinetics_in(web), os.rename
    for last in ("yoga", "kinetics700"):  # in the middle of putting the parts together; at the very end

        def interrupted(path: Path, goal: Path, last: str = last) -> None:
            if goal.name == last:
                raise KeyboardInterrupt
            rename(path, goal)

        monkeypatch.setattr(os, "rename", interrupted)
        with pytest.raises(KeyboardInterrupt):
            list(fetch(wanted, tmp_path / "d"))
        assert not (tmp_path / "d/kinetics700").exists()
    monkeypatch.setattr(os, "rename", rename)
    list(fetch(wanted, tmp_path / "d"))
    assert [len(web.asked(f"part_{number}.tar.gz")) for number in range(3)] == [1, 1, 1]
    assert len(tree(tmp_path / "d/kinetics700")) == 700


def test_two_parts_with_the_same_video(web: Web, tmp_path: Path) -> None:
    wanted = kinetics_in(web)
    web.files["part_2.tar.gz"] = web.files["part_1.tar.gz"]
    assert "two archives of the dataset hold this file" in refused(wanted, tmp_path / "d")


@pytest.mark.parametrize("text", [b"", b"hello", b"http://x/a.tar.gz\nhttp://y/a.tar.gz", b"http://x/y.txt"])
def test_a_list_that_is_none(web: Web, tmp_path: Path, text: bytes) -> None:
    wanted = kinetics_in(web)
    web.files["k700_2020_train_path.txt"] = text
    assert "this is no list of addresses of archives" in refused(wanted, tmp_path / "d")


# --- what is already there


def test_an_existing_folder_is_counted_and_never_touched(web: Web, tmp_path: Path) -> None:
    wanted = ucf(web.address)
    folder = write(tmp_path / "d", ucf_files())
    assert list(check_present(wanted, folder))[-1].endswith("UCF-101: complete")
    shutil.rmtree(folder / "UCF-101/Archery")
    write(folder, {"UCF-101/Flying/v_Flying_g01_c01.avi": b"x", "UCF-101/YoYo/v_YoYo_g01_c02.avi": b"x"})
    before = tree(folder)
    for found in (check_present(wanted, folder), fetch(wanted, folder)):
        assert "102 videos in 101 classes; expected: 101 videos in 101 classes" in next(found)
        with pytest.raises(
            AurlError, match=r"1 missing classes \(Archery\); 1 unknown classes \(Flying\); 102 videos, not"
        ):
            list(found)
    assert tree(folder) == before
    write(folder, {"UCF-101/Archery/v_Biking_g01_c01.avi": b"x"})
    with pytest.raises(AurlError, match="not a UCF101 file name of class Archery"):
        list(fetch(wanted, folder))
    assert web.requests == []


def test_an_incomplete_archive_stays_out_of_the_official_place(web: Web, tmp_path: Path) -> None:
    files = ucf_files()
    files.pop("UCF-101/Archery/v_Archery_g01_c01.avi")
    web.files["UCF101.zip"] = zipped(files)
    line = refused(ucf(web.address), tmp_path / "d")
    assert ".UCF-101.unpacking/whole/UCF-101: not the complete UCF101: 1 missing classes (Archery)" in line
    assert f"to use it nevertheless, move it to {tmp_path}/d/UCF-101" in line
    assert len(tree(tmp_path / "d/.UCF-101.unpacking/whole/UCF-101")) == 100


def test_the_command(tmp_path: Path) -> None:
    absent = cli("vectors", "--check", "--to", str(tmp_path / "d"))
    assert absent.returncode == 1
    assert absent.stderr.startswith(f"aurl: error: {tmp_path}/d/GoogleNews-vectors-negative300.bin.gz: not there")
    assert (
        cli("imagenet").stderr
        == "aurl: error: there is no source 'imagenet'; known: ucf101, hmdb51, kinetics700, vectors\n"
    )
    archive = write(tmp_path / "mine", {"hmdb51_org.rar": rarred(hmdb_files())})
    done = cli("hmdb51", "--from", str(archive), "--to", str(tmp_path / "d"), path=f"{fake_bsdtar(tmp_path)}:/usr/bin")
    assert done.returncode == 1
    assert "517d6f1f19f215c45cdd4d25356be1fb (stated by google-deepmind/brave" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert "CC BY 4.0" in done.stdout
    assert (archive / "hmdb51_org.rar").is_file()
    write(tmp_path / "d", {f"hmdb51/{name}": content for name, content in hmdb_files().items()})
    few = cli("hmdb51", "--check", "--to", str(tmp_path / "d"))
    assert few.returncode == 1
    assert "51 videos in 51 classes; expected: 6766 videos in 51 classes" in few.stdout
    assert "51 videos, not 6766" in few.stderr


def test_progress_in_a_log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LOG_INTERVAL_SECONDS", 0.0)
    with progress.transfer("x.zip", 4000, 1000) as advance:
        time.sleep(0.01)
        advance(2000)
    assert re.fullmatch(r"x\.zip: 3\.00 kB of 4\.00 kB, 0 s left, \d+\.?\d* kB/s\n", capsys.readouterr().err)
