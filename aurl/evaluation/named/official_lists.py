"""The three official test lists, with all classes as candidates: the mean over the lists.

The lists were made for supervised training; the training videos of a list are left out.
"""

from aurl.evaluation.named.base import Run, shipped_files
from aurl.evaluation.test_sets import TEST, TestSet

LABEL = "official test lists"
TEST_SETS: tuple[str, ...] = ("ucf101", "hmdb51")
SOURCE = (
    "testlist01 to 03.txt (UCF101), <class>_test_split1 to 3.txt (HMDB51), by yjxiong/temporal-segment-networks 2c5e5e7"
)
USED_BY = "X-CLIP, ViFi-CLIP, EZ-CLIP, FROSTER (unstarred columns), perhaps AURL's rows with 3 test splits"
DIFFERS = "all_classes tests every video"
AVERAGES: tuple[int, ...] = ()
files = shipped_files()


def runs(test_set: TestSet) -> list[Run]:
    """List the three test lists."""
    return [Run(str(number), test_set.classes, test_set.lists[:, number - 1] == TEST) for number in (1, 2, 3)]
