"""Write a test set's videos with their official lists: `python tools/official_lists.py ucf101|hmdb51 FOLDER`.

FOLDER holds the official files: `classInd.txt`, `trainlist0<s>.txt` and `testlist0<s>.txt` of UCF101; or
`<class>_test_split<s>.txt` of HMDB51. The output names its origin in data/NOTICE.
"""

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path

from aurl.semantics.tokens import read_token_table
from aurl.system.files import write_bytes
from aurl.system.shipped import TOKEN_TABLE, videos_of

SPLITS = "123"
TRAIN, TEST, NEITHER = "1", "2", "0"  # HMDB51's own marks


def ucf101(folder: Path) -> Iterator[tuple[str, str, str]]:
    """List class, video and marks of UCF101, classes in the order of classInd.txt."""
    marks: dict[str, dict[str, str]] = {}
    for split in SPLITS:
        for part, mark in (("train", TRAIN), ("test", TEST)):
            for line in (folder / f"{part}list0{split}.txt").read_text().split("\n"):
                if line.strip():
                    marks.setdefault(line.split()[0], {})[split] = mark
    order = [line.split()[1] for line in (folder / "classInd.txt").read_text().split("\n") if line.strip()]
    for path in sorted(marks, key=lambda path: (order.index(path.split("/")[0]), path)):
        of_class, video = path.split("/")
        yield of_class, video, "".join(marks[path][split] for split in SPLITS)


def hmdb51(folder: Path) -> Iterator[tuple[str, str, str]]:
    """List class, video and marks of HMDB51, classes in code point order."""
    for of_class in sorted(read_token_table(TOKEN_TABLE, "hmdb51")):
        marks: dict[str, dict[str, str]] = {}
        for split in SPLITS:
            for line in (folder / f"{of_class.replace(' ', '_')}_test_split{split}.txt").read_text().split("\n"):
                if line.strip():
                    video, mark = line.split()
                    marks.setdefault(video, {})[split] = mark
        for video in sorted(marks):
            yield of_class, video, "".join(marks[video][split] for split in SPLITS)


if __name__ == "__main__":
    name, folder = sys.argv[1:]
    listed = {"ucf101": ucf101, "hmdb51": hmdb51}[name](Path(folder))
    text = "class,video,lists\n" + "".join(f"{','.join(row)}\n" for row in listed)
    write_bytes(videos_of(name), gzip.compress(text.encode(), mtime=0))
