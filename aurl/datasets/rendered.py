"""Renders the embedded world: moving coloured shapes with compositional class names, as real encoded files.

8 colours x 6 shapes x 10 motions are 480 classes such as "red circle bounce". Distances between words are not
distances between images ("red" is nearer to "blue" than "circle" to "square"): this is the paper's problem.
Positions and sizes are relative to the frame, so that squashing the frame restores the shapes.
"""

import itertools
import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from aurl.experiment.settings import RenderSettings

COLOURS = {
    "red": (1.0, 0.1, 0.1),
    "green": (0.1, 0.9, 0.1),
    "blue": (0.15, 0.25, 1.0),
    "yellow": (1.0, 1.0, 0.1),
    "white": (1.0, 1.0, 1.0),
    "purple": (0.7, 0.1, 0.8),
    "orange": (1.0, 0.55, 0.05),
    "black": (0.02, 0.02, 0.02),
}
SHAPES = ("circle", "square", "triangle", "cross", "ring", "diamond")
MOTIONS = ("rise", "fall", "spin", "grow", "shrink", "bounce", "blink", "shake", "slide", "swing")
RATE = 25
CODECS = {  # suffix, encoder, options; 118 is FFmpeg's lambda for one step of quality
    "h264": (".mp4", "libx264", {"crf": "26", "preset": "ultrafast", "threads": "1"}),
    "xvid": (".avi", "mpeg4", {"flags": "+qscale", "global_quality": str(3 * 118), "threads": "1"}),
}

Class = tuple[str, str, str]


def world_classes(seed: int) -> list[Class]:
    """List all 480 (colour, shape, motion) in a seeded order; datasets take disjoint ranges of it."""
    classes = list(itertools.product(COLOURS, SHAPES, MOTIONS))
    return [classes[i] for i in np.random.default_rng(seed).permutation(len(classes))]


def rendered_videos(render: RenderSettings) -> Iterator[tuple[Class, int]]:
    """Yield the (class, number) of every video of a dataset."""
    first = render.first_class
    for chosen in world_classes(render.seed)[first : first + render.classes]:
        yield from ((chosen, number) for number in range(render.videos_per_class))


def render_video(folder: Path, video: tuple[Class, int], render: RenderSettings) -> str:
    """Draw one video and encode it below `folder`; returns its path relative to the folder.

    The video depends on the seed, its class, its number and its format alone: not on what else is rendered.

    Args:
        video: its class, and its number within the class.
        render: the seed, the shortest and the longest length in frames, and the format. `codec` is `h264` (mp4) or
            `xvid` (MPEG-4 part 2 in avi, as UCF101 and HMDB51 are). `domain_shift` is another exposure, more noise,
            and swapped red and blue.
    """
    (colour, shape, motion), number = video
    words = (list(COLOURS).index(colour), SHAPES.index(shape), MOTIONS.index(motion))
    rng = np.random.default_rng([render.seed, *words, number])
    length = int(rng.integers(render.frames[0], render.frames[1] + 1))
    pixels = draw(video[0], length, render.width, render.height, render.domain_shift, rng)
    suffix = CODECS[render.codec][0]
    name = " ".join(video[0])
    path = folder / name / f"{name.replace(' ', '_')}_{number:03d}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(path, pixels, render.codec)
    return path.relative_to(folder).as_posix()


def draw(
    chosen: Class, length: int, width: int, height: int, domain_shift: bool, rng: np.random.Generator
) -> np.ndarray:
    """Draw the frames of one video: uint8 (length, height, width, 3)."""
    colour, shape, motion = chosen
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    x, y = x / width * 2 - 1, y / height * 2 - 1
    background = rng.uniform(0, 0.35, 3)
    slope = rng.uniform(-0.2, 0.2, 2)
    tint = np.array(COLOURS[colour]) * rng.uniform(0.75, 1)
    still = np.clip(background + (slope[0] * x + slope[1] * y)[..., None], 0, 1).astype(np.float32)
    centre_x, centre_y, radius, angle, opacity = trajectory(motion, length, rng)
    inside = shape_mask(shape, x, y, centre_x, centre_y, radius, angle)
    weight = (inside * opacity)[..., None].astype(np.float32)
    pixels = still * (1 - weight) + tint.astype(np.float32) * weight
    pixels += rng.standard_normal(pixels.shape, dtype=np.float32) * (0.06 if domain_shift else 0.03)
    if domain_shift:
        pixels = (pixels * rng.uniform(0.6, 1.1) + rng.uniform(-0.05, 0.1))[..., ::-1]
    return (np.clip(pixels, 0, 1) * 255).astype(np.uint8)


