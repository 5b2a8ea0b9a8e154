"""Average the columns of training logs over epochs, for the figures that show their course."""

import numpy as np
import pandas as pd

POINTS = 20  # of a curve


def smoothed(steps: pd.DataFrame, column: str) -> tuple[np.ndarray, np.ndarray]:
    """Average a column over the epoch that ends at each of `POINTS` steps.

    An unfinished first epoch is left out, so that every point averages as many steps.

    Returns: epochs done and means, each (points,).
    """
    per_epoch = steps_per_epoch(steps)
    means = steps[column].rolling(per_epoch).mean().to_numpy()
    chosen = np.unique(np.linspace(per_epoch - 1, len(steps) - 1, POINTS).round().astype(int))
    return (chosen + 1) / per_epoch, means[chosen]


def steps_per_epoch(steps: pd.DataFrame) -> int:
    """Count the steps of an epoch; all epochs have as many."""
    return int((steps["epoch"] == 0).sum())
