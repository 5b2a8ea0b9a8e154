"""Show and write the results of a test: text of 80 columns, tables, embeddings, the confusion picture."""

import csv
import json
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from aurl.frames.packing import stored_settings
from aurl.scoring.show import WIDTH, as_text
from aurl.system.files import replacing, sha256_file
from aurl.system.json_files import write_json
from aurl.system.terminal import shortened
from aurl.testing.confusion import draw_confusion
from aurl.testing.outcome import ClassRow, Outcome, class_rows, confusion
from aurl.testing.published_cells import Cell

SHOWN = 20  # classes in the text; of more, the best and the worst HALF
HALF = 8


def show(outcomes: list[Outcome], cells: Sequence[Cell], folder: Path | None) -> str:
    """Write the numbers of every clip count, the published cells beside them, and the classes, as text."""
    lines = []
    for outcome in outcomes:
        lines += [f"{outcome.clips} clip{'s' * (outcome.clips > 1)} of a video", ""]
        lines += [as_text(outcome.result), ""]
    lines += _show_cells(cells, bool(outcomes[-1].listed.missing or outcomes[-1].unreadable))
    lines += _show_classes(class_rows(outcomes[-1]), outcomes[-1].clips)
    network = outcomes[-1].network
    lines += ["", *textwrap.wrap(f"Words: {network.vectors}.", WIDTH)]
    if folder is not None:
        lines += textwrap.wrap(f"Written to {folder}: {', '.join(FILES)}.", WIDTH)
    return "\n".join(lines)


FILES = {
    "result.json": "all numbers", "classes.csv": "each class", "videos.csv": "each video",
    "confusion.csv": "videos by class and best class", "confusion.png": "its picture",
    "embeddings.npz": "for `aurl score` and `aurl.evaluate`",
}  # fmt: skip


def write(outcomes: list[Outcome], cells: Sequence[Cell], folder: Path) -> None:
    """Write the files of the last clip count, and the numbers of all; all files or none appear."""
    folder.mkdir(parents=True, exist_ok=True)
    last = outcomes[-1]
    with replacing(*(folder / name for name in FILES)) as paths:
        by_name = dict(zip(FILES, paths, strict=True))
        write_json(by_name["result.json"], as_json(outcomes, cells))
        rows = [asdict(row) for row in class_rows(last)]
        _write_csv(by_name["classes.csv"], list(rows[0]), [list(row.values()) for row in rows])
        _write_csv(by_name["videos.csv"], ["path", "class", "best_class", "rank", "status"], _video_rows(last))
        counts, names = confusion(last), last.listed.test_set.classes
        rows_of_counts = ([name, *of_class] for name, of_class in zip(names, counts.tolist(), strict=True))
        _write_csv(by_name["confusion.csv"], ["class", *names], list(rows_of_counts))
        by_name["confusion.png"].write_bytes(draw_confusion(counts, names, _title(last)))
        _write_embeddings(by_name["embeddings.npz"], last)


def as_json(outcomes: list[Outcome], cells: Sequence[Cell]) -> dict[str, Any]:
    """Give all values as plain types."""
    network, listed = outcomes[-1].network, outcomes[-1].listed
    unreadable = {str(path): reason for path, reason in outcomes[-1].unreadable.items()}
    return {
        "network": {
            "file": network.file.name, "sha256": network.sha256, "kind": network.kind,
            "frames": stored_settings(network.frames),
            "clip_length": network.clip_length, "vectors": network.vectors.name,
            "vectors_sha256": sha256_file(network.vectors),
        },
        "clips": {str(outcome.clips): outcome.result.as_json() for outcome in outcomes},
        "published": [asdict(cell) for cell in cells],
        "classes": [asdict(row) for row in class_rows(outcomes[-1])],
        "unreadable": unreadable,
        "missing": listed.missing,
    }  # fmt: skip


def _title(outcome: Outcome) -> str:
    row = next((row for row in outcome.result.rows if row.protocol == "all_classes"), None)
    shown = "" if row is None else f", top-1 {row.top1:.2f} %"
    return f"{outcome.result.test_set_label}: {outcome.result.videos:,} videos by {outcome.network.file.name}{shown}"


def _video_rows(outcome: Outcome) -> list[list[Any]]:
    test_set = outcome.listed.test_set
    rows: list[list[Any]] = [
        [video, test_set.classes[label], test_set.classes[best], rank, "ok"]
        for video, label, best, rank in zip(
            test_set.videos, test_set.labels.tolist(), outcome.best.tolist(), outcome.rank.tolist(), strict=True
        )
    ]
    return rows + [[str(path), "", "", "", reason] for path, reason in outcome.unreadable.items()]


def _write_csv(path: Path, header: list[str], rows: list[list[Any]]) -> None:
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(["" if cell is None else cell for cell in row] for row in rows)


def _write_embeddings(path: Path, outcome: Outcome) -> None:
    test_set = outcome.listed.test_set
    arrays: dict[str, Any] = {
        "class": np.array(test_set.classes), "video": np.array(test_set.videos),
        "label": np.array(test_set.classes)[test_set.labels], "video_embeddings": outcome.video_embeddings,
        "class_embeddings": outcome.class_embeddings,
    }  # fmt: skip
    with path.open("wb") as handle:
        np.savez(handle, **arrays)


def _show_cells(cells: Sequence[Cell], incomplete: bool) -> list[str]:
    if not cells:
        return []
    lines = [
        "Published cells, top-1:",
        "",
        f"{'table':10}{'splits':>7}{'clips':>7}{'ours':>9}{'published':>11}{'difference':>12}",
    ]
    for cell in cells:
        difference = cell.ours - cell.published
        lines.append(
            f"{cell.table:10}{cell.splits:>7}{cell.clips:>7}{cell.ours:>9.2f}{cell.published:>11.1f}{difference:>+12.2f}"
        )
    lines += [""]
    if incomplete:
        lines += [
            *textwrap.wrap("Not all videos of the test set were tested: these are not the paper's cells.", WIDTH),
            "",
        ]
    return lines


def _show_classes(rows: list[ClassRow], clips: int) -> list[str]:
    """Show the classes, best first; of many the best and the worst."""
    ordered = sorted((row for row in rows if row.top1 is not None), key=lambda row: (-(row.top1 or 0), row.name))
    lines = [f"Classes at {clips} clip{'s' * (clips > 1)}, all as candidates:", ""]
    lines.append(f"{'class':28}{'videos':>7}{'top-1':>8}{'top-5':>8}  most often taken for")
    left_out = len(ordered) - 2 * HALF if len(ordered) > SHOWN else 0
    for number, row in enumerate(ordered):
        if left_out and number == HALF:
            lines.append(f"... {left_out} classes ...")
        if left_out and HALF <= number < len(ordered) - HALF:
            continue
        confused = f"{shortened(row.confused, 20)} ({row.confused_videos})" if row.confused else ""
        lines.append(
            f"{shortened(row.name, 27):28}{row.videos:>7}{row.top1:>8.1f}{row.top5:>8.1f}  {confused}".rstrip()
        )
    return lines


def dumps(content: dict[str, Any]) -> str:
    """Write JSON as the other commands print it."""
    return json.dumps(content, indent=1, ensure_ascii=False)
