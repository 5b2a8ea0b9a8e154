"""The documentation: its commands run and print what it shows, its links and generated pages hold."""

import importlib
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import media
import pytest
import yaml
from pages import DOCS, marked_blocks, touched
from pydantic import BaseModel
from repositories import REPOSITORY, environment_of

from aurl.cli import cli
from aurl.evaluation.named.base import protocol_names
from aurl.experiment.evaluation import PROTOCOLS
from aurl.experiment.methods import METHODS
from aurl.experiment.parts import ENCODERS
from aurl.experiment.presets import preset_names, preset_text
from aurl.experiment.read import load_experiment
from aurl.experiment.settings import Experiment
from aurl.experiment.training import BACKBONES
from aurl.experiment.variants import LOSSES, NETWORKS
from aurl.pipeline.dvc_yaml import dvc_yaml
from aurl.system import plugins

PAGES = sorted([REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *DOCS.rglob("*.md")])


def blocks(page: str) -> list[tuple[str, str]]:
    """The marked code blocks of a page, (mark, text), with preset micro and its test set in place of mini's."""
    listed = marked_blocks(page)
    return [(kind, text.replace("mini", "micro").replace("drawn_ucf", "micro_ucf")) for kind, text in listed]


def follow(page: str, folder: Path, home: Path | None = None) -> str:
    """Do in a repository what a page says; every command must succeed and print the lines that are shown after it.

    A block marked `file PATH` is written to that path; `add PATH` adds it to that file, at its end or before a line.

    Returns: everything that was printed.
    """
    environment = environment_of(folder)
    environment |= {"GIT_AUTHOR_NAME": "t", "GIT_AUTHOR_EMAIL": "t@example.org"}
    environment |= {"GIT_COMMITTER_NAME": "t", "GIT_COMMITTER_EMAIL": "t@example.org", "NO_COLOR": "1"}
    printed = everything = ""
    for kind, text in blocks(page):
        if kind == "run":
            if home is not None:
                text = text.replace("/shared/folder", str(home))
            done = subprocess.run(
                ["bash", "-euo", "pipefail", "-c", text], cwd=folder, env=environment, capture_output=True, text=True
            )
            printed = done.stdout + done.stderr
            everything += printed
            assert done.returncode == 0, f"{page}:\n{text}\n{printed[-4000:]}"
        elif kind == "shows":
            for line in text.splitlines():
                assert line.strip().removesuffix(" ...") in printed, f"{page}: not printed: {line}\n{printed[-4000:]}"
        elif kind == "params":
            merge(folder / "params.yaml", yaml.safe_load(text))
        else:
            put(folder, kind.split(), text)
    return everything


def put(folder: Path, mark: list[str], text: str) -> None:
    """Write a block to its file (`file PATH`), or add it (`add PATH`, `add PATH before START-OF-LINE`)."""
    path = folder / mark[1]
    path.parent.mkdir(parents=True, exist_ok=True)
    if mark[0] == "file":
        assert not path.exists(), f"{path} is there"
        path.write_text(text)
        return
    old = path.read_text()
    place = old.index(f"\n{mark[3]}") + 1 if mark[2:] else len(old)
    path.write_text(old[:place] + text + old[place:])


def merge(params: Path, changes: dict[str, object]) -> None:
    """Put a page's keys into params.yaml as its comments say: mappings are merged, lists extended.

    A mapping with another `name` is another part: it replaces the old one.
    """

    def merged(old: object, new: object) -> object:
        if isinstance(old, dict) and isinstance(new, dict) and new.get("name", old.get("name")) == old.get("name"):
            return old | {key: merged(old.get(key), value) for key, value in new.items()}
        return old + new if isinstance(old, list) and isinstance(new, list) else new

    params.write_text(yaml.safe_dump(merged(yaml.safe_load(params.read_text()), changes), sort_keys=False))


def edited(folder: Path) -> set[str]:
    """The files of a repository that differ from its last commit, but for what commands generate and data."""
    done = subprocess.run(["git", "status", "--porcelain", "-uall"], cwd=folder, capture_output=True, text=True)
    paths = {line[3:] for line in done.stdout.splitlines()}
    return {path for path in paths if not re.match(r"dvc\.(lock|yaml)$|params\.yaml$|.*/__pycache__/", path)}


def exactly(page: str) -> set[str]:
    """The files that a how-to page says to add or edit, without params.yaml, which the preset has changed."""
    return touched(page).keys() - {"params.yaml"}


@pytest.mark.workflow
def test_the_tutorial(micro: Path) -> None:
    printed = follow("tutorial.md", micro)
    assert "stage 'train': 1 job run again" in printed
    assert len(blocks("tutorial.md")) >= 15


