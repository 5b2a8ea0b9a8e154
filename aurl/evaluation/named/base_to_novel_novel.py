"""The novel classes of ViFi-CLIP's base-to-novel test, which alone are the candidates.

Test videos of the first official list. Networks are trained on some training videos of the base classes. *Not
generalised*: base and novel classes are never candidates together, although a harmonic mean of both is printed.
"""

from aurl.evaluation.named.base import Run, shipped_files
from aurl.evaluation.test_sets import TEST, TestSet, read_lists

LABEL = "base-to-novel, novel"
TEST_SETS: tuple[str, ...] = ("ucf101", "hmdb51")
SOURCE = "muzairkhattak/ViFi-CLIP, e2d1948, labels/*_novel_labels.csv and datasets_splits/base2novel_splits"
USED_BY = "ViFi-CLIP, Open-VCLIP, FROSTER, EZ-CLIP"
DIFFERS = "the harmonic mean of generalised zero-shot recognition has seen and unseen classes as candidates together"
AVERAGES: tuple[int, ...] = ()
files = shipped_files("base_to_novel.csv")


def runs(test_set: TestSet) -> list[Run]:
    """List the one run."""
    classes = read_lists("base_to_novel.csv", test_set.name)["novel"]
    return [Run("novel", classes, test_set.lists[:, 0] == TEST)]
