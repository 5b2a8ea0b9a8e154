"""Ranks any class names for any video files.

A video is treated like one of a test set: the code of the frame store decodes it, squashes it and packs it as JPEG, the
code of the features cuts it into clips and embeds them. Equal files give equal embeddings.
"""

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tabulate import tabulate

from aurl.evaluation.metrics import cosine_similarity
from aurl.experiment.settings import ComputeSettings, EncoderSettings, Experiment, FrameSettings
from aurl.inference.embed import embed_files
from aurl.models.checkpoint import load_model
from aurl.pipeline.paths import ResultPaths
from aurl.semantics.classes import equal_classes, list_equal
from aurl.semantics.embedding import check_embeddings
from aurl.semantics.encoders.base import first_file, load_encoder
from aurl.system.errors import AurlError
from aurl.system.progress import log
from aurl.system.text_files import MOST_BYTES

LISTED = 100  # unknown words in an error


@dataclass(frozen=True)
class Prediction:
    """A video and its classes with their cosines, best first."""

    video: Path
    ranking: list[tuple[str, float]]


@dataclass(frozen=True)
class Answer:
    """The predictions in the order of the videos, and the reasons why the other videos have none."""

    predictions: list[Prediction]
    failures: dict[Path, str]


def predict(videos: list[Path], classes: list[str], checkpoint: Path, encoder: EncoderSettings, clips: int,
            own: FrameSettings, batch_size: int, compute: ComputeSettings, size: int | None = None,
            tokens: str = "words") -> Answer:  # fmt: skip
    """Rank the classes for every video by the cosine of their embeddings.

    Args:
        encoder: the text encoder; the dimension is that of the checkpoint, whatever the settings say.
        clips: test clips of a video, whose embeddings are averaged.
        own, size: see `choose_frames`.
        tokens: how a class name becomes words, for encoders of words, see `class_tokens`.
    Raises:
        AurlError: the checkpoint or the encoder's files are not usable, or a class name has unknown words.
    """
    model, described = load_model(checkpoint)
    frames = choose_frames(described, own, checkpoint, size)
    encoder = encoder.model_copy(update={"dimension": described["model"]["dimension"]})
    embedded = embed_classes(classes, encoder, tokens)
    files = embed_files(model, videos, clips, described["clip_length"], frames, batch_size, compute)
    if not files.videos:
        return Answer([], files.failures)
    with torch.inference_mode():
        similarity = cosine_similarity(files.embeddings, model.cpu().embed_classes(torch.from_numpy(embedded)))
    predictions = []
    for video, cosines in zip(files.videos, similarity, strict=True):
        order = cosines.argsort(descending=True, stable=True).tolist()
        predictions.append(Prediction(video, [(classes[index], cosines[index].item()) for index in order]))
    return Answer(predictions, files.failures)


def embed_classes(classes: list[str], encoder: EncoderSettings, tokens: str = "words") -> np.ndarray:
    """Embed class names in their order: float32 (classes, dimension). Raises: AurlError for unknown words."""
    embeddings = load_encoder(encoder).encode(classes, tokens, encoder)
    if embeddings.dropped:
        unknown = sorted({word for words in embeddings.dropped.values() for word in words})
        more = f" and {len(unknown) - LISTED} more words" if len(unknown) > LISTED else ""
        listed = ", ".join(map(repr, unknown[:LISTED]))
        raise AurlError(
            f"{first_file(encoder)}: does not know {listed}{more}; use other words, or --vectors with a larger"
            " file (the shipped one is a small part of GoogleNews-vectors-negative300.bin)"
        )
    check_embeddings(embeddings, encoder, "the given classes")
    if groups := equal_classes(embeddings):
        log(f"classes with equal words, which no video tells apart: {list_equal(groups)}")
    rows = {name: row for row, name in enumerate(embeddings.classes)}
    return np.asarray(embeddings.vectors[[rows[name] for name in classes]])


def choose_encoder(encoder: EncoderSettings, vectors: Path | None) -> EncoderSettings:
    """Return the experiment's encoder, with other vectors if they are given.

    Raises: AurlError for an encoder without the setting `vectors`.
    """
    if vectors is None:
        return encoder
    if "vectors" not in type(encoder).model_fields:
        raise AurlError(f"--vectors: the text encoder {encoder.name} reads no word vectors; leave the option out")
    return encoder.model_copy(update={"vectors": str(vectors)})


def as_text(answer: Answer, top: int) -> str:
    """Format the best classes of every video as a table."""
    rows = [
        (prediction.video if rank == 1 else "", rank, name, cosine)
        for prediction in answer.predictions
        for rank, (name, cosine) in enumerate(prediction.ranking[:top], start=1)
    ]
    head = ("video", "rank", "class", "cosine")
    return tabulate(rows, head, floatfmt=".3f", disable_numparse=[0, 2])


def as_json(answer: Answer, top: int) -> str:
    """Format the best classes of every video, and the reasons why others have none, as JSON."""
    predictions = [
        {
            "video": str(prediction.video),
            "classes": [{"class": name, "cosine": round(cosine, 6)} for name, cosine in prediction.ranking[:top]],
        }
        for prediction in answer.predictions
    ]
    failures = [{"video": str(video), "reason": reason} for video, reason in answer.failures.items()]
    return json.dumps({"predictions": predictions, "failures": failures}, indent=1, ensure_ascii=False)


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


def choose_frames(described: dict[str, Any], own: FrameSettings, checkpoint: Path, size: int | None) -> FrameSettings:
    """Choose the frames that a checkpoint was trained on, from its description.

    Args:
        own: the present experiment's frames, for what the description of imported weights does not hold.
        size: the user's choice, which comes first.
    Raises: AurlError for imported weights without `size`.
    """
    if size is not None:
        return own.model_copy(update={"size": size})
    if "frames" not in described:
        raise AurlError(
            f"{checkpoint}: imported weights do not tell the size of the frames that they were trained on; give --size,"
            " 112 for the published ones"
        )
    try:
        return FrameSettings.model_validate({**own.model_dump(), **described["frames"]})
    except (TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:200]
        raise AurlError(f"{checkpoint}: its description tells impossible frames ({reason}); give --size") from None