@pytest.mark.workflow
def test_own_dataset_variant_and_vectors(micro: Path) -> None:
    """One after the other in one copy; the folder and the vectors are those that the pages show."""
    media.h264(micro / "my-videos/archery/clip1.mp4")
    media.xvid(micro / "my-videos/archery/clip2.avi")
    media.h264(micro / "my-videos/horse riding/a.mkv")
    media.zero_bytes(micro / "my-videos/horse riding/b.mp4")
    printed = follow("how-to/dataset.md", micro)
    assert re.search(r"^horse riding/b\.mp4,horse riding,.*empty", printed, re.MULTILINE)
    assert len(re.findall(r"^.*,ok,", printed, re.MULTILINE)) == 3
    printed = follow("how-to/variant.md", micro)
    assert len(re.findall(r"^train +1\b", printed, re.MULTILINE)) == 2, "one for each new variant"
    printed = follow("how-to/vectors.md", micro)
    assert re.search(r"^embeddings +4\b", printed, re.MULTILINE)
    assert re.search(r"^frames +1\b", printed, re.MULTILINE), "the new test set's, and no others"
    (micro / "read.py").write_text(
        "from pathlib import Path; from aurl.semantics.vectors import load_vectors;"
        "print(sorted(load_vectors(Path('my-vectors.txt'), 4)))"
    )
    done = subprocess.run(
        [sys.executable, "read.py"], cwd=micro, env=environment_of(micro), capture_output=True, text=True, check=True
    )
    assert done.stdout == "['archery', 'horse', 'rid']\n"


@pytest.mark.workflow
def test_own_protocol(micro: Path) -> None:
    """The protocol that the page shows, in a file outside the package, gets rows of its own in metrics.csv."""
    before = (micro / "results/micro/metrics.csv").read_text().splitlines()
    follow("how-to/protocol.md", micro)
    assert edited(micro) == exactly("how-to/protocol.md")
    after = (micro / "results/micro/metrics.csv").read_text().splitlines()
    assert after[0] == f"{before[0]},protocol"
    assert [row.removesuffix(",half_splits") for row in after if row.endswith(",half_splits")] == before[1:]
    assert any(row.endswith(",apply") for row in after)


@pytest.mark.workflow
def test_a_row_from_outside(micro: Path) -> None:
    printed = follow("how-to/external.md", micro)
    assert not re.search(r"^(train|features|evaluate) +\d", printed, re.MULTILINE), "no network runs"
    assert "external clip_b16" in printed


@pytest.mark.workflow
def test_own_figure(micro: Path) -> None:
    follow("how-to/figure.md", micro)
    assert edited(micro) == exactly("how-to/figure.md")
    index = json.loads((micro / "results/micro/figures/index.json").read_text())
    assert [figure["name"] for figure in index][-1] == "top5"
    assert "UCF-like: Base w/ MSE" in index[-1]["alt"]


@pytest.mark.workflow
def test_own_method(micro: Path) -> None:
    """The method that the page shows gets rows of its own, and no network runs."""
    before = (micro / "results/micro/metrics.csv").read_text().splitlines()
    networks = {path: path.read_bytes() for path in (micro / "results/micro/provenance/checkpoints").rglob("*.json")}
    follow("how-to/method.md", micro)
    assert edited(micro) == exactly("how-to/method.md")
    assert networks
    assert all(path.read_bytes() == content for path, content in networks.items()), "no network runs"
    after = (micro / "results/micro/metrics.csv").read_text().splitlines()
    assert [row for row in after if not row.startswith("nearest,")] == before
    assert len([row for row in after if row.startswith("nearest,")]) == 2 * len(
        [row for row in before if row.startswith("eszsl,0,micro_ucf,")]
    )


