"""Define a measure: a file of this folder, whose name is the name of its column in `metrics.csv`.

A new file is all that a new measure needs: `metrics/*.json`, `metrics.csv`, `aurl rerun` and the results read the
folder (`aurl.evaluation.schema`). The file imports torch and the like only inside its functions.
"""

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from torch import Tensor

    from aurl.evaluation.draws import DrawAccuracy


class Measure(Protocol):
    """Describe the module of a measure. Its docstring names the formula's source."""

    LABEL: str  # as tables and figures write it
    UNIT: Literal["%", ""]
    """"%" for an accuracy: its value comes from ranks and scores alone, and each draw has its own."""
    BETTER: Literal["larger", "smaller"]
    DIGITS: int  # after the point, where it is shown
    FROM_SCORES: bool
    """Whether a measure that is no accuracy reads scores alone (optional; False by default)."""
    SPREAD: bool  # whether a column `<name>_std` holds the standard deviation over draws

    def compute(self, tested: "DrawAccuracy") -> "Tensor":
        """Compute the measure: (D,) for D draws, or a scalar of the whole test set whatever is drawn."""
