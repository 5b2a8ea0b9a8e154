"""The leaderboard: one ranking for each test set, track and protocol, from bundles, cards and published numbers."""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from bundles import RESULTS, read_files, write_files
from repositories import REPOSITORY
from score_files import scores, write_npz

from aurl.audit.bundle.leaderboard import Board, read_board, write_board
from aurl.audit.bundle.standings import Group, Standing, VideoSet, ranked_rows
from aurl.evaluation.test_sets import test_set as find_test_set
from aurl.scoring.score_files import score_files
from aurl.system.errors import AurlError

AURL = Path(sys.executable).with_name("aurl")
HALVES, WHOLE = (Group("UCF101", "inductive", words, words) for words in ("half", "all"))


@pytest.fixture(scope="module")
def folder(micro_bundle: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle, the same once more, a forged one, a broken one, a card, and a file that is no card."""
    folder = tmp_path_factory.mktemp("submissions")
    (folder / "a.zip").write_bytes(micro_bundle.read_bytes())
    (folder / "b.zip").write_bytes(micro_bundle.read_bytes())
    files = read_files(micro_bundle)
    files[f"{RESULTS}metrics.csv"] = files[f"{RESULTS}metrics.csv"].replace(b"aurl,0", b"best,0")
    write_files(folder / "forged.zip", files)
    (folder / "broken.zip").write_bytes(b"nothing")
    write_npz(folder / "<i>ours.npz", scores("ucf101", 2.0))
    score_files(folder / "<i>ours.npz", "ucf101", ["all_classes", "half_classes"], card_file=folder / "card.md")
    text = (folder / "card.md").read_text()
    (folder / "card.md").write_text(text.replace("  track: not stated", "  track: inductive"))
    (folder / "notes.md").write_text("# Notes\n")
    return folder


@pytest.fixture(scope="module")
def board(folder: Path) -> Board:
    return read_board(folder, quick=True)


def test_rows_of_different_protocols_test_sets_and_tracks_are_never_in_one_ranking(board: Board) -> None:
    groups = board.groups()
    assert len({group for group, _ in groups}) == len(groups)
    for group, rows in groups:
        assert {row.group for _, row in rows} == {group}
        assert [row.top1 for _, row in rows] == sorted((row.top1 for _, row in rows), reverse=True)
        ranks = [rank for rank, row in rows if row.kind != "published"]
        assert ranks[0] == 1
        assert ranks == sorted(ranks)
    names = {(group.test_set, group.protocol) for group, _ in groups}
    assert ("micro_ucf", "all 7 classes") in names, "a part of UCF101's classes is a test set of its own"
    assert ("UCF101", "all classes") in names
    assert {row.kind for group, rows in groups for _, row in rows if group.test_set == "micro_ucf"} == {"bundle"}


def test_published_numbers_have_a_source_and_no_rank(board: Board) -> None:
    rows = [(rank, row) for group, rows in board.groups() for rank, row in rows if group.protocol == "all classes"]
    published = {row.method: (rank, row.origin, row.top1) for rank, row in rows if row.kind == "published"}
    assert published["AURL*"] == (None, "poster", 46.8)
    assert [row.method for rank, row in rows if rank == 1] == ["<i>ours"]
    three = [row for group, rows in board.groups() for _, row in rows if "of 3 draws" in group.protocol]
    assert {row.kind for row in three} == {"bundle", "card"}, "the published 3-split rows may be another protocol"


def test_rows_show_what_was_verified_and_forged_bundles_are_left_out(board: Board) -> None:
    assert (board.bundles, board.cards) == (1, 1)
    refused = dict(board.refused)
    assert set(refused) == {"b.zip", "broken.zip", "forged.zip", "notes.md"}
    assert "same bundle" in refused["b.zip"]
    assert "does not prove its numbers" in refused["forged.zip"]
    marks = {row.kind: row.mark for row in board.standings}
    assert marks["bundle"] == "up to splits"
    assert marks["card"].startswith("a card")
    assert any(row.interval is not None for row in board.standings if row.kind == "bundle")


class Addresses(HTMLParser):
    """Collects the elements and the addresses that a page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]


