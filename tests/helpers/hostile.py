"""A corpus of bad files: broken, lying, enormous or malicious. Run as a script: python tests/helpers/hostile.py FOLDER.

Every maker is a few lines of bytes; nothing is stored in the repository. `GROUPS` names each kind of file with what
the one line about it must say; tests/system/test_hostile.py gives each of them to the command that would read it.
"""

import gzip
import io
import json
import pickle
import struct
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import archives
import media
import numpy as np

from aurl.experiment.presets import preset_text

Maker = Callable[[], bytes]
Kind = tuple[str, bytes | Maker, str]  # file name, contents, a part of the line (regular expression)


class Call:
    """Pickles to a call that would leave a file behind."""

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, ("executed", "w")


def _encoded(name: str, make: Callable[[Path], Path]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return make(Path(folder) / name).read_bytes()


def good_mp4() -> bytes:
    """An honest H.264 file, which the lying ones differ from in one thing."""
    return _encoded("good.mp4", lambda path: media.h264(path, 12))


def raw_avi(encoder: str = "mjpeg") -> bytes:
    """An honest AVI file of independent pictures."""

    def write(path: Path) -> Path:
        import av

        with av.open(str(path), "w") as container:
            stream = container.add_stream(encoder, rate=25)
            stream.height, stream.width, stream.pix_fmt = 48, 64, "yuvj420p"  # type: ignore[attr-defined]
            for image in media.pattern(5):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))  # type: ignore[attr-defined]
            container.mux(stream.encode())  # type: ignore[attr-defined]
        return path

    return _encoded("good.avi", write)


def patched(content: bytes, after: bytes, offset: int, new: bytes) -> bytes:
    """Bytes replaced at an offset behind the first place of a mark."""
    place = content.index(after) + len(after) + offset
    return content[:place] + new + content[place + len(new) :]


def jpeg_bomb() -> bytes:
    """Pictures that claim 16,000 x 16,000 pixels, in their own headers and the container's; FFmpeg refuses larger ones."""
    side, content, start = 16_000, bytearray(raw_avi()), 0
    while (start := content.find(b"\xff\xc0\x00\x11\x08", start)) >= 0:
        content[start + 5 : start + 9] = struct.pack(">HH", side, side)
        start += 9
    at = content.index(b"strf") + 8
    content[at + 4 : at + 12] = struct.pack("<ii", side, side)
    return bytes(content)


def png_bomb(side: int = 12_000) -> bytes:
    """An AVI of a picture of 400 MB, all black, in 400 kB: real, and nothing in it lies."""
    import zlib

    import av

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer, row = zlib.compressobj(6), bytes(1 + 3 * side)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")

    def write(path: Path) -> Path:
        with av.open(str(path), "w") as container:
            stream = container.add_stream("png", rate=25)
            stream.width, stream.height, stream.pix_fmt = side, side, "rgb24"  # type: ignore[attr-defined]
            for number in range(3):
                packet = av.Packet(picture)
                packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, number, number, True
                container.mux(packet)
        return path

    return _encoded("a.avi", write)


def raw_bomb() -> bytes:
    """An AVI of uncompressed pictures of 30,000 x 30,000 pixels, 40 bytes of which are there."""
    content = jpeg_bomb()
    at = content.index(b"strf") + 8
    content = content[: at + 4] + struct.pack("<iiHHI", 30000, 30000, 1, 24, 0) + content[at + 20 :]
    return content.replace(b"MJPG", b"DIB ")


def two_sizes() -> bytes:
    """A transport stream whose pictures change their size on the way: honest, but awkward."""
    one = _encoded("a.ts", lambda path: media.write_video(path, media.pattern(10), "libx264"))
    return one + _encoded("b.ts", lambda path: media.write_video(path, media.pattern(10, 96, 128), "libx264"))


def nested_boxes() -> bytes:
    content = b""
    for _ in range(5000):
        content = struct.pack(">I4s", len(content) + 8, b"moov") + content
    return struct.pack(">I4s4sI4s", 20, b"ftyp", b"isom", 0, b"isom") + content


