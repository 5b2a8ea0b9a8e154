"""Small archives of every kind, honest and hostile, and a server on loopback that can misbehave."""

import gzip
import hashlib
import io
import random
import struct
import tarfile
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SOLID = (0x08, 0x10)  # the flags of a solid RAR 4 archive, and of a file in it


def noise(name: str, size: int = 300) -> bytes:
    """Bytes that do not compress and that the name determines."""
    return random.Random(name).randbytes(size)


def zipped(files: dict[str, bytes], mode: int = 0o100644) -> bytes:
    """A zip archive; the mode may make its entries links or devices."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo("x")
            info.filename = name  # the constructor would cut a name at its NUL
            info.external_attr = mode << 16
            archive.writestr(info, content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def tarred(files: dict[str, bytes], kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
    """A tar.gz; the kind may make its entries links or devices."""
    buffer = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed,  # equal in every process: a test is named after it
        tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, link
            info.size = len(content) if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def rarred(files: dict[str, bytes], mode: int = 0o100644, solid: bool = False) -> bytes:
    """A real RAR 4 archive, its files stored without compression (no free program writes the format)."""

    def block(kind: int, flags: int, fields: bytes, data: bytes = b"") -> bytes:
        header = struct.pack("<BHH", kind, flags, 7 + len(fields)) + fields
        return struct.pack("<H", zlib.crc32(header) & 0xFFFF) + header + data

    archive = b"Rar!\x1a\x07\x00" + block(0x73, SOLID[0] * solid, bytes(6))
    for name, content in files.items():
        raw, size, checksum = name.encode(), len(content), zlib.crc32(content)
        fields = struct.pack("<IIBIIBBHI", size, size, 3, checksum, 0x21, 20, 0x30, len(raw), mode) + raw
        archive += block(0x74, 0x8000 | SOLID[1] * solid, fields, content)
    return archive + block(0x7B, 0x4000, b"")


def bomb(size: int) -> bytes:
    """A tar.gz whose one video is so many zeros."""
    return tarred({"abseiling/v.mp4": bytes(size)})


def vectors_file() -> bytes:
    """Two word vectors of three dimensions in a gzipped word2vec file."""
    return gzip.compress(b"2 3\n" + b"".join(word + b" " + noise(str(word), 12) for word in (b"a", b"b")))


def digest(content: bytes, algorithm: str = "sha256") -> str:
    return hashlib.new(algorithm, content).hexdigest()


class Web:
    """What the server serves, how it misbehaves, and what it was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.statuses: list[int] = []  # of the next answers; 200 when used up
        self.cut: list[int] = []  # after how many bytes the next answers' connections break; never when used up
        self.ranges = True
        self.validators = True
        self.content_type = "application/octet-stream"
        self.stall: threading.Event | None = None
        self.address = ""

    def asked(self, name: str) -> list[str | None]:
        """The Range of each request for a file (None: the whole of it)."""
        return [headers.get("Range") for path, headers in self.requests if path == f"/{name}"]


@contextmanager
def serve() -> Iterator[Web]:
    """A server in a thread of this process."""
    web = Web()

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            web.requests.append((self.path, dict(self.headers)))
            status = web.statuses.pop(0) if web.statuses else 200
            content = web.files.get(self.path[1:])
            if status != 200 or content is None:
                self.send_error(404 if status == 200 else status)
                return
            etag, start = f'"{digest(content)[:16]}"', 0
            wanted = self.headers.get("Range")
            if wanted and web.ranges and self.headers.get("If-Range") == etag:
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
            else:
                self.send_response(200)
            self.send_header("Content-Type", web.content_type)
            self.send_header("Content-Length", str(len(content) - start))
            if web.validators:
                self.send_header("ETag", etag)
            self.end_headers()
            sent = content[start : start + web.cut.pop(0)] if web.cut else content[start:]
            self.wfile.write(sent)
            self.wfile.flush()
            if web.stall is not None and len(sent) < len(content) - start:
                web.stall.wait(30)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    web.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def write(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files below a folder."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder
