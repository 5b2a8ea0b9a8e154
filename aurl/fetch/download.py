"""One file over HTTP, resumable: what came stays under `.NAME.part`, what it is a part of in `.NAME.part.json`.

A rest is only asked for together with the validator (strong ETag or Last-Modified) of the part at hand
(`If-Range`), so that the two halves of different files are never put together. Proxies and certificates are
those of the environment (HTTPS_PROXY, REQUESTS_CA_BUNDLE), as `requests` reads them.
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

from aurl.system.errors import AurlError
from aurl.system.files import write_json
from aurl.system.progress import in_bytes, log, transfer

TIMEOUT_SECONDS = (20.0, 60.0)  # to connect, between two bytes
ATTEMPTS = 5
BACK_OFF_SECONDS = 2.0
CHUNK = 1 << 20
GOOD_ATTEMPT_BYTES = 16 * CHUNK  # an attempt that brought this much does not count as a failed one
WORTH_RETRYING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
LOCAL_FILE_HINT = "download it by other means and give its folder to --from"


class _DroppedError(Exception):
    """The attempt failed in a way that another one may mend."""


def download(url: str, target: Path, stated_bytes: int | None, copies: int) -> None:
    """Bring a file, or the rest of it, and give it its name when it is whole.

    Args:
        stated_bytes: its size where a source states one.
        copies: how many times its size the disk must hold (2 for an archive that is to be unpacked).
    Raises:
        AurlError: the server refuses, sends a web page or another size, the disk is too small, or the
            connection failed several times; what came is kept for the next run.
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
            raise AurlError(
                f"{url}: the server's certificate cannot be verified ({_reason(error)}); {LOCAL_FILE_HINT}"
            ) from None
        except (
            _DroppedError,
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
        ) as error:
            failures = 1 if _size(part) - before >= GOOD_ATTEMPT_BYTES else failures + 1
            if failures == ATTEMPTS:
                came = _size(part)
                mend = f"{in_bytes(came)} are kept: run the same command again to resume" if came else LOCAL_FILE_HINT
                raise AurlError(f"{url}: {_reason(error)}, {ATTEMPTS} times in a row; {mend}") from None
            pause = BACK_OFF_SECONDS * 2 ** (failures - 1)
            log(f"{target.name}: {_reason(error)}; trying again in {pause:g} s")
            time.sleep(pause)
        except requests.RequestException as error:
            raise AurlError(f"{url}: {_reason(error)}; {LOCAL_FILE_HINT}") from None
    os.replace(part, target)
    notes.unlink()


def need_disk(folder: Path, needed: int, purpose: str) -> None:
    """Raises: AurlError if the file system of a folder has less than `needed` bytes free."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise AurlError(
            f"{folder}: {purpose} needs {in_bytes(needed)}, {in_bytes(free)} are free;"
            " free some space or give another folder to --to"
        )


def _attempt(url: str, part: Path, notes: Path, stated_bytes: int | None, copies: int) -> None:
    """Fetch what is missing of a file. Raises: _DroppedError or an exception of requests if it does not come to its end."""
    known = _read_notes(notes, url)
    have = _size(part) if known["validator"] else 0
    if have and have == known["bytes"]:
        return
    headers = {"Accept-Encoding": "identity"}  # the bytes of the file, not a compressed transfer of them
    if have:
        headers |= {"Range": f"bytes={have}-", "If-Range": known["validator"]}
    with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_SECONDS) as response:
        _refuse(response, url)
        if have and not _continues(response, have, known):
            if response.status_code == HTTPStatus.OK:
                log(f"{url}: begun anew, the file has changed or its server sends no parts")
            have = 0
        if not have:
            part.unlink(missing_ok=True)
            if response.status_code != HTTPStatus.OK:
                raise _DroppedError(f"the server answers {response.status_code} {response.reason}, which is no file")
        length = response.headers.get("Content-Length", "")
        total = have + int(length) if length.isdecimal() else stated_bytes
        if stated_bytes is not None and total != stated_bytes:
            raise AurlError(
                f"{url}: the server's file has {total} bytes, data/sources.yaml states {stated_bytes};"
                f" the file has changed there, or this is not the file: {LOCAL_FILE_HINT}"
            )
        if total is not None:
            need_disk(part.parent, copies * total - have, f"fetching {url}")
        validator = known["validator"] if have else _validator(response)
        write_json(notes, {"url": url, "validator": validator, "bytes": total})
        _receive(response, part, have, total)


def _receive(response: requests.Response, part: Path, have: int, total: int | None) -> None:
    """Append the body of a response to the first `have` bytes. Raises: _DroppedError if it ends too early."""
    with part.open("ab") as handle, transfer(part.name[1:].removesuffix(".part"), total, have) as advance:
        handle.truncate(have)
        try:
            while chunk := response.raw.read1(CHUNK):  # what has come, without waiting for a whole chunk
                handle.write(chunk)
                advance(len(chunk))
        except urllib3.exceptions.HTTPError as error:
            raise _DroppedError(_reason(error)) from None
    if total is not None and _size(part) != total:
        raise _DroppedError(f"the connection ended after {in_bytes(_size(part))} of {in_bytes(total)}")


def _refuse(response: requests.Response, url: str) -> None:
    """Raises: AurlError, or _DroppedError where it may pass, for an answer that holds no part of the file."""
    status = response.status_code
    answer = f"the server answers {status} {response.reason}"
    if status in WORTH_RETRYING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise _DroppedError(answer)
    if status >= HTTPStatus.BAD_REQUEST and status != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        raise AurlError(f"{url}: {answer}; {LOCAL_FILE_HINT}")
    if response.headers.get("Content-Type", "").startswith("text/html"):
        raise AurlError(f"{url}: the server sent a web page instead of the file; {LOCAL_FILE_HINT}")


def _continues(response: requests.Response, have: int, known: dict[str, Any]) -> bool:
    """Whether an answer is the rest of the very file whose first `have` bytes are here."""
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if response.status_code != HTTPStatus.PARTIAL_CONTENT or match is None or int(match[1]) != have:
        return False
    same_size = match[2] == "*" or known["bytes"] is None or int(match[2]) == known["bytes"]
    return same_size and _validator(response) in (None, known["validator"])


def _validator(response: requests.Response) -> str | None:
    """What tells one version of a file from another: its strong ETag, else its time stamp, else nothing."""
    etag = response.headers.get("ETag", "")
    return etag if etag.startswith('"') else response.headers.get("Last-Modified")


def _read_notes(notes: Path, url: str) -> dict[str, Any]:
    """What the part at hand is a part of; nothing is known of it where the notes are another file's or damaged."""
    try:
        known = json.loads(notes.read_text())
        if known["url"] == url:
            return {"validator": known["validator"], "bytes": known["bytes"]}
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return {"validator": None, "bytes": None}


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _reason(error: Exception) -> str:
    """The innermost reason of an exception of requests, which wraps several, in one line."""
    innermost: object = error
    while isinstance(innermost, BaseException) and innermost.args and isinstance(innermost.args[0], BaseException):
        innermost = innermost.args[0]
    inner = getattr(innermost, "reason", None)
    return " ".join(str(inner or innermost).split())
