"""Download one file over HTTP, resumable: `.NAME.part` keeps a part, `.NAME.part.json` its origin.

The rest of a file is only requested with the validator (strong ETag or Last-Modified) of the part (`If-Range`), so that
halves of different files are never put together. Proxies and certificates are those of the environment
(HTTPS_PROXY, REQUESTS_CA_BUNDLE), as `requests` reads them.
"""

import json
import os
import re
import shutil
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
import urllib3

from aurl.system.errors import AurlError, one_line
from aurl.system.json_files import write_json
from aurl.system.progress import in_bytes, log, transfer

TIMEOUT_SECONDS = (20.0, 60.0)  # to connect, between two bytes
ATTEMPTS = 5
BACK_OFF_SECONDS = 2.0
CHUNK = 1 << 20
GOOD_ATTEMPT_BYTES = 16 * CHUNK  # an attempt that brought this much does not count as a failed one
RETRIED_STATUS = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
LOCAL_FILE_HINT = "download it by other means and give its folder to --from"


class _DroppedError(Exception):
    """Report an attempt that failed; another one may succeed."""


DROPPED = (_DroppedError, requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)


def download(url: str, target: Path, stated_bytes: int | None, copies: int) -> None:
    """Download a file, or the rest of it, and rename it when it is whole.

    Args:
        stated_bytes: its size where a source states one.
        copies: how many times its size the disk must hold (2 for an archive that is to be unpacked).
    Raises:
        AurlError: the server refuses, sends a web page or another size, the disk is too small, or the
            connection failed several times; the part is kept for the next run.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.part")
    notes = part.with_name(f"{part.name}.json")
    failures = 0
    while True:
        before = _size(part)
        try:
            _attempt(url, part, notes, stated_bytes, copies)
            break
        except requests.exceptions.SSLError as error:
            reason = f"the server's certificate cannot be verified ({_reason(error)})"
            raise AurlError(f"{url}: {reason}; {LOCAL_FILE_HINT}") from None
        except DROPPED as error:
            failures = 1 if _size(part) - before >= GOOD_ATTEMPT_BYTES else failures + 1
            if failures == ATTEMPTS:
                kept = _size(part)
                hint = f"{in_bytes(kept)} are kept: run the same command again to resume" if kept else LOCAL_FILE_HINT
                raise AurlError(f"{url}: {_reason(error)}, {ATTEMPTS} times in a row; {hint}") from None
            pause = BACK_OFF_SECONDS * 2 ** (failures - 1)
            log(f"{target.name}: {_reason(error)}; trying again in {pause:g} s")
            time.sleep(pause)
        except requests.RequestException as error:
            raise AurlError(f"{url}: {_reason(error)}; {LOCAL_FILE_HINT}") from None
    os.replace(part, target)
    notes.unlink()


def need_disk(folder: Path, needed: int, purpose: str) -> None:
    """Check the free disk of a folder. Raises: AurlError if it is less than `needed` bytes."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise AurlError(
            f"{folder}: {purpose} needs {in_bytes(needed)}, {in_bytes(free)} are free;"
            " free some space or give another folder to --to"
        )


def _attempt(url: str, part: Path, notes: Path, stated_bytes: int | None, copies: int) -> None:
    """Download the rest of a file. Raises: _DroppedError or an exception of requests if it is cut short."""
    known = _read_notes(notes, url)
    start = _size(part) if known["validator"] else 0
    if start and start == known["bytes"]:
        return
    headers = {"Accept-Encoding": "identity"}  # the bytes of the file, not a compressed transfer of them
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": known["validator"]}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        _check_status(response, url)
        if start and not _continues(response, start, known):
            start = 0
            if response.status_code == HTTPStatus.OK:
                log(f"{url}: started over, the file has changed or its server sends no parts")
        if not start:
            part.unlink(missing_ok=True)
            if response.status_code != HTTPStatus.OK:
                raise _DroppedError(f"the server answers {response.status_code} {response.reason}, which is no file")
        length = response.headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else stated_bytes
        if stated_bytes not in (None, total):
            raise AurlError(
                f"{url}: the server's file has {total} bytes, data/sources.yaml states {stated_bytes};"
                f" the file has changed there, or this is not the file: {LOCAL_FILE_HINT}"
            )
        if total is not None:
            need_disk(part.parent, copies * total - start, f"fetching {url}")
        write_json(
            notes, {"url": url, "validator": known["validator"] if start else _validator(response), "bytes": total}
        )
        _append(response, part, start, total)


def _append(response: requests.Response, part: Path, start: int, total: int | None) -> None:
    """Append a response's body to the first `start` bytes. Raises: _DroppedError if it ends too early."""
    with part.open("ab") as handle, transfer(part.name[1:].removesuffix(".part"), total, start) as advance:
        handle.truncate(start)
        try:
            while chunk := response.raw.read1(CHUNK):  # what has arrived, without waiting for a whole chunk
                handle.write(chunk)
                advance(len(chunk))
        except urllib3.exceptions.HTTPError as error:
            raise _DroppedError(_reason(error)) from None
    if total not in (None, _size(part)):
        raise _DroppedError(f"the connection ended after {in_bytes(_size(part))} of {in_bytes(total or 0)}")


def _check_status(response: requests.Response, url: str) -> None:
    """Check that an answer holds the file. Raises: AurlError, or _DroppedError where the next answer may."""
    status = response.status_code
    answer = f"the server answers {status} {response.reason}"
    if status in RETRIED_STATUS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _DroppedError(answer)
    if status >= HTTPStatus.BAD_REQUEST and status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise AurlError(f"{url}: {answer}; {LOCAL_FILE_HINT}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise AurlError(f"{url}: the server sent a web page instead of the file; {LOCAL_FILE_HINT}")


def _continues(response: requests.Response, start: int, known: dict[str, Any]) -> bool:
    """Say if an answer is the rest of the very file whose first `start` bytes are here."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if response.status_code != HTTPStatus.PARTIAL_CONTENT or match is None or int(match[1]) != start:
        return False
    same_size = match[2] == "*" or known["bytes"] in (None, int(match[2]))
    return same_size and _validator(response) in (None, known["validator"])


def _validator(response: requests.Response) -> str | None:
    """Return the identity of a file's version: its strong ETag, else its time stamp, else None."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _read_notes(notes: Path, url: str) -> dict[str, Any]:
    """Read the origin of a part; unknown where the notes are another file's or damaged."""
    try:
        known = json.loads(notes.read_text())
        if known["url"] == url:
            return {key: known[key] for key in ("validator", "bytes")}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {"validator": None, "bytes": None}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _reason(error: Exception) -> str:
    """Return the innermost reason of an exception of requests, which wraps several, in one line."""
    innermost: object = error
    while isinstance(innermost, BaseException) and innermost.args and isinstance(innermost.args[0], BaseException):
        innermost = innermost.args[0]
    return one_line(getattr(innermost, "reason", None) or innermost)