@pytest.mark.workflow
def test_own_table(micro: Path) -> None:
    results = micro / "results/micro"
    before = (results / "tables/ablation.csv").read_bytes()
    printed = follow("how-to/table.md", micro)
    assert edited(micro) == exactly("how-to/table.md")
    assert "experiment micro: 2 jobs to run" in printed, "tables and report; nothing else runs"
    rows = (results / "tables/best.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["Test set", "UCF-like", "HMDB-like"]
    assert "Best variant" in (results / "report.html").read_text()
    assert (results / "tables/ablation.csv").read_bytes() == before


@pytest.mark.workflow
def test_own_measure(micro: Path) -> None:
    metrics = micro / "results/micro/metrics.csv"
    before = [row.split(",") for row in metrics.read_text().splitlines()]
    printed = follow("how-to/measure.md", micro)
    assert edited(micro) == exactly("how-to/measure.md")
    assert not re.search(r"^(train|features) +\d", printed, re.MULTILINE), "nothing is trained or embedded"
    after = [row.split(",") for row in metrics.read_text().splitlines()]
    place = after[0].index("mean_rank")
    assert [row[:place] + row[place + 2 :] for row in after] == before
    assert all(float(row[place]) >= 1 for row in after[1:] if row[0] != "eszsl"), "a method has scores alone"


@pytest.mark.workflow
def test_own_stage(micro: Path) -> None:
    printed = follow("how-to/stage.md", micro)
    assert edited(micro) == exactly("how-to/stage.md")
    rows = (micro / "results/micro/hubness.csv").read_text().splitlines()
    assert len(rows) == 1 + (5 + 1) * (7 + 6), "variants and a method x classes of both test sets"
    block = json.loads((micro / "results/micro/provenance/hubness.csv.json").read_text())
    assert block["identity"]["stage"] == "hubness"
    assert "aurl/evaluation/hubness.py" in block["identity"]["code"]
    assert printed.count("all agree") == 1


@pytest.mark.workflow
def test_own_backbone(micro: Path) -> None:
    follow("how-to/backbone.md", micro)
    assert edited(micro) == exactly("how-to/backbone.md")


@pytest.mark.workflow
def test_sharing_and_reading_results(micro: Path, tmp_path: Path) -> None:
    follow("how-to/results.md", micro)
    follow("how-to/remote.md", micro, tmp_path / "remote")


def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_figures_of_the_faults_are_those_that_were_measured() -> None:
    sys.path.insert(0, str(REPOSITORY / "tools"))
    try:
        faults = importlib.import_module("faults_page")
    finally:
        sys.path.remove(str(REPOSITORY / "tools"))
    page = (DOCS / "faults.md").read_text()
    for name, table in (("faults", faults.faults_table()), ("scale", faults.scale_table())):
        assert f"<!-- {name} -->\n{table}<!-- end -->\n" in page, "run 'python tools/faults_page.py'"


def test_generated_pages_are_up_to_date() -> None:
    for page, text in generator().pages().items():
        assert page.read_text() == text, f"{page.name} is not what the code says: run 'python docs/generate.py'"


def test_dvc_yaml_is_what_the_stages_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)
    assert Path("dvc.yaml").read_text() == dvc_yaml(load_experiment(Path("params.yaml"))), (
        "run 'python -m aurl.pipeline.dvc_yaml'"
    )


def test_parameters_name_every_key_of_the_presets() -> None:
    """Each key of each preset, with the names that the user chose replaced."""
    text = (DOCS / "parameters.md").read_text()
    listed, section = set(), ""
    for heading, row in re.findall(r"^## (.+)$|^\| `(\w+)` ", text, re.MULTILINE):
        section = re.split(", (?:name|method): ", heading.replace("The experiment", ""))[0] if heading else section
        listed.add(".".join(filter(None, (section, row))))
    chosen = re.compile(r"^(datasets|variants|imported|methods|external|report\.test_sets|report\.labels)\.\w+")

    def keys(value: object, prefix: str = "") -> set[str]:
        if not isinstance(value, dict):
            return {prefix}
        return {prefix} | {key for name, inner in value.items() for key in keys(inner, f"{prefix}.{name}".lstrip("."))}

    for preset in preset_names():
        found = {chosen.sub(r"\1.NAME", key) for key in keys(yaml.safe_load(preset_text(preset)))}
        found = {key for key in found if key and not re.search(r"\.NAME$", key)}
        found -= {f"evaluation.protocols.{name}" for name in protocol_names()}  # these have no settings
        assert found <= listed, found - listed
    splits = "list (at least 1) of whole number, ≥ 1 |  | evaluate, method_scores, external, figures, report |"
    assert re.search(r"^\| `splits` \| how many random halves [^|]+ \| " + re.escape(splits), text, re.MULTILINE)
    assert re.search(
        r"^\| `timeout_seconds` \| [^|]+ \| number, > 0, ≤ 86400 \| `300` \| manifest, frames \|$", text, re.MULTILINE
    )


def models(model: type[BaseModel]) -> set[type[BaseModel]]:
    """A model and all models that its fields hold."""

    def inside(annotation: object) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield annotation
        for argument in get_args(annotation):
            yield from inside(argument)

    fields = [field.annotation for field in model.model_fields.values()]
    return {model}.union(*(models(other) for annotation in fields for other in inside(annotation)))


