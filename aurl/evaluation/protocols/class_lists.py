"""Published lists of classes, such as TruZe's unseen classes: the mean over the lists of a file.

Source: the file, `list,class` in each line, such as `data/protocols/truze.csv` (TruZe, Gowda et al., arXiv
2107.13029). A list belongs to the test set that holds its classes. Its videos are ranked among its classes alone.
Closeness and dispersion are of the whole test set, as in the other protocols.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field

from aurl.datasets.class_names import spelling
from aurl.experiment.settings import Settings as Base
from aurl.system.errors import AurlError

if TYPE_CHECKING:
    import numpy as np

    from aurl.evaluation.feature_file import Features


class Settings(Base):
    """Files of class lists; the rows of a file are named after it (`data/protocols/truze.csv`: truze)."""

    files: Annotated[
        list[str], Field(min_length=1), Field(description="files of class lists; the rows of a file are named after it")
    ]


def files(settings: Settings) -> list[Path]:
    """List the files of class lists."""
    return [Path(file) for file in settings.files]


def evaluate(features: "Features", settings: Settings) -> Iterator[dict[str, Any]]:
    """Evaluate the lists that belong to the test set: one row for each file and clip count.

    Raises: AurlError for an unusable file, or a list that the test set holds in part.
    """
    from aurl.evaluation.draws import mean_row, measure, rank

    for path in files(settings):
        draws = lists_of(path, features.class_names)
        for clips, videos in features.videos.items() if draws else ():
            measured = measure(rank(videos, features.labels, features.classes, draws))
            yield {"protocol": path.stem, **mean_row(clips, measured)}


def read_lists(path: Path) -> dict[str, list[str]]:
    """Read the lists of a file, by name.

    Raises: AurlError for a missing file, other columns, an empty or repeated name.
    """
    import pandas as pd

    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)[["list", "class"]].fillna("")
    except (OSError, KeyError, ValueError) as error:
        raise AurlError(f"{path}: no table with the columns list and class ({type(error).__name__}: {error})") from None
    if table.empty or (table == "").any(axis=None) or table.duplicated().any():
        raise AurlError(f"{path}: every line needs a list and a class, and no class twice in a list")
    return table.groupby("list", sort=False)["class"].agg(list).to_dict()


def lists_of(path: Path, class_names: list[str]) -> "list[np.ndarray]":
    """Find the lists that belong to a test set, as sorted class numbers, int64.

    Raises: AurlError for an unusable file, a list that the test set holds in part, or lists of different lengths.
    """
    import numpy as np

    numbers = {spelling(name): number for number, name in enumerate(class_names)}
    draws = []
    for name, classes in read_lists(path).items():
        missing = [of_class for of_class in classes if spelling(of_class) not in numbers]
        if len(missing) == len(classes):
            continue  # another test set's list
        if missing:
            raise AurlError(f"{path}: list '{name}': the test set has no class '{missing[0]}' ({len(missing)} missing)")
        draws.append(np.sort([numbers[spelling(of_class)] for of_class in classes]))
    if len({len(draw) for draw in draws}) > 1:
        raise AurlError(f"{path}: its lists for a test set have different lengths; put them into files of their own")
    return draws
