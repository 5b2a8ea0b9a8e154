"""How many files each kind of part takes: counted in the marked blocks of its how-to page."""

import re
from pathlib import PurePath

import pytest
from pages import marked_blocks, touched
from repositories import REPOSITORY

MOST = {  # kind -> page, new files, files to edit
    "pipeline stage": ("stage", 1, {"aurl/pipeline/stages.py", "workflow/rules/evaluation.smk"}),
    "loss term": ("variant", 1, {"params.yaml"}),
    "method on stored features": ("method", 1, {"params.yaml"}),
    "text encoder": ("vectors", 1, {"params.yaml"}),
    "visual backbone": ("backbone", 1, {"params.yaml"}),
    "dataset layout": ("dataset", 1, {"params.yaml"}),
    "protocol": ("protocol", 1, {"params.yaml"}),
    "measure": ("measure", 1, set()),
    "table": ("table", 1, set()),
    "figure": ("figure", 1, set()),
}


def code_of(page: str) -> tuple[list[str], list[str]]:
    """The code files that a how-to page adds, and the files that it edits; a file of data is no code."""
    files = touched(f"how-to/{page}.md")
    new = [path for path, kind in files.items() if kind == "new" and path.endswith(".py")]
    return new, [path for path, kind in files.items() if kind == "edited"]


def listed() -> dict[str, list[str]]:
    """The table of CONTRIBUTING.md: kind -> the other cells."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text().partition("<!-- counts -->")[2].partition("<!-- end -->")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.strip().splitlines()[2:]]
    return {kind: cells for kind, *cells in rows}


@pytest.mark.parametrize("kind", MOST)
def test_a_part_takes_no_more_files_than_promised(kind: str) -> None:
    page, most, edited = MOST[kind]
    new, changed = code_of(page)
    assert 1 <= len(new) <= most
    assert set(changed) <= edited


@pytest.mark.parametrize("kind", MOST)
def test_contributing_says_what_the_page_does(kind: str) -> None:
    cell, link, test = listed()[kind]
    new, edited = code_of(MOST[kind][0])
    names = ", ".join(f"`{PurePath(path).name}`" for path in edited)
    assert cell == f"{len(new)} new" + (f"; edit {names}" if names else "")
    assert link == f"[{MOST[kind][0]}](docs/how-to/{MOST[kind][0]}.md)"
    assert (REPOSITORY / test.strip("`")).is_file()


def test_contributing_lists_every_kind() -> None:
    assert listed().keys() == MOST.keys()


@pytest.mark.parametrize("page", sorted({page for page, *_ in MOST.values()}))
def test_commands_of_a_page_write_no_code(page: str) -> None:
    """So that the marked files are all that is touched: commands write no file of code, and edit none."""
    for mark, text in marked_blocks(f"how-to/{page}.md"):
        if mark == "run":
            assert not re.search(r"\bsed\b|>>?\s*\S+\.(py|smk|yaml)|\btee\b", text), text


def test_the_places_of_contributing_exist() -> None:
    """Each name in backticks that looks like a path of the repository is one; functions stand in the file they name."""
    text = (REPOSITORY / "CONTRIBUTING.md").read_text()
    for path in re.findall(r"`((?:aurl|tests|docs|workflow|tools|benchmarks|presets|profiles)/[\w./-]*)`", text):
        assert (REPOSITORY / path).exists(), path
    for name, path in re.findall(r"`(\w+)` in `([\w/]+\.py)`", text):
        assert re.search(rf"^(def|class) {name}\b", (REPOSITORY / path).read_text(), re.MULTILINE), (name, path)


def test_the_layers_of_contributing_are_those_of_the_imports() -> None:
    text = (REPOSITORY / "CONTRIBUTING.md").read_text().partition("| layer | folders |")[2].partition("\n\n")[0]
    layers = {
        name.removesuffix(".py"): number
        for number, line in enumerate(text.splitlines()[2:])
        for name in re.findall(r"`([\w.]+)`[:. ]", line)
    }
    for path in sorted((REPOSITORY / "aurl").rglob("*.py")):
        room = path.relative_to(REPOSITORY / "aurl").parts[0].removesuffix(".py")
        if room == "__init__":
            continue
        for used in re.findall(r"^ *(?:from|import) aurl\.(\w+)", path.read_text(), re.MULTILINE):
            assert used == room or layers[used] < layers[room], f"{path}: {room} imports {used}"
