"""Public names of the half-class protocol; the code is in `protocols/half_splits.py` and `draws.py`."""

from aurl.evaluation.draws import evaluate_draws
from aurl.evaluation.protocols.half_splits import half_class_split

__all__ = ["evaluate_draws", "half_class_split"]
