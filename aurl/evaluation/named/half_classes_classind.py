"""Random halves of UCF101's classes, drawn over the order of classInd.txt.

The same draws as `half_classes`, but `Hammering` stands before `HammerThrow` and `JumpingJack` before `JumpRope`: 35 of
50 draws differ, by one or two classes. All videos of the classes count.
"""

from aurl.evaluation.named.base import Run, shipped_files
from aurl.evaluation.named.half_classes import draws
from aurl.evaluation.test_sets import TestSet

LABEL = "half classes (classInd)"
TEST_SETS: tuple[str, ...] = ("ucf101",)
SOURCE = "released code of Text4Vis (whwu95/Text4Vis, d61b34d, test_zeroshot.py); the order is that of classInd.txt"
USED_BY = "Text4Vis, BIKE (10 draws)"
DIFFERS = "half_classes draws over the classes in code point order"
AVERAGES: tuple[int, ...] = (10,)
files = shipped_files()


def runs(test_set: TestSet) -> list[Run]:
    """List draws 0 to 9."""
    return draws(test_set.official_order, 10)
