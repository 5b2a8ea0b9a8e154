"""Choose what a prediction is made of: videos, class names, checkpoint and encoder. Needs no torch."""

import glob
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from aurl.datasets.layouts.base import VIDEO_SUFFIXES
from aurl.experiment.settings import EncoderSettings, Experiment
from aurl.pipeline.paths import ResultPaths
from aurl.system.errors import AurlError
from aurl.system.progress import log
from aurl.system.text_files import MOST_BYTES

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png")  # a folder of such files is one video


def expand_videos(named: Iterable[Path]) -> list[Path]:
    """Replace folders by the videos below them, and patterns such as "clips/*.mp4" by what fits them.

    A folder of JPEG or PNG images is one video and stays.

    Raises: AurlError for a folder without videos, or a pattern that nothing fits.
    """
    videos: list[Path] = []
    for path in named:
        if path.is_dir() and not _holds_images(path):
            listed = _below(path)
            if not listed:
                raise AurlError(f"{path}: the folder has no video ({', '.join(sorted(VIDEO_SUFFIXES))}) and no images")
        elif not path.exists() and glob.has_magic(str(path)):
            listed = sorted(map(Path, glob.glob(str(path), recursive=True)))
            if not listed:
                raise AurlError(f"{path}: no file fits this pattern")
        else:
            listed = [path]
        videos += listed
    return list(dict.fromkeys(videos))


def _below(folder: Path) -> list[Path]:
    return sorted(
        path for path in folder.rglob("*")
        if (path.is_file() and path.suffix.lower() in VIDEO_SUFFIXES) or (path.is_dir() and _holds_images(path))
    )  # fmt: skip


def _holds_images(folder: Path) -> bool:
    return any(path.suffix.lower() in IMAGE_SUFFIXES for path in folder.iterdir())


def class_names(listed: str | None, file: Path | None) -> list[str]:
    """Read class names from "a,b,c" or from the lines of a file.

    A comma within brackets is part of a name: "playing (guitar, bass),running". A file whose lines are numbered, such as
    UCF101's classInd.txt, gives the names without the numbers.

    Raises: AurlError if both or neither are given, or the names are not distinct.
    """
    if (listed is None) == (file is None):
        raise AurlError("give the class names with --classes or with --classes-file")
    where = "--classes" if file is None else str(file)
    try:
        parts = split_names(listed or "") if file is None else _lines_of(file)
    except (OSError, ValueError) as error:
        raise AurlError(f"{where}: not a readable text file ({error}); write one class name on each line") from None
    names = [part.strip() for part in parts if part.strip()]
    names = names if file is None else without_numbers(names)
    if not names:
        raise AurlError(f"{where}: names no class")
    twice = next((name for name, times in Counter(names).items() if times > 1), None)
    if twice is not None:
        raise AurlError(f"{where}: class '{twice}' is named twice")
    return names


def split_names(listed: str) -> list[str]:
    """Split at the commas outside of brackets; without closing brackets, at every comma."""
    parts, depth = [""], 0
    for letter in listed:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
        if depth < 0:
            break
    return parts if depth == 0 else listed.split(",")


def without_numbers(lines: list[str]) -> list[str]:
    """Remove the numbers of lines that are numbered from 0 or 1 on, and log it."""
    numbered = [line.split(maxsplit=1) for line in lines]
    for first in (0, 1):
        if numbered and all(parts[0] == str(number) for number, parts in enumerate(numbered, first)):
            names = [" ".join(parts[1:]) for parts in numbered]
            if all(names) and len(set(names)) == len(names):
                log(f"the lines of the classes file are numbered; the first class is '{names[0]}'")
                return names
    return lines


def _lines_of(file: Path) -> list[str]:
    """Read the lines of a user's text file. Raises: OSError, ValueError."""
    with file.open("rb") as handle:
        content = handle.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"larger than {MOST_BYTES} bytes")
    return content.decode("utf-8-sig").splitlines()


def choose_checkpoint(experiment: Experiment, paths: ResultPaths, checkpoint: Path | None, variant: str | None,
                      seed: int | None) -> Path:  # fmt: skip
    """Choose the given checkpoint, or the experiment's of a variant (default: the proposed one) and seed (the first).

    Raises: AurlError if both are given, or the experiment has not trained it yet.
    """
    if checkpoint is not None:
        if variant is not None or seed is not None:
            raise AurlError("give either --checkpoint, or --variant and --seed of the present experiment")
        return checkpoint
    variant, seed = variant or experiment.report.proposed, experiment.seeds[0] if seed is None else seed
    experiment.variant(variant)
    chosen = paths.of("checkpoint", variant=variant, seed=seed)
    if not chosen.is_file():
        raise AurlError(
            f"{chosen}: not trained yet; run 'snakemake -- {chosen}', or give another one with --checkpoint"
        )
    return chosen


def choose_encoder(encoder: EncoderSettings, vectors: Path | None) -> EncoderSettings:
    """Return the experiment's encoder, with other vectors if they are given.

    Raises: AurlError for an encoder without the setting `vectors`.
    """
    if vectors is None:
        return encoder
    if "vectors" not in type(encoder).model_fields:
        raise AurlError(f"--vectors: the text encoder {encoder.name} reads no word vectors; leave the option out")
    return encoder.model_copy(update={"vectors": str(vectors)})
