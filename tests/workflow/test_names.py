"""Class, file and folder names that a shell, a template, a table or a page could take for something else, from the
videos to the page, through Snakemake and DVC."""

import html.parser
import re
import shutil
import unicodedata
from pathlib import Path

import pytest
import yaml
from repositories import runner

from aurl.datasets.rendered import encode
from aurl.datasets.table import iterate_table
from aurl.datasets.world import world_table
from aurl.semantics.classes import read_embeddings
from aurl.semantics.tokens import read_token_table, words
from aurl.system.shipped import TOKEN_TABLE

pytestmark = pytest.mark.workflow

CLASSES = [
    "-rf red",
    "$(touch executed) blue",
    "`touch executed` green",
    "\"quoted\" 'white'; touch executed",
    "<img src=x onerror=alert(1)> black",
    "<script src=y>alert(2)<!-- yellow",
    "%s %(seed)s %03d purple",
    "back\\slash\\n orange",
    "comma, tab-less | pipe > more & && red",
    "#hash ~tilde *star? [set] !bang blue",
    " spaces around green ",
    unicodedata.normalize("NFD", "Café élan"),
    "\u65e5\u672c \u0440\u0443\u0441 \U0001f600 white",
    "$\\input x$ _under_ ^caret% black",
    "=1+1 nan",
    "long " + "red " * 62 + "xy",
]
FILES = [
    "-x.mp4", "$(touch executed).mp4", "a'b\"c.mp4", "concat:x.mp4", "%03d.mp4", "{shard}.mp4", "x..mp4",
    "x;touch executed;.mp4", "<b>&.mp4", "n" * 251 + ".mp4", "e\u0301.mp4", "a\\b.mp4", "=cmd|x.mp4", "a,b.mp4",
    "file:x.mp4", "*.mp4",
]  # fmt: skip
FOLDER = "videos $(touch executed) 'x'"


