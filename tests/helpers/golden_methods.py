"""Golden numbers of every method on stored features: scores of three videos in a small world.

`python tests/helpers/golden_methods.py` writes tests/helpers/golden_methods.csv anew, after a change of a method that is
meant, or for a new one.
"""

from pathlib import Path

import pandas as pd
import torch

from aurl.experiment.methods import METHODS
from aurl.fitting.check import Trial
from aurl.fitting.toy import draw_toy
from aurl.system import plugins

GOLDEN = Path(__file__).with_name("golden_methods.csv")
VIDEOS = [0, 50, 119]


def golden_scores(name: str) -> pd.DataFrame:
    """The scores of the videos against the unseen classes, after a fit of 20 steps where a method learns in steps."""
    torch.set_num_threads(1)
    trial = Trial(name, draw_toy(seed=3, classes=8, videos=4))
    scores = trial.scores(videos=trial.toy.tested[VIDEOS])
    return pd.DataFrame(
        [
            {"method": name, "video": video, **dict(zip(trial.toy.unseen.names, row.tolist(), strict=True))}
            for video, row in zip(VIDEOS, scores, strict=True)
        ]
    )


if __name__ == "__main__":
    tables = [golden_scores(name) for name in plugins.names(METHODS)]
    pd.concat(tables).to_csv(GOLDEN, index=False, float_format="%.7g", lineterminator="\n")
