"""The classes of the 50 test splits as a table: `python -m aurl.evaluation.split_table` writes data/test_splits.csv.

For people and other programs; evaluation draws the splits itself, and a test holds both together.
"""

import pandas as pd

from aurl.evaluation.protocol import half_class_split
from aurl.semantics.tokens import read_token_table
from aurl.system.files import replacing
from aurl.system.shipped import TEST_SPLITS, TOKEN_TABLE

SEPARATOR = ";"
SPLITS = 50


def split_table() -> pd.DataFrame:
    """Dataset, split and the split's classes (official names, in code point order, joined by `;`)."""
    rows = []
    for dataset in ("ucf101", "hmdb51"):
        classes = sorted(read_token_table(TOKEN_TABLE, dataset))
        for split in range(SPLITS):
            chosen = [classes[index] for index in half_class_split(len(classes), split)]
            rows.append({"dataset": dataset, "split": split, "classes": SEPARATOR.join(chosen)})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    with replacing(TEST_SPLITS) as (temporary,):
        split_table().to_csv(temporary, index=False, lineterminator="\n")
