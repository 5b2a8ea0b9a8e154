"""Rank any class names for any video files.

A video is treated like one of a test set: the code of the frame store decodes it, squashes it and packs it as JPEG, the
code of the features cuts it into clips and embeds them. Equal files give equal embeddings.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from aurl.evaluation.metrics import cosine_similarity
from aurl.experiment.settings import ComputeSettings, EncoderSettings, FrameSettings
from aurl.inference.embed import embed_files
from aurl.inference.words import embed_classes
from aurl.models.checkpoint import load_model
from aurl.system.errors import AurlError


@dataclass(frozen=True)
class Prediction:
    """Hold a video and its classes with their cosines, best first."""

    video: Path
    ranking: list[tuple[str, float]]


@dataclass(frozen=True)
class Answer:
    """Hold the predictions in the order of the videos, and the reasons why the other videos have none."""

    predictions: list[Prediction]
    failures: dict[Path, str]


def predict(videos: list[Path], classes: list[str], checkpoint: Path, encoder: EncoderSettings, clips: int,
            own: FrameSettings, batch_size: int, compute: ComputeSettings, size: int | None = None,
            tokens: str = "words", fallback: bool = False) -> Answer:  # fmt: skip
    """Rank the classes for every video by the cosine of their embeddings.

    Args:
        encoder: the text encoder; the dimension is that of the checkpoint, whatever the settings say.
        clips: test clips of a video, whose embeddings are averaged.
        own, size: see `choose_frames`.
        tokens, fallback: how a class name becomes words, see `embed_classes`.
    Raises:
        AurlError: the checkpoint or the encoder's files are not usable, or a class name has unknown words.
    """
    model, described = load_model(checkpoint)
    frames = choose_frames(described, own, checkpoint, size)
    encoder = encoder.model_copy(update={"dimension": described["model"]["dimension"]})
    embedded = embed_classes(classes, encoder, tokens, fallback)
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
