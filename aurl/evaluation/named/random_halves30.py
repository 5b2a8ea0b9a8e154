"""The 30 published splits within UCF101: 50 unseen classes each, which alone are the candidates.

27 are distinct: splits 6, 7 and 8 repeat 0, 1 and 2. The papers also report generalised accuracy, with the 51 seen
classes as candidates too; that needs scores of a network for each split, and is not computed here.
"""

from aurl.evaluation.named.base import Run, shipped_files
from aurl.evaluation.test_sets import TestSet, read_lists

LABEL = "30 published halves"
TEST_SETS: tuple[str, ...] = ("ucf101",)
SOURCE = "Tongji-MIC-Lab/TLPK, 6f5f65e, auxiliary/train_test_split.py: seen classes, numbered in code point order"
USED_BY = "OOD (Mandal et al., CVPR 2019), TF-VAEGAN, TLPK, which train on the other 51 classes of each split"
DIFFERS = "half_classes has other draws"
AVERAGES: tuple[int, ...] = ()
files = shipped_files("random_halves30.csv")


def runs(test_set: TestSet) -> list[Run]:
    """List the 30 splits."""
    return [Run(name, classes) for name, classes in read_lists("random_halves30.csv", test_set.name).items()]