def external_reference() -> bytes:
    """An mp4 whose samples should come from another file of the machine."""
    content = good_mp4()
    at = content.index(b"url \x00\x00\x00\x01")
    return content[: at + 4] + b"\0\0\0\0" + content[at + 8 :].replace(b"mdat", b"free", 1)


HLS = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n%s\n#EXT-X-ENDLIST\n"
REFUSED = r"(unreadable|empty|no-video): "
HARMLESS = "cosine"  # FFmpeg passes over the lie, and the file has its honest prediction
VIDEOS: dict[str, Kind] = {
    "zero bytes": ("a.mp4", b"", "empty"),
    "web page": ("a.mp4", b"<!DOCTYPE html><html>404</html>\n" * 20, "unreadable"),
    "noise": ("a.mp4", lambda: archives.noise("video", 20_000), "unreadable"),
    "noise behind a header": ("a.avi", lambda: raw_avi()[:300] + archives.noise("x", 9000), REFUSED),
    "cut mp4": ("a.mp4", lambda: good_mp4()[:-900], "unreadable"),
    "sound only": ("a.mp4", lambda: _encoded("a.mp4", media.audio_only), "no-video"),
    "list of other files": ("a.mp4", b"ffconcat version 1.0\nfile 'good.mp4'\n", "not on whitelist"),
    "list of other files as avi": ("a.avi", b"ffconcat version 1.0\nfile '/etc/passwd'\n", "not on whitelist"),
    "playlist of a local file": ("a.mp4", HLS % b"file:///etc/passwd", "unreadable"),
    "playlist of an address": ("a.mkv", HLS % b"http://127.0.0.1:9/a.ts", "unreadable"),
    "playlist, mpeg-dash": ("a.mp4", b'<?xml version="1.0"?><MPD><Period/></MPD>', "unreadable"),
    "session description": ("a.mp4", b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
                            b"m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n", "unreadable"),
    "another file's samples": ("a.mp4", external_reference, HARMLESS),
    "2^32 samples": ("a.mp4", lambda: patched(good_mp4(), b"stsz", 8, b"\xff\xff\xff\xff"), REFUSED),
    "2^32 durations": ("a.mp4", lambda: patched(good_mp4(), b"stts", 4, b"\xff\xff\xff\xff"), "needs more memory than"),
    "2^32 chunks": ("a.mp4", lambda: patched(good_mp4(), b"stco", 4, b"\xff\xff\xff\xff"), HARMLESS),
    "a box of 2^63 bytes": ("a.mp4", struct.pack(">I4sQ", 1, b"moov", (1 << 63) - 1) + bytes(64), REFUSED),
    "boxes in boxes": ("a.mp4", nested_boxes, "unreadable"),
    "matroska of 2^56 bytes": ("a.mkv", bytes.fromhex("1a45dfa301fffffffffffffe") + bytes(64), "unreadable"),
    "matroska, nothing inside": ("a.webm", bytes.fromhex("1a45dfa380") + bytes.fromhex("18538067ff"), "unreadable"),
    "pictures of 16,000 x 16,000": ("a.avi", jpeg_bomb, "needs more memory than|unreadable"),
    "pictures of 400 MB in 400 kB": ("a.avi", png_bomb, "needs more memory than"),
    "uncompressed pictures of 30,000 x 30,000": ("a.avi", raw_bomb, REFUSED),
    "flash header": ("a.flv", b"FLV\x01\x05\x00\x00\x00\x09" + b"\xff" * 200, REFUSED),
    "windows media header": ("a.wmv", bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + b"\xff" * 200, REFUSED),
}  # fmt: skip


def expanding_yaml(merged: bool) -> bytes:
    """Nine levels of ten aliases each: a billion values in 500 bytes."""
    lines = ["a0: &a0 {x: 1}" if merged else "a0: &a0 [x]"]
    for level in range(1, 10):
        inside = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} " + (f"{{<<: [{inside}], y{level}: 1}}" if merged else f"[{inside}]"))
    return ("\n".join(lines) + "\n").encode()


def preset(old: str, new: str) -> bytes:
    text = preset_text("micro")
    assert old in text
    return text.replace(old, new, 1).encode()