def trajectory(motion: str, length: int, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Centre x and y, radius, angle and opacity over time, each (length, 1, 1).

    Every motion repeats within 10 to 14 frames (blinking and shaking faster), so that each window of
    a clip shows it.
    """
    period = rng.uniform(10, 14)
    turn = np.arange(length) / period + rng.uniform()
    cycle = turn % 1
    one = np.ones(length)
    radius = rng.uniform(0.3, 0.5) * one
    x, y = rng.uniform(-0.4, 0.4) * one, rng.uniform(-0.4, 0.4) * one
    angle = rng.uniform(0, 2 * math.pi) * one
    opacity = one
    match motion:
        case "rise":
            y = 0.8 - 1.6 * cycle
        case "fall":
            y = -0.8 + 1.6 * cycle
        case "slide":
            x = -0.8 + 1.6 * cycle
        case "spin":
            angle = angle + 2 * math.pi * turn
        case "grow":
            radius = radius * (0.4 + 1.1 * cycle)
        case "shrink":
            radius = radius * (1.5 - 1.1 * cycle)
        case "bounce":
            y = 0.6 - 1.2 * np.abs(np.sin(math.pi * turn))
        case "blink":
            opacity = np.where((2 * turn) % 1 < 0.5, 1.0, 0.15)
        case "shake":
            x = x + 0.25 * np.sin(2 * math.pi * 2.4 * turn)
        case "swing":
            x = x + 0.5 * np.sin(2 * math.pi * turn)
            y = y + 0.2 * np.abs(np.sin(2 * math.pi * turn))
    return tuple(values.astype(np.float32)[:, None, None] for values in (x, y, radius, angle, opacity))


def shape_mask(
    shape: str,
    x: np.ndarray,
    y: np.ndarray,
    centre_x: np.ndarray,
    centre_y: np.ndarray,
    radius: np.ndarray,
    angle: np.ndarray,
) -> np.ndarray:
    """Mark the pixels that a shape covers: bool (length, height, width). `x` and `y` run from -1 to 1."""
    dx, dy = x - centre_x, y - centre_y
    u = np.cos(angle) * dx + np.sin(angle) * dy
    v = np.cos(angle) * dy - np.sin(angle) * dx
    distance = np.sqrt(u * u + v * v)
    covers: dict[str, Any] = {
        "circle": lambda: distance < radius * 0.9,
        "square": lambda: np.maximum(np.abs(u), np.abs(v)) < radius * 0.85,
        "triangle": lambda: (v > -radius * 0.7) & (v < radius - 1.9 * np.abs(u)),
        "cross": lambda: (
            (np.minimum(np.abs(u), np.abs(v)) < radius * 0.3) & (np.maximum(np.abs(u), np.abs(v)) < radius)
        ),
        "ring": lambda: (distance < radius) & (distance > radius * 0.55),
        "diamond": lambda: np.abs(u) * 1.6 + np.abs(v) < radius * 1.1,
    }
    return np.asarray(covers[shape]())


def encode(path: Path, pixels: np.ndarray, codec: str, rate: int = RATE) -> None:
    """Write frames (length, height, width, 3) uint8 as H.264 mp4 or XviD avi, single-threaded and repeatable."""
    _, encoder, options = CODECS[codec]
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(encoder, rate=Fraction(rate), options=options)
        stream.height, stream.width = pixels.shape[1:3]
        stream.pix_fmt = "yuv420p"
        if codec == "xvid":
            stream.codec_context.codec_tag = "XVID"
        for image in pixels:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
