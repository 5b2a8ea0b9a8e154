"""Write the answer onto a video: its frames, with the best classes in a band below them."""

import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from aurl.frames.orientation import MIRRORED, RIGHT_ANGLE
from aurl.frames.video import VideoProperties, probe, read_frames
from aurl.inference.predict import Prediction
from aurl.system.errors import AurlError
from aurl.system.files import write_bytes
from aurl.system.isolated import Failure, map_isolated
from aurl.system.progress import track

SHOWN = 3  # classes
LINE = 24  # pixels, the height of a line of text
NARROWEST, WIDEST = 320, 960  # pixels; other videos are enlarged or reduced, so that the text can be read
USUAL_RATE = 25.0  # frames a second, where a file does not say it
Line = tuple[str, float]


def write_overlays(predictions: Sequence[Prediction], target: Path, timeout: float, memory_mb: int) -> list[Path]:
    """Write each video with its answer as an mp4: to the file `target`, or several to the folder `target`.

    Each is decoded in a process of its own, with limits.

    Raises: AurlError for a target that does not fit, or a video that cannot be written.
    """
    alone = len(predictions) == 1 and target.suffix
    if not alone and target.suffix:
        raise AurlError(f"--overlay {target}: {len(predictions)} videos need a folder, not one file")
    names = [
        target if alone else target / f"{number:03}-{each.video.stem}.mp4" for number, each in enumerate(predictions)
    ]
    jobs = [(each.video, each.ranking[:SHOWN]) for each in predictions]
    results = track(map_isolated(_labelled, jobs, 1, timeout, memory_mb), "overlay", "videos", len(jobs), brief=True)
    for (video, _), name, result in zip(jobs, names, results, strict=True):
        if isinstance(result, Failure):
            raise AurlError(f"{video}: its overlay could not be made ({result.reason})")
        write_bytes(name, result)
    return names


def _labelled(job: tuple[Path, list[Line]]) -> bytes:
    """Encode one video with its answer as an mp4. Raises: AurlError where a folder of images is given."""
    video, lines = job
    if video.is_dir():
        raise AurlError("a folder of images has no rate; an overlay needs a video file")
    properties = probe(video)
    width, height = _size(properties)
    band = _band(lines, width)
    encoded = io.BytesIO()
    with av.open(encoded, "w", format="mp4") as container:
        rate = Fraction(properties.rate or USUAL_RATE).limit_denominator(1001)
        stream: Any = container.add_stream("libx264", rate=rate)
        stream.width, stream.height, stream.pix_fmt = width, height + len(band), "yuv420p"
        for chunk in read_frames(video, properties.frames, max(width, height), properties.rotation):
            for squashed in chunk:
                frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(squashed), format="rgb24")
                image = frame.reformat(width, height, "rgb24").to_ndarray()
                whole = np.ascontiguousarray(np.concatenate([image, band]))
                container.mux(stream.encode(av.VideoFrame.from_ndarray(whole, format="rgb24")))
        container.mux(stream.encode(None))
    return encoded.getvalue()


def _size(video: VideoProperties) -> tuple[int, int]:
    """Choose width and height of the upright picture: even numbers, the shape kept."""
    width, height = video.width, video.height
    if video.rotation % MIRRORED // RIGHT_ANGLE % 2:
        width, height = height, width
    scale = min(max(NARROWEST / width, 1.0), WIDEST / max(width, height))
    return max(round(width * scale / 2), 1) * 2, max(round(height * scale / 2), 1) * 2


def _band(lines: list[Line], width: int) -> np.ndarray:
    """Draw the classes with their cosines, the best one larger: uint8 RGB (height, width, 3)."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    font = Path(matplotlib.get_data_path(), "fonts/ttf/DejaVuSans.ttf")
    picture = Image.new("RGB", (width, LINE * (len(lines) + 1) // 2 * 2), "black")
    draw = ImageDraw.Draw(picture)
    for row, (name, cosine) in enumerate(lines):
        sized = ImageFont.truetype(str(font), 15 if row == 0 else 12)
        colour = "white" if row == 0 else "#b0b0b0"
        draw.text((8, LINE * row + LINE // 2), f"{cosine:.2f}  {name}", fill=colour, font=sized)
    return np.asarray(picture)
