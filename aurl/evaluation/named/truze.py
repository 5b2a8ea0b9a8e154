"""TruZe, as in its paper: the classes that Kinetics does not hold, 34 of UCF101 and 22 of HMDB51.

All videos of these classes, which alone are the candidates.
"""

from aurl.evaluation.named.base import Run, shipped_files
from aurl.evaluation.test_sets import TestSet, read_lists

LABEL = "TruZe (paper)"
TEST_SETS: tuple[str, ...] = ("ucf101", "hmdb51")
SOURCE = "Gowda et al., arXiv 2107.13029; lists by valterlej/cezsar (UCF101) and kini5gowda/TruZe c59e216 (HMDB51)"
USED_BY = "TruZe, CLASTER, zsarcap (67 seen and 34 unseen classes of UCF101, 29 and 22 of HMDB51)"
DIFFERS = "truze_repository has 31 unseen classes of UCF101; HMDB51 is the same in both"
AVERAGES: tuple[int, ...] = ()
files = shipped_files("truze.csv")


def runs(test_set: TestSet) -> list[Run]:
    """List the one run."""
    return [Run("unseen", read_lists("truze.csv", test_set.name)[""])]
