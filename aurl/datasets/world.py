"""Look up the embedded world: how each class looks, and how one of its videos differs from the class.

The world has the names of real classes. `data/rendered_world.csv` holds nine factors for each class, all in [0, 1]: a
smooth, nonlinear function of the mean of its words' vectors (tools/rendered_world.py wrote it). So similar words look
similar, as far as the leading directions of the word vectors say; a class of one word may still look like no other.
"""

import functools
from dataclasses import dataclass

import numpy as np

from aurl.experiment.settings import RenderSettings
from aurl.system.shipped import RENDERED_WORLD, packaged
from aurl.system.text_files import read_csv

FACTORS = (
    "ground_red", "ground_green", "ground_blue", "object_red", "object_green", "object_blue",
    "swing_x", "swing_y", "pulse",
)  # fmt: skip
SPREAD = 0.1  # standard deviation of a video's factors around those of its class


@dataclass(frozen=True)
class WorldClass:
    """A class of the world.

    Attributes:
        number: its row in the table; part of the seed of its videos.
        factors: float64 (9,), in the order of `FACTORS`.
    """

    name: str
    number: int
    factors: np.ndarray


@functools.cache
def world_table() -> dict[str, list[WorldClass]]:
    """Read the classes of each list of names: kinetics700, ucf101, hmdb51. Raises: AurlError for a damaged table."""
    table = read_csv(packaged(RENDERED_WORLD), ["dataset", "class", *FACTORS], "restore it from git")
    values = table[list(FACTORS)].to_numpy(np.float64)
    classes: dict[str, list[WorldClass]] = {}
    for number, (dataset, name) in enumerate(zip(table["dataset"], table["class"], strict=True)):
        classes.setdefault(dataset, []).append(WorldClass(name, number, values[number]))
    return classes


def world_classes(render: RenderSettings) -> list[WorldClass]:
    """List the classes of a rendered dataset, in the order of the table."""
    after_last = None if render.classes is None else render.first_class + render.classes
    return world_table()[render.classes_of][render.first_class : after_last]


def video_random(render: RenderSettings, shown: WorldClass, number: int) -> np.random.Generator:
    """Make the random numbers of one video: they depend on the seed, its class and its number alone."""
    return np.random.default_rng([render.seed, shown.number, number])


def video_factors(shown: WorldClass, random: np.random.Generator) -> np.ndarray:
    """Draw a video's own factors, float64 (9,): those of its class with a little noise. The first draw of a video."""
    return np.clip(shown.factors + random.normal(0, SPREAD, len(FACTORS)), 0, 1)