class Page(html.parser.HTMLParser):
    """What a browser would make of a page: its elements' names, attributes and text."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def fill(folder: Path) -> None:
    """A dataset of one video in each class; every name of a file and of a folder is used."""
    import numpy as np

    numbers = np.random.default_rng(0)
    for number, (name, file) in enumerate(zip(CLASSES, FILES, strict=True)):
        path = folder / name / file
        path.parent.mkdir(parents=True)
        pixels = numbers.integers(0, 256, (10 + number, 24, 32, 3), dtype=np.uint8)
        encode(folder / "v.mp4", pixels, "h264")
        (folder / "v.mp4").rename(path)


def test_names_pass_through_every_stage_unharmed(repository: Path) -> None:
    """A versioned dataset, so that its files are copied and go through DVC, too."""
    run = runner(repository)
    fill(repository / FOLDER)
    experiment = yaml.safe_load((repository / "params.yaml").read_text())
    experiment["datasets"]["micro_ucf"] |= {"source": {"folder": FOLDER, "versioned": True}, "tokens": "words"}
    experiment["semantics"]["tau"] = 0.0
    experiment["semantics"]["encoder"] |= {"vectors": "own vectors 'x'.txt", "dimension": 4}
    experiment["report"]["title"] = "</title><script>alert(3)</script> & title"
    experiment["report"]["test_sets"]["ucf101"]["label"] = "<b onclick=alert(4)>label_%&$"
    experiment["variants"] = {"ls": experiment["variants"]["ls"]}  # the least that takes the names everywhere
    experiment |= {"trained": ["ls"], "evaluated": ["ls"], "methods": {}, "unseen": ["micro_ucf"]}
    experiment["backbone_features"]["networks"] = []
    del experiment["datasets"]["micro_hmdb"], experiment["report"]["test_sets"]["hmdb51"]
    (repository / "params.yaml").write_text(yaml.safe_dump(experiment, allow_unicode=True))
    names = [*CLASSES, *_world()]
    vocabulary = sorted({word for name in names for word in words(name)})
    lines = [f"{word} {1 + len(word)} {ord(word[0]) % 7} {ord(word[-1]) % 5} {hash_of(word)}" for word in vocabulary]
    (repository / "own vectors 'x'.txt").write_text(f"{len(lines)} 4\n" + "".join(f"{line}\n" for line in lines))

    run("snakemake")
    results = repository / "results/micro"
    manifest = list(iterate_table(results / "manifests/micro_ucf.csv"))
    assert {row["class"]: row["path"] for row in manifest} == {
        name: f"{name}/{file}" for name, file in zip(CLASSES, FILES, strict=True)
    }
    assert all(row["status"] == "ok" for row in manifest), manifest
    assert read_embeddings(results / "embeddings/micro_ucf.safetensors").classes == sorted(CLASSES)
    held = {
        str(path.relative_to(results / "datasets/micro_ucf"))
        for path in (results / "datasets/micro_ucf").rglob("*.mp4")
    }
    assert held == {row["path"] for row in manifest}

    page = Page()
    page.feed((results / "report.html").read_text())
    for tag, attributes in page.elements:
        assert not {"onerror", "onclick", "onload"} & set(attributes), (tag, attributes)
        assert attributes.get("src") != "x"
        assert tag != "i" or not attributes
    assert "</title><script>alert(3)</script> & title" in page.text
    assert "<b onclick=alert(4)>label_%&$" in page.text
    assert sum(tag == "script" for tag, _ in page.elements) == 1
    table = (results / "tables/ablation.html").read_text()
    unbroken = table.replace('<span class="one">', "").replace("</span>", "")  # what keeps "(4)" in one line
    assert "&lt;b onclick=alert(4)&gt;label_%&amp;$" in unbroken
    assert "<b onclick" not in table
    latex = (results / "tables/ablation.tex").read_text()
    assert r"label\_\%\&\$" in latex

    run("aurl", "record")
    assert run("dvc", "status", "--json").stdout.strip() == "{}"
    shutil.rmtree(results / "datasets/micro_ucf")
    run("dvc", "checkout")
    assert held == {
        str(path.relative_to(results / "datasets/micro_ucf"))
        for path in (results / "datasets/micro_ucf").rglob("*.mp4")
    }
    run("aurl", "audit", "--all", "--no-cache")  # exit status 1 unless everything agrees
    assert not [path for path in repository.rglob("executed*") if path.name.isalpha()]


@pytest.mark.parametrize("name", ["{shard} red", "a {0}", "<script> red", "a\nb", "a\x1b[2J", "{{x}}"])
def test_a_name_that_snakemake_would_misread_is_refused(repository: Path, name: str) -> None:
    run = runner(repository)
    (repository / "mine" / name).mkdir(parents=True)
    (repository / "mine" / name / "x.mp4").write_bytes(b"x")
    experiment = yaml.safe_load((repository / "params.yaml").read_text())
    experiment["datasets"]["micro_ucf"]["source"] = {"folder": "mine"}
    (repository / "params.yaml").write_text(yaml.safe_dump(experiment))
    ended = run("snakemake", "--dry-run", ok=False)
    assert ended.returncode != 0
    line = next(line for line in ended.stderr.splitlines() if line.startswith("aurl: error: "))
    assert re.search("rename (the folder|it)$", line), ended.stderr
    assert line.isprintable()
    assert "Traceback" not in ended.stderr


def _world() -> list[str]:
    """The token lists of the rendered classes, as texts."""
    rendered = {shown.name for shown in world_table()["kinetics700"]}
    return [
        " ".join(tokens) for name, tokens in read_token_table(TOKEN_TABLE, "kinetics700").items() if name in rendered
    ]


def hash_of(word: str) -> int:
    """A small number that the word determines."""
    return sum(position * ord(letter) for position, letter in enumerate(word, start=1)) % 11 + 1