YAMLS: dict[str, Kind] = {
    "empty": ("p.yaml", b"", "expected a mapping"),
    "no text": ("p.yaml", bytes(range(256)), "not valid YAML"),
    "zero bytes inside": ("p.yaml", b"experiment: a\0b\n", "not valid YAML"),
    "utf-16": ("p.yaml", "experiment: x\n".encode("utf-16"), "not valid YAML"),
    "aliases that unfold": ("p.yaml", lambda: expanding_yaml(False), "its aliases unfold to more than"),
    "merges that unfold": ("p.yaml", lambda: expanding_yaml(True), "its aliases unfold to more than"),
    "within itself": ("p.yaml", b"a: &a [*a]\n", "within itself"),
    "deep lists": ("p.yaml", b"[" * 50_000, "nested too deeply"),
    "deep mappings": ("p.yaml", b"".join(b" " * n + b"a:\n" for n in range(900)), "nested too deeply"),
    "python object": ("p.yaml", b"!!python/object/apply:os.system ['touch executed']\n", "not determine a constructor"),
    "a tag that does not fit": ("p.yaml", b"experiment: !!int x\n", "not valid YAML"),
    "no date": ("p.yaml", b"experiment: 2001-99-99\n", "not valid YAML"),
    "a number of 5000 digits": ("p.yaml", b"experiment: " + b"9" * 5000 + b"\n", "not valid YAML"),
    "a list as key": ("p.yaml", b"[a]: b\n", "not valid YAML"),
    "a key twice": ("p.yaml", b"experiment: a\nexperiment: b\n", "'experiment' is written twice"),
    "two documents": ("p.yaml", b"a: 1\n---\nb: 2\n", "not valid YAML"),
    "2 MB": ("p.yaml", b"# x\n" * 500_000, "larger than"),
    "not a number": ("p.yaml", lambda: preset("lr: 0.05", "lr: .nan"), "training.optimizer.lr"),
    "infinite": ("p.yaml", lambda: preset("scale: 10", "scale: .inf"), "training.scale"),
    "a name that climbs": ("p.yaml", lambda: preset("experiment: micro", "experiment: ../../etc"), "experiment = "),
    "a name for a shell": ("p.yaml",
                           lambda: preset("experiment: micro", "experiment: $(touch executed)"), "experiment = "),
    "a name with an escape sequence": ("p.yaml",
                                       lambda: preset("experiment: micro", 'experiment: "\\e[2J"'), r"x1b\[2J"),
}  # fmt: skip


