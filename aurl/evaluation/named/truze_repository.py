"""TruZe, as in its authors' repository: 31 unseen classes of UCF101.

BaseballPitch, CuttingInKitchen and Punch count as seen there. HMDB51 is as in the paper, so it is not listed here.
"""

from aurl.evaluation.named.base import Run, shipped_files
from aurl.evaluation.test_sets import TestSet, read_lists

LABEL = "TruZe (repository)"
TEST_SETS: tuple[str, ...] = ("ucf101",)
SOURCE = "kini5gowda/TruZe, c59e216, ZSL.txt; the same in valterlej/cezsar ucf101_truezsl2.0_splits.json"
USED_BY = "TruZe's own repository (70 seen and 31 unseen classes); valterlej/cezsar has both versions"
DIFFERS = "truze, the paper's, has 34 unseen classes"
AVERAGES: tuple[int, ...] = ()
files = shipped_files("truze_repository.csv")


def runs(test_set: TestSet) -> list[Run]:
    """List the one run."""
    return [Run("unseen", read_lists("truze_repository.csv", test_set.name)[""])]
