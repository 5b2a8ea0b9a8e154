"""Write files so that a kill or a full disk never leaves half of one behind; compute their digests."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aurl.system.errors import AurlError

SNAKEMAKE_STAMP = ".snakemake_timestamp"


@contextmanager
def replacing(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Yield a temporary name for each path; rename them into place only when the block succeeds.

    The temporary is beside its target (a rename never crosses file systems) under a fixed name: the next run
    overwrites what a killed one left, and nothing piles up.
    """
    temporaries = tuple(path.with_name(f".{path.name}.tmp") for path in paths)
    for temporary in temporaries:
        temporary.parent.mkdir(parents=True, exist_ok=True)
        _remove(temporary)
    try:
        yield temporaries
        for temporary, path in zip(temporaries, paths, strict=True):
            if path.is_dir():
                shutil.rmtree(path)
            os.replace(temporary, path)
    finally:
        for temporary in temporaries:
            _remove(temporary)


def copy_file(source: Path, target: Path) -> None:
    """Copy a whole file's contents or nothing."""
    with replacing(target) as (temporary,):
        shutil.copyfile(source, temporary)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or nothing."""
    with replacing(path) as (temporary,):
        temporary.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write a whole UTF-8 file or nothing."""
    write_bytes(path, text.encode())


def replace_section(path: Path, name: str, text: str) -> None:
    """Put `text` between the lines `<!-- name -->` and `<!-- end -->` of a Markdown file.

    Raises: AurlError if the file has no such section.
    """
    write_text(path, with_section(path, path.read_text(), name, text))


def with_section(path: Path, page: str, name: str, text: str) -> str:
    """Return the text of a page with `text` in a section, as `replace_section` writes it.

    Raises: AurlError if the page has no such section; the message names `path`.
    """
    before, start, rest = page.partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition("<!-- end -->\n")
    if not end:
        raise AurlError(f"{path}: no section '<!-- {name} -->' with an '<!-- end -->'; restore it from git")
    return f"{before}{start}{text}{end}{after}"


def sha256_file(path: Path) -> str:
    """Compute the hex SHA-256 of a file's contents."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()


def check_declared(path: Path, sha256: str, kind: str, mend: str, command: str) -> None:
    """Check that a file is the one whose digest params.yaml holds.

    Args:
        kind, mend: of a missing file: what it holds, and how to get it back. command: what declares another file.
    Raises: AurlError if it is missing or another.
    """
    if not path.is_file():
        raise AurlError(f"{path}: no such file of {kind}; {mend}, or change params.yaml")
    digest = sha256_file(path)
    if digest != sha256:
        raise AurlError(
            f"{path}: its SHA-256 is {digest[:12]}..., params.yaml says {sha256[:12]}...; it is not the file that"
            f" was declared ({command} declares another)"
        )


def files_below(folder: Path) -> list[Path]:
    """List every file below a folder, sorted by relative path, without Snakemake's time stamp."""
    paths = (Path(root, name) for root, _, names in os.walk(folder) for name in names if name != SNAKEMAKE_STAMP)
    return sorted(paths, key=lambda path: path.relative_to(folder).as_posix())


def sha256_folder(folder: Path) -> str:
    """Compute the hex SHA-256 over the (SHA-256, relative path) pairs of every file below a folder."""
    lines = [f"{sha256_file(path)}  {path.relative_to(folder).as_posix()}\n" for path in files_below(folder)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def digest(path: Path) -> str:
    """Compute `sha256_folder` of a folder, `sha256_file` of a file."""
    return sha256_folder(path) if path.is_dir() else sha256_file(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