def test_every_parameter_has_a_description() -> None:
    """Also those of the parts: a setting without a sentence on what it means cannot be added."""
    folders = (LOSSES, METHODS, NETWORKS, ENCODERS, BACKBONES, PROTOCOLS)
    parts = [plugins.load(folder, name) for folder in folders for name in plugins.names(folder)]
    settings = [Experiment, *(part.Settings for part in parts if hasattr(part, "Settings"))]
    listed = set().union(*map(models, settings))
    assert len(listed) > 25
    silent = [f"{model.__module__}.{model.__name__}.{name}" for model in listed
              for name, field in model.model_fields.items() if not field.description]  # fmt: skip
    assert silent == [], "add Field(description=...)"


def test_the_page_of_commands_names_every_command_and_option() -> None:
    text = (DOCS / "commands.md").read_text()
    for name, command in cli.commands.items():
        assert (f"\n## {name}\n" in text) is not command.hidden
        section = text.partition(f"\n## {name}\n")[2].partition("\n## ")[0]
        for parameter in command.params:
            unseen = command.hidden or getattr(parameter, "hidden", False) or not parameter.opts[0].startswith("--")
            assert unseen or parameter.opts[0] in section, name


def anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_relative_links_resolve(page: Path) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (page.parent / file).resolve() if file else page
        assert linked.exists(), f"{page.name}: {target}"
        if anchor and linked.suffix == ".md":
            assert anchor in anchors(linked), f"{page.name}: {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(REPOSITORY)))
def test_commands_and_their_options_exist(page: Path) -> None:
    """Every `aurl COMMAND --option` in code, on one line or continued."""
    text = page.read_text().replace("\\\n", " ")
    declared = re.findall(r'= Stage\(\n    "(\w+)"', text)  # a stage of the page's own has its command from there
    code = [*re.findall(r"```\w*\n(.*?)```", text, re.DOTALL), *re.findall(r"`([^`\n]+)`", text)]
    code += re.findall(r"^(?: {4}.*\n)+", text, re.MULTILINE)
    for line in "\n".join(code).splitlines():
        for call in re.findall(r"(?:^|[\s;&|$(])aurl ((?:--params \S+ )?[a-z][a-z-]*.*?)(?=;|&&|#|\||$)", line):
            name, *words = re.sub(r"^--params \S+ ", "", call).split()
            if name in declared:
                continue
            command = cli.commands.get(name)
            assert command is not None, f"{page.name}: aurl {name}"
            known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
            for word in words:
                option = re.match(r"--[a-z][a-z-]*", word)
                assert option is None or option[0] in {*known, "--help"}, f"{page.name}: aurl {name} {word}"


def test_navigation_names_every_page() -> None:
    def files(node: object) -> list[str]:
        if isinstance(node, str):
            return [node]
        inside = node.values() if isinstance(node, dict) else node
        return [name for item in inside for name in files(item)]  # type: ignore[attr-defined]

    listed = files(yaml.safe_load((REPOSITORY / "mkdocs.yml").read_text())["nav"])
    there = {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md") if "reference" not in page.parts}
    assert sorted(listed) == sorted(there)


@pytest.mark.slow
def test_the_site_builds_without_warnings_and_fetches_nothing(tmp_path: Path) -> None:
    mkdocs = shutil.which("mkdocs", path=environment_of(REPOSITORY)["PATH"])
    if mkdocs is None:
        pytest.skip("mkdocs is not installed; 'make docs' does it")
    done = subprocess.run(
        [mkdocs, "build", "--strict", "--site-dir", str(tmp_path)], cwd=REPOSITORY, capture_output=True, text=True,
        env={**environment_of(REPOSITORY), "NO_MKDOCS_2_WARNING": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    for page in tmp_path.rglob("*.html"):
        fetched = re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="?(https?://[^"\s>]+)', page.read_text())
        assert not [address for address in fetched if "canonical" not in address], page
    assert "aurl.losses" in (tmp_path / "modules.html").read_text()
    home = (tmp_path / "index.html").read_text()
    assert (DOCS / "reference/mini/summary.txt").read_text().splitlines()[4] in home, "the first table"
    assert (tmp_path / "reference/mini/ablation.png").is_file(), "the picture"
    check_search_from_disk(tmp_path)


def check_search_from_disk(site: Path) -> None:
    """Search the built site without a server, and switch it to dark; skipped without a browser."""
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    if chromium is None:
        pytest.skip("no Chromium: install it ('apt-get install chromium') to test the search")
    with driver.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=chromium)
        page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "index.html").as_uri())
        page.fill("input.md-search__input", "strict labels")
        page.locator(".md-search-result__item a[href*='strict-labels.html']").first.wait_for()
        page.keyboard.press("Escape")
        for _ in range(2):  # from the system's choice to light, then to dark
            page.locator("label.md-header__button[title]:not([hidden])").first.click()
        page.locator("body[data-md-color-scheme=slate]").wait_for(timeout=5000)
        assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
        browser.close()
