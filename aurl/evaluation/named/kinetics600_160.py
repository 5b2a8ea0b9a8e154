"""Three draws of 160 of the 220 classes that Kinetics-600 has and Kinetics-400 has not.

The other 60 classes of a draw are for validation. 217 of the 220 classes are in a draw. Which videos count is not
settled: projects list 13,977 to 14,161 of them, from other folders.
"""

from aurl.evaluation.named.base import Run, shipped_files
from aurl.evaluation.test_sets import TestSet, read_lists

LABEL = "Kinetics-600, 160 of 220"
TEST_SETS: tuple[str, ...] = ("kinetics600",)
SOURCE = (
    "DeLightCMU/ElaborativeRehearsal e3130fd (zsl220); the same in whwu95/Text4Vis, muzairkhattak/ViFi-CLIP e2d1948"
)
USED_BY = "ER, Text4Vis, ViFi-CLIP, X-CLIP, Open-VCLIP, FROSTER"
DIFFERS = "a network that was trained on Kinetics-600 or 700 has seen these classes"
AVERAGES: tuple[int, ...] = ()
files = shipped_files("kinetics600_160.csv")


def runs(test_set: TestSet) -> list[Run]:
    """List the three draws."""
    return [Run(name, classes) for name, classes in read_lists("kinetics600_160.csv", test_set.name).items()]
