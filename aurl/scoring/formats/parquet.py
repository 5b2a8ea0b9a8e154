"""Read .parquet: a row for each video, its name or label, and a column of scores for each class.

Needs the package pyarrow (`pip install pyarrow`), which is not installed with this one.
"""

from pathlib import Path
from typing import Any

import numpy as np

from aurl.scoring.formats.base import MOST_BYTES, Limits
from aurl.scoring.submission import Submission
from aurl.system.errors import AurlError


def read(path: Path, limits: Limits) -> Submission:
    """Read a .parquet. Raises: AurlError without pyarrow, or for another layout."""
    try:
        from pyarrow import parquet
    except ImportError:
        raise AurlError(
            f"{path}: reading .parquet needs the package pyarrow: run 'pip install pyarrow', or save an .npz"
        ) from None
    with parquet.ParquetFile(path) as file:
        names = [name for name in file.schema_arrow.names if name in ("video", "label")]
        classes = [name for name in file.schema_arrow.names if name not in names]
        limits.check(path, {"class": len(classes)} | dict.fromkeys(names, file.metadata.num_rows))
        if len(classes) * file.metadata.num_rows * 8 > MOST_BYTES:
            raise AurlError(f"{path}: {len(classes):,} x {file.metadata.num_rows:,} scores are more than are read")
        table = file.read()
    columns = [table.column(name) for name in classes]
    for name, column in zip(classes, columns, strict=True):
        if column.null_count or str(column.type) not in ("float", "double", "halffloat"):
            raise AurlError(f"{path}: column '{name}' is of type {column.type}, or has gaps; scores are numbers")
    known: dict[str, Any] = {f"{name}s": [str(value) for value in table.column(name).to_pylist()] for name in names}
    scores = np.stack([column.to_numpy() for column in columns], axis=1) if columns else np.zeros((table.num_rows, 0))
    return Submission(str(path), classes, **known, scores=scores)