def stored(pickled: bytes, **entries: bytes) -> bytes:
    """A zip in the layout of torch.save around any pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, content in entries.items():
            archive.writestr(f"archive/{name}", content)
    return buffer.getvalue()


def claims(shape: str, end: int) -> bytes:
    header = f'{{"x":{{"dtype":"F32","shape":{shape},"data_offsets":[0,{end}]}}}}'.encode()
    return struct.pack("<Q", len(header)) + header + b"0000"


CHECKPOINTS: dict[str, Kind] = {
    "empty": ("w.pth", b"", "the file is empty"),
    "web page": ("w.pth", b"<html>quota exceeded</html>", "a web page"),
    "a pickle that runs": ("w.pth", pickle.dumps(Call()), "neither a file of torch.save"),
    "a pickle that runs, zipped": ("w.pth", lambda: stored(pickle.dumps(Call(), 2)), "which no weights need"),
    "a pickle that reserves 2^40 bytes": (
        "w.pth",
        lambda: stored(
            b"\x80\x02c__builtin__\nbytearray\n\x8a\x06" + (1 << 40).to_bytes(6, "little") + b"\x85R."
        ),
        r"names __builtin__\.bytearray, which no",
    ),
    "a pickle without end": ("w.pth", lambda: stored(b"\x80\x02}"), "not a usable file"),
    "a pickle with a string of 2^60": ("w.pth",
                                       lambda: stored(b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60)), "expected 1"),
    "a deep pickle": ("w.pth", lambda: stored(b"\x80\x02" + b"]" * 200_000 + b"."), "not a usable file"),
    "compressed zeros": ("w.pth", lambda: archives.zipped({"archive/data.pkl": bytes(1 << 26)}), "compressed"),
    "cut zip": ("w.pth", lambda: stored(b"\x80\x02}.")[:-10], "not a usable file"),
    "a header of 2^60": ("w.safetensors", struct.pack("<Q", 1 << 60) + b'{"a": 1}', "not a usable file"),
    "10^12 rows": ("w.safetensors", lambda: claims("[1000000000000,300]", 4), "not a usable file"),
    "a shape that overflows": ("w.safetensors", lambda: claims(f"[{1 << 62},{1 << 62}]", 4), "not a usable file"),
    "beyond the file": ("w.safetensors", lambda: claims("[1000000]", 4_000_000), "not a usable file"),
    "deep header": ("w.safetensors", struct.pack("<Q", 100_000) + b'{"a":' + b"[" * 99_995, "not a usable file"),
}  # fmt: skip

BINARY = b"2 3\n" + b"".join(word + b" " + struct.pack("<3f", 1, 2, 3) + b"\n" for word in (b"red", b"blue"))
VECTORS: dict[str, Kind] = {
    "empty": ("v.bin", b"", "damaged or cut short"),
    "10^12 rows": ("v.bin", b"1000000000000 3\n" + b"x" * 100, "do not fit"),
    "10^12 dimensions": ("v.bin", b"3 1000000000000\n" + b"x" * 100, "do not fit|dimensions"),
    "10^12 rows as text": ("v.txt", b"1000000000000 3\nred 1 2 3\n", "do not fit"),
    "a header without end": ("v.bin", b"9" * 100_000, "does not begin"),
    "cut": ("v.bin", BINARY[:-9], "damaged or cut short"),
    "a word of 2 MB": ("v.bin", b"2 3\n" + b"a" * (2 << 20), "no word or line ends|do not fit"),
    "a gigabyte in a megabyte": ("v.bin.gz", lambda: gzip.compress(b"9000000 3\n") + gzip.compress(bytes(1 << 26)) * 16,
                                 "no word or line ends"),
    "not finite": ("v.txt", b"2 3\nred nan 2 3\nblue 1 inf 3\n", "not finite"),
    "words instead of numbers": ("v.txt", b"2 3\nred a b c\nblue 1 2 3\n", "damaged"),
    "no text": ("v.txt", b"2 3\n\xff\xfe 1 2 3\n\xff 1 2 3\n", "damaged"),
}  # fmt: skip

HEADER = "path,class,bytes,frames,rate,duration,status,width,height,rotation,sha256,reason\n"
ROW = "red circle/1.mp4,red circle,10,40,25.000000,1.600000,ok,64,48,0," + "a" * 64 + ",\n"
TABLES: dict[str, Kind] = {
    "empty": ("m.csv", b"", "unreadable"),
    "cut": ("m.csv", (HEADER + ROW)[:-1].encode(), "cut short"),
    "zero bytes": ("m.csv", (HEADER + ROW).encode() + bytes(1000), "unreadable"),
    "byte order mark of utf-16": ("m.csv", (HEADER + ROW).encode("utf-16"), "unreadable"),
    "other columns": ("m.csv", b"a,b\n1,2\n", "no column 'path'"),
    "a listing": ("m.csv", b"path,class\na.mp4,red circle\n", "no column 'status'"),
    "mixed line ends": ("m.csv", (HEADER + ROW.replace(",ok,", ",o\rk,")).encode(), "unreadable"),
    "a quote without end": ("m.csv", (HEADER + '"' + ROW).encode(), "unreadable"),
    "a path that climbs": ("m.csv", (HEADER + "../../etc/" + ROW).encode(), "not inside the dataset's folder"),
    "an absolute path": ("m.csv", (HEADER + "/etc/" + ROW).encode(), "not inside the dataset's folder"),
    "not a number": ("m.csv", (HEADER + ROW.replace(",40,", ",nan,")).encode(), "unreadable"),
    "infinite": ("m.csv", (HEADER + ROW.replace(",25.000000,", ",inf,")).encode(), "not finite"),
    "negative": ("m.csv", (HEADER + ROW.replace(",40,", ",-40,")).encode(), "is no count"),
    "10^30 frames": ("m.csv", (HEADER + ROW.replace(",40,", f",{10**30},")).encode(), "unreadable"),
    "too many cells": ("m.csv", (HEADER + ROW.replace("\n", ",x,y\n")).encode(), "unreadable"),
    "a class with an escape sequence": ("m.csv",
                                        (HEADER + ROW.replace(",red circle,", ",zz\x1b[2Jzz,")).encode(), "x1b"),
    "a class of a megabyte": ("m.csv",
                              (HEADER + ROW.replace(",red circle,", f",{'q' * (1 << 20)},")).encode(), "words that"),
}  # fmt: skip


def array(header: str) -> bytes:
    text = header.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + bytes(64)


def objects() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Call()], object), allow_pickle=True)
    return buffer.getvalue()


ARRAYS: dict[str, Kind] = {
    "empty": ("a.npy", b"", "not a readable .npy"),
    "10^12 rows": ("a.npy",
                   array("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 300)}"), "not a readable"),
    "overflow": ("a.npy",
                 array(f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({1 << 62}, {1 << 62})}}"), "not a readable"),
    "negative": ("a.npy", array("{'descr': '<f4', 'fortran_order': False, 'shape': (-1, 300)}"), "not a readable"),
    "code as header": ("a.npy", array("__import__('os').mkdir('executed')"), "not a readable"),
    "a header of 4 GB": ("a.npy", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{", "not a readable"),
    "pickled objects": ("a.npy", objects, "not a readable"),
    "an archive": ("a.npy", lambda: archives.zipped({"x.npy": b"1"}), "archive of arrays|not a readable"),
    "not finite": ("a.npy", lambda: _npy(np.full((2, 300), np.nan, np.float32)), "not finite"),
    "texts": ("a.npy", lambda: _npy(np.array([["x"] * 300])), "floating point"),
}  # fmt: skip


def _npy(values: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values)
    return buffer.getvalue()


def overlapping_zip() -> bytes:
    """A zip whose table of contents lists one entry a thousand times."""
    content = archives.zipped({"golf/x_golf_f_nm_np1_fr_med_0.avi": bytes(1 << 20)})
    directory = content.index(b"PK\x01\x02")
    end = content.index(b"PK\x05\x06")
    entry = content[directory:end]
    listed = b"".join(entry.replace(b"med_0", f"{number:05d}".encode()) for number in range(1000))
    tail = struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, 1000, 1000, len(listed), directory, 0)
    return content[:directory] + listed + tail


NAME = "golf/x_golf_f_nm_np1_fr_med_0.avi"
ARCHIVES: dict[str, Kind] = {
    "empty": ("x.zip", b"", "this is no .zip file"),
    "a name without letters": ("x.zip", lambda: archives.zipped({"": b"x"}), "empty or absolute|damaged"),
    "web page": ("x.zip", b"<html>" * 9, "web page"),
    "cut": ("x.zip", lambda: archives.zipped({NAME: archives.noise("x")})[:-30], "damaged or cut short"),
    "a name that climbs": ("x.zip", lambda: archives.zipped({"../../escaped": b"x"}), "climbs out"),
    "a name that climbs within": ("x.zip", lambda: archives.zipped({"a/../../escaped": b"x"}), "climbs out"),
    "an absolute name": ("x.zip", lambda: archives.zipped({"/tmp/escaped": b"x"}), "absolute"),
    "a windows name": ("x.zip", lambda: archives.zipped({"..\\escaped": b"x"}), "not allowed"),
    "a name with a line end": ("x.zip", lambda: archives.zipped({"a\nb": b"x"}), "not allowed"),
    "a name with a zero byte": ("x.zip", lambda: archives.zipped({"a\0b": b"x"}), "not allowed|damaged"),
    "a name of 300 bytes": ("x.zip", lambda: archives.zipped({"n" * 300: b"x"}), "too long"),
    "a link": ("x.zip", lambda: archives.zipped({"link": b"/etc/passwd"}, 0o120777), "link or a device"),
    "a link in a tar": ("x.tar.gz",
                        lambda: archives.tarred({"link": b""}, tarfile.SYMTYPE, "/etc/passwd"), "link or a device"),
    "a hard link": ("x.tar.gz",
                    lambda: archives.tarred({"link": b""}, tarfile.LNKTYPE, "/etc/passwd"), "link or a device"),
    "a device": ("x.tar.gz", lambda: archives.tarred({"null": b""}, tarfile.CHRTYPE), "link or a device"),
    "a pipe": ("x.tar.gz", lambda: archives.tarred({"pipe": b""}, tarfile.FIFOTYPE), "link or a device"),
    "a file twice": ("x.tar.gz", lambda: archives.tarred({NAME: b"1", f"./{NAME}": b"2"}), "twice"),
    "300 MB of zeros": ("x.zip", lambda: archives.zipped({NAME: bytes(300 << 20)}), "unpacks to more than"),
    "300 MB of zeros in a tar": ("x.tar.gz", lambda: archives.tarred({NAME: bytes(300 << 20)}), "unpacks to more than"),
    "one entry a thousand times": ("x.zip", overlapping_zip, "unpacks to more than|damaged|more entries"),
    "archives in archives": ("x.zip",
                             lambda: archives.zipped({"a.zip": archives.zipped({"b.zip": archives.zipped({"c": b""})})}),
                             "nested more than"),
    "60,000 empty files": ("x.zip",
                           lambda: archives.zipped({str(number): b"" for number in range(60_000)}), "more entries"),
}  # fmt: skip

NAMES: dict[str, Kind] = {
    "empty": ("c.txt", b"", "names no class"),
    "no text": ("c.txt", bytes(range(128, 256)), "not a readable text file"),
    "utf-16": ("c.txt", "red\nblue\n".encode("utf-16"), "not a readable text file"),
    "a class twice": ("c.txt", b"red\nblue\nred\n", "named twice"),
    "punctuation": ("c.txt", b"$(!)\n", "no word in its name"),
    "an escape sequence": ("c.txt", b"zz\x1b[2Jqq\n", "does not know"),
    "100,000 unknown names": ("c.txt", b"".join(b"q%dq\n" % number for number in range(100_000)), "does not know"),
    "70 MB": ("c.txt", lambda: b"x\n" * (35 << 20), "larger than"),
}  # fmt: skip

DESCRIPTION = {
    "model": {"width": 4, "blocks": [1, 1], "embedding": 12, "word_hidden": 10, "dropout": 0.0, "mean": [0.4] * 3,
              "std": [0.2] * 3, "dimension": 300, "word_projector": True, "seen_classes": None},
    "clip_length": 8,
}  # fmt: skip


def described(**changes: object) -> bytes:
    """A description of a checkpoint of ours with other sizes."""
    return json.dumps({**DESCRIPTION, "model": {**DESCRIPTION["model"], **changes}}).encode()  # type: ignore[dict-item]


DESCRIPTIONS: dict[str, Kind] = {
    "no JSON": ("seed0.json", b"{", "not a usable checkpoint"),
    "deep JSON": ("seed0.json", b"[" * 200_000, "not a usable checkpoint"),
    "a width of 10^9": ("seed0.json", described(width=10**9), "impossible"),
    "a width of 10^6": ("seed0.json", described(width=10**6), "its description says"),
    "10^9 blocks": ("seed0.json", described(blocks=[10**9]), "blocks"),
    "a hundred stages": ("seed0.json", described(blocks=[1] * 100), "blocks"),
    "negative": ("seed0.json", described(embedding=-5), "impossible"),
    "not a number": ("seed0.json", described(width=float("nan")), "impossible"),
    "a module to import": ("seed0.json", described(backbone={"name": "evil.code"}), "backbone evil.code is from outside"),
    "a backbone that is no mapping": ("seed0.json", described(backbone=[1]), "not a usable checkpoint"),
    "unknown key": ("seed0.json", described(evil=1), "not a usable checkpoint"),
}  # fmt: skip

GROUPS = {
    "video": VIDEOS, "yaml": YAMLS, "checkpoint": CHECKPOINTS, "description": DESCRIPTIONS, "vectors": VECTORS,
    "table": TABLES, "array": ARRAYS, "archive": ARCHIVES, "names": NAMES,
}  # fmt: skip


def content(kind: Kind) -> bytes:
    """The bytes of a bad file."""
    return kind[1] if isinstance(kind[1], bytes) else kind[1]()


if __name__ == "__main__":
    for group, kinds in GROUPS.items():
        for kind, described_file in kinds.items():
            path = Path(sys.argv[1]) / group / kind.replace("/", " ") / described_file[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content(described_file))
            print(path)
