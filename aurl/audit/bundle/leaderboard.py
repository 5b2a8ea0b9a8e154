"""Write a static page that ranks what bundles and result cards hold."""

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from aurl.audit.bundle.container import Container
from aurl.audit.bundle.standings import Group, Standing, bundle_standings, card_standings, published_standings
from aurl.audit.bundle.verdict import LEVELS, Verdict
from aurl.audit.bundle.verify import verify
from aurl.experiment.external import TRACKS
from aurl.system.errors import AurlError
from aurl.system.files import write_text
from aurl.system.json_files import write_json
from aurl.system.plugins import no_parts_from_outside

TEMPLATE = Path(__file__).parent / "template"
STYLE = Path(__file__).parents[2] / "report/template/style.css"
OWN_STYLE = "\n.published > * { color: var(--soft); font-style: italic; }\n"
PAGE, DATA = "index.html", "leaderboard.json"


@dataclass
class Board:
    """Hold the rows of a leaderboard, and what was left out with the reason."""

    standings: list[Standing] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    bundles: int = 0
    cards: int = 0

    def groups(self) -> list[tuple[Group, list[tuple[int | None, Standing]]]]:
        """List the rankings, each with its rows from the best on.

        Published rows have no rank.
        """
        groups: dict[Group, list[Standing]] = {}
        for row in self.standings:
            groups.setdefault(row.group, []).append(row)
        ordered = sorted(groups, key=lambda group: (group.test_set, _track(group.track), group.protocol, group.key))
        return [(group, _ranked(groups[group])) for group in ordered]


def read_board(folder: Path, quick: bool = False) -> Board:
    """Read and verify every bundle (`*.zip`) and card (`*.md`) of a folder.

    Args:
        quick: compute nothing again.
    Raises: AurlError if there is no such folder.
    """
    if not folder.is_dir():
        raise AurlError(f"{folder}: no such folder; put bundles (*.zip) and result cards (*.md) into one")
    board, known = Board(), set[str]()
    for path in sorted(folder.glob("*.zip")):
        try:
            verdict = verify(path, quick=quick)
            if not verdict.agrees:
                raise AurlError(verdict.summary())
            if verdict.bundle in known:
                raise AurlError("the same bundle as another file")
            with no_parts_from_outside():
                board.standings += bundle_standings(Container(path), path.name, mark_of(verdict))
        except AurlError as error:
            board.refused.append((path.name, str(error).removeprefix(f"{path}: ")))
            continue
        known.add(verdict.bundle)
        board.bundles += 1
    for path in sorted(folder.glob("*.md")):
        try:
            board.standings += card_standings(path)
            board.cards += 1
        except AurlError as error:
            board.refused.append((path.name, str(error).removeprefix(f"{path}: ")))
    board.standings += published_standings(list(dict.fromkeys(row.group for row in board.standings)))
    return board


def write_board(board: Board, folder: Path) -> Path:
    """Write the page, and the same rows as JSON; returns the page."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup

    style = Markup(STYLE.read_text() + OWN_STYLE)  # nosec B704
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True,
    )  # fmt: skip
    text = environment.get_template("leaderboard.html.j2").render(
        style=style, style_hash=f"sha256-{digest}", groups=board.groups(), refused=board.refused,
        bundles=board.bundles, cards=board.cards,
    )  # fmt: skip
    write_text(folder / PAGE, text)
    write_json(folder / DATA, {"rows": [asdict(row) for row in board.standings], "left_out": board.refused})
    return folder / PAGE


def mark_of(verdict: Verdict) -> str:
    """Say up to which level a bundle was verified.

    "up to tables", with what was not checked, and who signed.
    """
    parts = [name for name in LEVELS if verdict.levels[name].verdict == "partly" and name != "features"]
    without = f" ({', '.join(parts)} in part)" if parts else ""
    signed = "" if verdict.signed == "not signed" else f"; {verdict.signed.partition(' (')[0]}"
    return f"up to {verdict.reached}{without}{signed}"


def _ranked(rows: Iterable[Standing]) -> list[tuple[int | None, Standing]]:
    """Number the rows from the best on; equal values share a rank."""
    ordered = sorted(rows, key=lambda row: (-row.top1, row.kind == "published", row.method, row.origin))
    values = [row.top1 for row in ordered if row.kind != "published"]
    return [(None if row.kind == "published" else 1 + values.index(row.top1), row) for row in ordered]


def _track(track: str) -> int:
    return TRACKS.index(track) if track in TRACKS else len(TRACKS)
