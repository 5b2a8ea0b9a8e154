"""Write the classes of the 50 test splits to data/test_splits.csv: `python tools/split_table.py ucf101 hmdb51`.

The file is for people and other programs. The evaluation draws the splits itself; a test compares both.
"""

import sys
from collections.abc import Sequence

import pandas as pd

from aurl.evaluation.protocol import half_class_split
from aurl.semantics.tokens import read_token_table
from aurl.system.files import replacing
from aurl.system.shipped import TEST_SPLITS, TOKEN_TABLE

SEPARATOR = ";"
SPLITS = 50


def split_table(datasets: Sequence[str]) -> pd.DataFrame:
    """List dataset, split and the split's classes (official names, in code point order, joined by `;`)."""
    rows = []
    for dataset in datasets:
        classes = sorted(read_token_table(TOKEN_TABLE, dataset))
        for split in range(SPLITS):
            chosen = [classes[index] for index in half_class_split(len(classes), split)]
            rows.append({"dataset": dataset, "split": split, "classes": SEPARATOR.join(chosen)})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    with replacing(TEST_SPLITS) as (temporary,):
        split_table(sys.argv[1:]).to_csv(temporary, index=False, lineterminator="\n")
