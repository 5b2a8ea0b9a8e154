"""Open-VCLIP's ten halves of the classes, with the videos of the first official list.

25 of 51 classes or 50 of 101, drawn in another way than everywhere else. A video counts if the first official list has
it for training or test: all of UCF101's, 100 of each of HMDB51's classes.
"""

from aurl.evaluation.named.base import Run, shipped_files
from aurl.evaluation.test_sets import NEITHER, TestSet, read_lists

LABEL = "half classes (Open-VCLIP)"
TEST_SETS: tuple[str, ...] = ("ucf101", "hmdb51")
SOURCE = "wengzejia1/Open-VCLIP, 047a817, zs_label_db/{ucf101,hmdb}_half_test/0 to 9"
USED_BY = "Open-VCLIP, Open-VCLIP++"
DIFFERS = "other draws than half_classes (7 to 15 of 25 classes in common on HMDB51), and on HMDB51 fewer videos"
AVERAGES: tuple[int, ...] = ()
files = shipped_files("open_vclip_halves.csv")


def runs(test_set: TestSet) -> list[Run]:
    """List the ten halves."""
    counted = test_set.lists[:, 0] != NEITHER
    videos = None if counted.all() else counted
    return [Run(name, classes, videos) for name, classes in read_lists("open_vclip_halves.csv", test_set.name).items()]
