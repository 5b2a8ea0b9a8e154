"""Read .csv: the predicted class of each video, in columns `pred` and `video` or `label`.

Predictions say nothing about the order of the other classes, so they are for all classes only.
"""

import csv
from pathlib import Path
from typing import Any

from aurl.scoring.formats.base import Limits
from aurl.scoring.submission import Submission
from aurl.system.errors import AurlError
from aurl.system.text_files import read_lines

MEND = "give a table with the columns pred, and video or label"


def read(path: Path, limits: Limits) -> Submission:
    """Read a csv of predictions.

    Raises: AurlError for another table, or a row with too few or too many cells.
    """
    reader = csv.reader((f"{line}\n" for line in read_lines(path, MEND)), strict=True)
    header = [cell.strip() for cell in next(reader)]
    if "pred" not in header or not {"video", "label"} & set(header) or len(set(header)) < len(header):
        raise AurlError(f"{path}: columns {', '.join(header)[:200]}; {MEND}")
    rows = []
    for row in reader:
        if len(row) != len(header):
            raise AurlError(f"{path}: line {reader.line_num} has {len(row)} cells, the header {len(header)}")
        rows.append(row)
    columns = {name: [row[place] for row in rows] for place, name in enumerate(header)}
    limits.check(path, {name: len(rows) for name in ("video", "label") if name in columns})
    names: dict[str, Any] = {f"{name}s": columns[name] for name in ("video", "label") if name in columns}
    return Submission(str(path), [], **names, predicted=columns["pred"])
