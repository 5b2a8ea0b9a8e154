"""Random halves of the classes, drawn over the classes in code point order.

Draw s is `numpy.random.RandomState(s).permutation(C)[:C // 2]`, with all videos of its classes.
"""

from aurl.evaluation.named.base import Run, shipped_files
from aurl.evaluation.protocols.half_splits import half_class_split
from aurl.evaluation.test_sets import TestSet

LABEL = "half classes"
TEST_SETS: tuple[str, ...] = ("ucf101", "hmdb51", "activitynet200", "olympic_sports16")
SOURCE = "released code of E2E (bbrattoli/ZeroShotVideoClassification, ccbb915), as in data/test_splits.csv"
USED_BY = "E2E (10 draws), AURL (10 and 50; its 3 may be these or the official lists); on HMDB51 Text4Vis, BIKE (10)"
DIFFERS = "half_classes_classind draws over another order of UCF101's classes; half_classes_open_vclip has other draws"
AVERAGES: tuple[int, ...] = (3, 10, 50)
files = shipped_files()


def runs(test_set: TestSet) -> list[Run]:
    """List draws 0 to 49."""
    return draws(test_set.classes)


def draws(order: tuple[str, ...], number: int = 50) -> list[Run]:
    """Draw halves of classes that stand in some order."""
    halves = (half_class_split(len(order), seed) for seed in range(number))
    return [Run(str(seed), tuple(order[index] for index in half)) for seed, half in enumerate(halves)]
