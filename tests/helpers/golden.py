"""Golden numbers: 20 training steps of every variant on a fixed stream of batches, in fp64.

`python tests/helpers/golden.py` writes tests/helpers/golden.csv and golden_end_to_end.csv anew, after a change of the
method that is meant.
"""

from pathlib import Path

import numpy as np
import pandas as pd
import torch

from aurl.experiment.presets import load_preset
from aurl.experiment.settings import Experiment
from aurl.models.shape import variant_shape
from aurl.training.loop import build_model, make_optimizer
from aurl.training.objective import Objective
from aurl.training.optimizer import learning_rate, set_learning_rate
from aurl.training.seeds import axis_seeds, step_seed
from aurl.training.step import MEASURES, TrainingStep

GOLDEN = Path(__file__).with_name("golden.csv")
END_TO_END, MORE = Path(__file__).with_name("golden_end_to_end.csv"), ("aurl_mix", "e2e", "rest")
STEPS, STEPS_PER_EPOCH, BATCH, CLASSES = 20, 5, 6, 10


def train_20_steps(experiment: Experiment, variant: str) -> pd.DataFrame:
    """Rate, measures, loss and parts of every step, and a norm of all weights after it."""
    settings, optimization = experiment.variants[variant], experiment.optimizer(variant)
    stream, seeds = np.random.default_rng(2022), axis_seeds(7)
    embeddings = torch.from_numpy(stream.normal(size=(CLASSES, 300)))
    shape = variant_shape(experiment.model, settings, 300, CLASSES)
    model = build_model(shape, seeds["initialisation"], torch.device("cpu"), channels_last=False).double()
    optimizer = make_optimizer(model.parameters(), optimization)
    objective = Objective(settings.losses, experiment.training.scale)
    step_function = TrainingStep(model, optimizer, objective, embeddings, experiment.training.compute)
    rows = []
    for step in range(STEPS):
        clips = torch.from_numpy(stream.integers(0, 256, (BATCH, 4, 16, 16, 3), dtype=np.uint8))
        labels = torch.from_numpy(stream.integers(0, CLASSES, BATCH))
        rate = learning_rate(step, STEPS_PER_EPOCH, STEPS, optimization)
        set_learning_rate(optimizer, rate)
        row = step_function(
            clips, labels, step_seed(seeds["dropout"], step), step_seed(seeds["class_generator"], step), step
        )
        weights = torch.stack([parameter.detach().norm() for parameter in model.parameters()]).norm()
        names = [*MEASURES, "loss", *settings.losses]
        rows.append({"variant": variant, "step": step, "rate": rate, **dict(zip(names, row.tolist(), strict=True)),
                     "weights": weights.item()})  # fmt: skip
    return pd.DataFrame(rows)


def all_variants() -> pd.DataFrame:
    """Every variant's 20 steps."""
    experiment = load_preset("micro")
    return pd.concat([train_20_steps(experiment, variant) for variant in experiment.variants], ignore_index=True)


def more_variants() -> pd.DataFrame:
    """The 20 steps of the end-to-end rows that the preset methods adds, on the network of micro."""
    variants = load_preset("methods").variants
    experiment = load_preset("micro").model_copy(update={"variants": variants})
    return pd.concat([train_20_steps(experiment, variant) for variant in MORE], ignore_index=True)


if __name__ == "__main__":
    all_variants().to_csv(GOLDEN, index=False, float_format="%.12g", lineterminator="\n")
    more_variants().to_csv(END_TO_END, index=False, float_format="%.12g", lineterminator="\n")
