"""Render the embedded world: a soft disc that swings and pulses before a ground, as real encoded files.

What is drawn are the nine factors of `world.py`. Positions and sizes are relative to the frame, so that squashing the
frame restores the shapes. Everything repeats within `PERIOD` frames, so that each clip of 4 frames shows it.
"""

import math
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from aurl.datasets.world import WorldClass, video_factors, video_random, world_classes
from aurl.experiment.settings import RenderSettings

RATE = 25
PERIOD = 4  # frames
RADIUS = 0.6  # of half the frame
REACH = 0.7  # of half the frame: how far the disc swings at most
PULSE = 0.7  # how much darker the disc gets at most
NOISE = 0.02  # standard deviation, of 1
CODECS = {  # suffix, encoder, options; 118 is FFmpeg's lambda for one step of quality
    "h264": (".mp4", "libx264", {"crf": "20", "preset": "ultrafast", "threads": "1"}),
    "xvid": (".avi", "mpeg4", {"flags": "+qscale", "global_quality": str(3 * 118), "threads": "1"}),
}


def rendered_videos(render: RenderSettings) -> Iterator[tuple[WorldClass, int]]:
    """Yield the (class, number) of every video of a dataset."""
    for shown in world_classes(render):
        yield from ((shown, render.first_video + number) for number in range(render.videos_per_class))


def render_video(folder: Path, video: tuple[WorldClass, int], render: RenderSettings) -> str:
    """Draw one video and encode it below `folder`; return its path relative to the folder.

    The video depends on the seed, its class, its number and its format alone: not on what else is rendered.

    Args:
        video: its class, and its number within the class.
        render: the seed, the shortest and the longest length in frames, and the format. `codec` is `h264` (mp4) or
            `xvid` (MPEG-4 part 2 in avi, as UCF101 and HMDB51 are). `domain_shift` is another exposure, more noise
            and a blur.
    """
    shown, number = video
    pixels = draw(shown, render, video_random(render, shown, number))
    suffix = CODECS[render.codec][0]
    path = folder / shown.name / f"{shown.name.replace(' ', '_')}_{number:03d}{suffix}"
    path.parent.mkdir(parents=True, exist_ok=True)
    encode(path, pixels, render.codec)
    return path.relative_to(folder).as_posix()


def draw(shown: WorldClass, render: RenderSettings, random: np.random.Generator) -> np.ndarray:
    """Draw the frames of one video: uint8 (length, height, width, 3)."""
    factors = video_factors(shown, random)
    length = int(random.integers(render.frames[0], render.frames[1] + 1))
    y, x = np.mgrid[0 : render.height, 0 : render.width]
    x, y = (x + 0.5) / render.width * 2 - 1, (y + 0.5) / render.height * 2 - 1
    slope_x, slope_y = random.uniform(-0.03, 0.03, 2)
    ground = 0.1 + 0.8 * factors[0:3] + (slope_x * x + slope_y * y)[..., None]
    colour = (0.1 + 0.8 * factors[3:6]) * pulse(factors[8], length, random)[:, None]
    inside = disc(x, y, factors[6:8], length, random)[..., None]
    pixels = ground * (1 - inside) + colour[:, None, None, :] * inside
    return (np.clip(film(pixels, render.domain_shift, random), 0, 1) * 255).astype(np.uint8)


def pulse(depth: float, length: int, random: np.random.Generator) -> np.ndarray:
    """Return the brightness of the disc over time, (length,): 1 at most, 1 - PULSE x depth at least."""
    return 1 - PULSE * depth * (1 + cycle(length, random)) / 2


def cycle(length: int, random: np.random.Generator) -> np.ndarray:
    """Return a sine over time with a random phase, (length,)."""
    return np.sin(2 * math.pi * (np.arange(length) / PERIOD + random.uniform()))


def disc(x: np.ndarray, y: np.ndarray, swing: np.ndarray, length: int, random: np.random.Generator) -> np.ndarray:
    """Return how much of each pixel the disc covers, in [0, 1]: (length, height, width). `x`, `y` run from -1 to 1."""
    centre = random.uniform(-0.05, 0.05, 2)
    across, down = (centre[axis] + REACH * swing[axis] * cycle(length, random) for axis in (0, 1))
    distance = np.hypot(x - across[:, None, None], y - down[:, None, None]) / RADIUS
    return 1 / (1 + np.exp(8 * (distance - 1)))


def film(pixels: np.ndarray, domain_shift: bool, random: np.random.Generator) -> np.ndarray:
    """Add the noise of a camera; with the domain shift twice as much, behind a blur and another exposure."""
    noise = random.normal(0, NOISE, pixels.shape)
    if not domain_shift:
        return pixels + noise
    exposure, lift = random.uniform(0.92, 1.0), random.uniform(-0.01, 0.02)
    blurred = (np.roll(pixels, 1, axis=2) + 2 * pixels + np.roll(pixels, -1, axis=2)) / 4
    return blurred * exposure + lift + 2 * noise


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
