"""All videos of the test set, with all of its classes as candidates.

The full test set, whatever the official lists say.
"""

from aurl.evaluation.named.base import Run, shipped_files
from aurl.evaluation.test_sets import TestSet

LABEL = "all classes"
TEST_SETS: tuple[str, ...] = ("ucf101", "hmdb51", "activitynet200", "olympic_sports16")
SOURCE = "every class and video of the test set"
USED_BY = "AURL's ablation (poster), E2E, FROSTER and Open-VCLIP (starred columns)"
DIFFERS = "the official test lists hold 28 % (UCF101) or 23 % (HMDB51) of these videos"
AVERAGES: tuple[int, ...] = ()
files = shipped_files()


def runs(test_set: TestSet) -> list[Run]:
    """List the one run."""
    return [Run("all", test_set.classes)]