def test_the_command_reads_a_folder(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    for name in ("card.md", "notes.md"):
        (tmp_path / "cards" / name).write_bytes((folder / name).read_bytes())
    done = subprocess.run(
        [AURL, "leaderboard", tmp_path / "cards", "-o", tmp_path / "site"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "left out: notes.md: no result card" in done.stdout
    assert "4 rankings of 0 bundles and 1 cards" in done.stdout
    assert (tmp_path / "site/index.html").is_file()


def test_the_page_needs_no_other_file_and_shows_names_as_text(board: Board, tmp_path: Path) -> None:
    page = write_board(board, tmp_path / "site").read_text()
    parser = Addresses()
    parser.feed(page)
    assert all(address.startswith(("#", "data:")) for address in parser.addresses)
    assert not {"script", "i", "iframe", "img"} & set(parser.elements)
    assert "&lt;i&gt;ours" in page
    assert re.search(r'<tr class="published">\s*<td class="number"></td>', page)
    data = json.loads((tmp_path / "site/leaderboard.json").read_text())
    assert len(data["rows"]) == len(board.standings)


def test_equal_values_share_a_rank_and_a_better_published_one_takes_none(tmp_path: Path) -> None:
    rows = [
        Standing(WHOLE, "b", "card", "b.md", "", 50.0),
        Standing(WHOLE, "p", "published", "poster", "", 60.0),
        Standing(WHOLE, "a", "card", "a.md", "", 50.0),
        Standing(WHOLE, "c", "card", "c.md", "", 40.0),
        Standing(HALVES, "d", "card", "d.md", "", 99.0),
    ]
    by_group = {group: [(rank, row.method) for rank, row in ranked] for group, ranked in Board(rows).groups()}
    assert by_group[WHOLE] == [(None, "p"), (1, "a"), (1, "b"), (3, "c")]
    assert by_group[HALVES] == [(1, "d")]
    assert write_board(Board(), tmp_path).read_text().count("No bundle and no card") == 1


def test_all_of_a_public_test_set_ranks_with_cards_and_a_part_does_not(board: Board) -> None:
    of = find_test_set("ucf101")
    classes, videos = list(of.classes), [f"some folder/{name}" for name in of.videos]
    whole = VideoSet("my_ucf", classes, videos, [""] * len(videos))
    card = {row.group.protocol: row.group for row in board.standings if row.kind == "card"}
    assert whole.group("inductive", "half_splits", 1) == card["all classes"]
    assert whole.group("inductive", "half_splits", 10) == card["half classes, mean of 10 draws"]
    part = VideoSet("my_ucf", classes, videos[:-1], [""] * (len(videos) - 1))
    assert part.group("inductive", "half_splits", 1).test_set == "my_ucf"


def test_a_card_of_a_bundle_ranks_where_its_bundle_does(board: Board, micro_bundle: Path, tmp_path: Path) -> None:
    (tmp_path / "aurl.md").write_bytes(read_files(micro_bundle)["cards/aurl.md"])
    cards = read_board(tmp_path).standings
    own = [row for row in board.standings if row.kind == "bundle" and row.method == "AURL"]
    assert {(row.group, round(row.top1, 4)) for row in cards} == {(row.group, round(row.top1, 4)) for row in own}
    assert len(cards) == 2 * 2 * 4


def test_a_folder_that_is_none_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(AurlError, match="no such folder"):
        read_board(tmp_path / "none")


def test_rows_of_generalised_recognition_are_not_ranked() -> None:
    """The shipped metrics of `mini` have them: without a top-1 they broke bundle and leaderboard."""
    with (REPOSITORY / "docs/reference/mini/metrics.csv").open(newline="") as handle:
        rows = ranked_rows(handle)
    assert {row["protocol"] for row in rows} == {"half_splits", "truze"}
    assert all(0 <= float(row["top1"]) <= 100 for row in rows)
