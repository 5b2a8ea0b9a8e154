"""Read and evaluate the authors' own per-video predictions, by the same rule as ours."""

from pathlib import Path

import pandas as pd

from aurl.system.errors import AurlError
from aurl.system.shipped import PREDICTIONS
from aurl.system.text_files import read_csv


def prediction_files() -> dict[str, Path]:
    """Map each test set, by its published name in lower case, to the file of the authors' predictions."""
    prefix = PREDICTIONS.split("*")[0]
    return {str(path.with_suffix("")).removeprefix(prefix): path for path in sorted(Path().glob(PREDICTIONS))}


def read_predictions(path: Path) -> pd.DataFrame:
    """Read the predicted and true class name of every video, in the columns `pred` and `label`.

    Raises: AurlError for a file without these columns, or with a missing name.
    """
    columns = ["pred", "label"]
    table = read_csv(path, columns, "restore it from git", dtype=str, keep_default_na=False)[columns]
    if table.empty or (table == "").any(axis=None):
        raise AurlError(f"{path}: a video has no prediction or no label; restore it from git")
    return table


def top1_of_predictions(path: Path) -> float:
    """Compute top-1 over all videos and all classes, in percent. Raises: AurlError for an unusable file."""
    table = read_predictions(path)
    return float(100 * (table["pred"] == table["label"]).mean())
