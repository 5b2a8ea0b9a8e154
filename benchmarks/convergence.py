"""Train `mini` for twice as many epochs: does any mean change by more than 3 points?

python benchmarks/convergence.py            # after `make reproduce`; some 10 minutes on two cores
"""

import yaml
from variations import report

from aurl.experiment.presets import preset_text

if __name__ == "__main__":
    epochs = yaml.safe_load(preset_text("mini"))["training"]["epochs"]
    report("convergence", {f"{2 * epochs} epochs": {"training.epochs": 2 * epochs}})
