"""The report: its parts by hand, and the page in a real browser (headless Chromium)."""

import base64
import csv
import io
import itertools
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from repositories import runner
from table_sources import no_statistics

from aurl.evaluation.labels import variant_labels
from aurl.experiment.presets import load_preset
from aurl.experiment.read import load_experiment
from aurl.lineage.blocks import Block, Identity, ancestors_of, read_block
from aurl.pipeline.jobs import Jobs
from aurl.report.costs import commits, stage_costs, versions
from aurl.report.facts import AUDIT, Verdict, blocks_of, facts_of, last_verdict, write_verdict
from aurl.report.finding import main_finding
from aurl.report.graph import Node, lay_out_graph
from aurl.report.grid import Entry, make_grid
from aurl.report.headline import headline
from aurl.report.page import PageInputs, read_figures, write_page
from aurl.report.render import duration
from aurl.report.results import Measured, Results
from aurl.report.tables.base import Cell, Table
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SECTIONS = ["Main finding", "Tables", "Statistics", "Figures", "How it was made", "Lineage"]
HOSTILE = "a \"quoted\" <script>pwned=1</script>\n<img src=x onerror=pwned=1> & 'more' </textarea></script>"
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><defs><path id="glyph" d="M0 0h9v9z"/></defs></svg>'


@dataclass
class Opened:
    """A page in the browser, and all that it asked for or complained about."""

    page: Any
    requests: list[str]
    complaints: list[str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("no Chromium: install it ('apt-get install chromium') to test the page in a browser")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM)
        yield chromium
        chromium.close()


def open_page(browser: Any, file: Path, **options: Any) -> Opened:
    """Open a file; every request but the one for it is refused and noted."""
    context = browser.new_context(**options)
    opened = Opened(context.new_page(), [], [])
    opened.page.on("console", lambda message: opened.complaints.append(message.text))
    opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
    address = file.resolve().as_uri()

    def take(route: Any) -> None:
        if route.request.url == address:
            route.continue_()
        else:
            opened.requests.append(route.request.url)
            route.abort()

    context.route("**", take)
    opened.page.goto(address)
    return opened


@pytest.fixture(scope="module")
def micro_page(finished_micro: Path) -> Path:
    return finished_micro / "results/micro/report.html"


@pytest.fixture
def light(browser: Any, micro_page: Path) -> Iterator[Any]:
    opened = open_page(browser, micro_page, viewport={"width": 1280, "height": 900})
    yield opened.page
    opened.page.context.close()
    assert opened.complaints == []
    assert opened.requests == []


def rows_of(page: Any, table: str) -> list[list[str]]:
    """The texts of a table's body."""
    return page.locator(f"#table-{table} tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent))"
    )


def test_every_section_renders_without_a_request_or_complaint(light: Any, micro_page: Path) -> None:
    assert micro_page.stat().st_size < 2_000_000
    assert [heading.inner_text() for heading in light.locator("h2").all()] == SECTIONS
    for heading in light.locator("h2").all():
        assert heading.locator("xpath=..").bounding_box()["height"] > 80
    assert "is best of 5 variants" in light.locator("#finding").inner_text()
    assert light.locator("#making .graph rect").count() == 17
    for image in light.locator("#figures img").all():
        assert image.evaluate("image => image.complete && image.naturalWidth > 500")
        assert len(image.get_attribute("alt")) > 30
    linked, shown = (light.locator(f"#figures {part}").count() for part in ("figcaption a", "img"))
    assert linked == shown - 1 == 11, "each figure of the stage links to its lineage; the cost is the page's own"
    levels = light.locator("h1,h2,h3,h4").evaluate_all("all => all.map(heading => Number(heading.tagName[1]))")
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    ids = light.locator("[id]").evaluate_all("all => all.map(element => element.id)")
    assert len(ids) == len(set(ids))
    dead = light.evaluate(
        "[...document.querySelectorAll('a')].filter(a => !document.querySelector(a.getAttribute('href'))).length"
    )
    assert dead == 0


def test_the_policy_forbids_the_network_and_foreign_code(browser: Any, micro_page: Path) -> None:
    opened = open_page(browser, micro_page)
    policy = opened.page.locator("meta[http-equiv=Content-Security-Policy]").get_attribute("content")
    assert policy.startswith("default-src 'none'; img-src data:; style-src 'sha256-")
    assert opened.page.evaluate("fetch('http://localhost:9/').then(() => 'sent', () => 'refused')") == "refused"
    opened.page.evaluate(
        "() => { const code = document.createElement('script'); code.text = 'pwned = 1'; document.body.append(code); }"
    )
    assert opened.page.evaluate("typeof pwned") == "undefined"
    assert opened.requests == [], "the policy stops a request before it is one"
    assert len([line for line in opened.complaints if "Content Security Policy" in line]) >= 2
    opened.page.context.close()


def test_tables_show_what_the_files_hold(light: Any, micro_page: Path) -> None:
    with (micro_page.parent / "tables/ablation.csv").open(newline="") as handle:
        expected = list(csv.DictReader(handle))
    heads = light.locator("#table-ablation thead th").all_inner_texts()
    shown = [dict(zip((head.strip() for head in heads), row, strict=True)) for row in rows_of(light, "ablation")]
    assert len(shown) == len(expected) == 5 + 3
    for row, values in zip(shown, expected, strict=True):
        assert row["Method"] == values["Method"].replace("L_S", "LS"), "S is a subscript"
        for column in ("UCF-like top-1", "HMDB-like top-1"):
            measured, published = values[column], values[f"{column} published"]
            assert row[column].split(" ")[0] == (f"{float(measured):.1f}" if measured else "")
            assert row[column].partition(" paper ")[2] == (f"{float(published):.1f}" if published else "")
        for mark in ("e2e", "CG"):
            assert row[mark] == ("✓" if values[mark] else "")


def test_sorting_by_click_and_by_keyboard(light: Any) -> None:
    original = rows_of(light, "ablation")
    heads = light.locator("#table-ablation thead th")
    position = [head.strip() for head in heads.all_inner_texts()].index("UCF-like top-1")
    button, head = heads.nth(position).locator("button"), heads.nth(position)
    assert head.get_attribute("aria-sort") is None
    ranked = sorted(float(row[position].split()[0]) for row in original)

    def column() -> list[float]:
        return [float(row[position].split()[0]) for row in rows_of(light, "ablation")]

    button.click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert column() == ranked
    button.focus()
    light.keyboard.press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column() == ranked[::-1]
    assert light.locator("#announcement").inner_text() == "Sorted by UCF-like top-1, descending"
    light.keyboard.press("Space")
    assert head.get_attribute("aria-sort") is None
    assert rows_of(light, "ablation") == original
    heads.first.locator("button").click()  # text; and a column in which cells are empty: those stay last
    assert [row[0] for row in rows_of(light, "ablation")] == light.evaluate(
        "names => names.sort((a, b) => a.localeCompare(b))", [row[0] for row in original]
    )
    ours = next(i for i, text in enumerate(light.locator("#table-sota thead th").all_inner_texts()) if "top-1" in text)
    values = f"rows => rows.map(row => row.cells[{ours}].dataset.value || '')"
    for _ in range(2):
        light.locator("#table-sota thead th button").nth(ours).click()
        filled = list(map(bool, light.locator("#table-sota tbody tr").evaluate_all(values)))
        assert filled == sorted(filled, reverse=True)
        assert 0 < sum(filled) < len(filled)


def test_copying_gives_the_table_files(browser: Any, micro_page: Path) -> None:
    opened = open_page(browser, micro_page, permissions=["clipboard-read", "clipboard-write"])
    opened.page.locator("#table-tau_sweep summary").first.click()
    for name in ("ablation", "sota", "tau_sweep"):
        for title, extension in (("LaTeX", "tex"), ("Markdown", "md"), ("CSV", "csv")):
            opened.page.locator(f"#table-{name}").get_by_role("button", name=f"Copy {title}").click()
            opened.page.get_by_text(f"{title} copied").wait_for()
            copied = opened.page.evaluate("navigator.clipboard.readText()")
            assert copied == (micro_page.parent / f"tables/{name}.{extension}").read_text()
    opened.page.evaluate("() => { navigator.clipboard.writeText = () => Promise.reject(new Error('no')); }")
    opened.page.locator("#table-ablation").get_by_role("button", name="Copy CSV").click()
    opened.page.get_by_text("Press Ctrl+C").wait_for()
    selected = opened.page.evaluate("document.activeElement.value.slice(0, document.activeElement.selectionEnd)")
    assert selected == (micro_page.parent / "tables/ablation.csv").read_text()
    assert opened.complaints == opened.requests == []
    opened.page.context.close()


def test_a_cell_leads_to_its_lineage_down_to_the_videos(light: Any, finished_micro: Path) -> None:
    results = finished_micro / "results/micro"
    rows = light.locator("#table-ablation tbody tr").filter(has=light.locator("th", has_text=re.compile("^AURL$")))
    link = rows.locator("a[href='#cell-aurl-micro_ucf']").last
    entry = light.locator("#cell-aurl-micro_ucf")
    assert not entry.is_visible()
    link.focus()
    light.keyboard.press("Enter")
    assert entry.is_visible()
    assert len(entry.locator(".sha").first.inner_text()) == 12
    light.get_by_role("button", name="Show digests in full").click()
    listed = dict(
        entry.locator("tbody tr").evaluate_all("rows => rows.map(r => [1, 2].map(i => r.cells[i].innerText))")
    )
    for path in (
        "metrics/aurl/seed0/micro_ucf.json", "features/aurl/seed0/micro_ucf.safetensors",
        "checkpoints/aurl/seed0.safetensors", "frames/micro_ucf/index.json", "frames/micro_seen/index.json",
        "embeddings/micro_ucf.safetensors", "manifests/micro_ucf.csv", "manifests/micro_seen.csv",
        "datasets/micro_ucf.csv", "seen_classes.csv",
    ):  # fmt: skip
        assert listed[f"results/micro/{path}"] == sha256_file(results / path)
    assert not any("/checkpoints/ls/" in path or "micro_hmdb" in path for path in listed if "embeddings" not in path
                   and "manifests" not in path and "datasets" not in path)  # fmt: skip
    entry.get_by_role("link", name="results/micro/checkpoints/aurl/seed0.safetensors").click()
    job = light.locator(".target", has=light.get_by_text("made: results/micro/checkpoints/aurl/seed0.safetensors"))
    assert job.is_visible()
    assert "synthetic:" in job.locator("pre").inner_text()
    job.get_by_role("link", name="Its code and versions").click()
    code = light.locator("#" + light.evaluate("location.hash.slice(1)"))
    assert sha256_file(finished_micro / "aurl/losses/synthetic.py") in code.inner_text()
    measured = light.locator("#tables td a").evaluate_all("all => all.map(link => link.hash)")
    methods = 6 * 4 + 2 * 2  # top-1 and skewness of all rows, and two banks' CSLS of the method that is fitted
    assert len(measured) == 5 * 4 + 2 * 4 + methods, "ablation; E2E and AURL at 1 and 10 splits; methods"
    assert set(measured) <= {*light.evaluate("[...document.querySelectorAll('.target')].map(e => '#' + e.id)")}
    command = entry.locator("code").first.text_content()
    assert command == "aurl audit --cell aurl,micro_ucf"
    assert "all agree" in runner(finished_micro)(*command.split()).stdout


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 768, 360])
def test_readable_and_accessible(browser: Any, micro_page: Path, width: int, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    opened = open_page(browser, micro_page, color_scheme=scheme, viewport={"width": width, "height": 800})
    page = opened.page
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", background)))
    assert brightness < 150 if scheme == "dark" else brightness > 600
    page.locator(".entry").evaluate_all("all => all.slice(0, 3).forEach(entry => { entry.open = true; })")
    found = axe.Axe().run(page).response["violations"]
    assert [(entry["id"], entry["nodes"][0]["html"][:200]) for entry in found] == []
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    unreachable = page.locator(".scroll, pre").evaluate_all(
        "all => all.filter(e => e.tabIndex !== 0 || !(e.ariaLabel || e.getAttribute('aria-labelledby'))).length"
    )
    assert unreachable == 0
    assert opened.complaints == opened.requests == []
    page.context.close()


@pytest.mark.parametrize("width", [1280, 768, 360])
def test_the_main_table_shows_names_and_numbers(browser: Any, micro_page: Path, width: int) -> None:
    """Without scrolling: the methods, and top-1 of both test sets; after it, the methods still."""
    opened = open_page(browser, micro_page, viewport={"width": width, "height": 800})
    region = opened.page.locator("#table-ablation .scroll")
    frame = region.bounding_box()
    heads = [head.strip() for head in opened.page.locator("#table-ablation thead th").all_inner_texts()]
    assert heads[:3] == ["Method", "UCF-like top-1", "HMDB-like top-1"]
    cells = opened.page.locator("#table-ablation tbody tr").first.locator("th, td")
    wide = region.evaluate("region => region.scrollWidth > region.clientWidth")
    shown = 3 if wide else cells.count()
    last = cells.nth(shown - 1).bounding_box()
    assert last["x"] + last["width"] <= frame["x"] + frame["width"] + 1
    assert width == 768 or wide is (width == 360), "on a large screen all of it fits"
    assert ("more" in region.get_attribute("class")) is wide, "its edge says that there is more"
    region.evaluate("region => { region.scrollLeft = 1e4; }")
    opened.page.wait_for_timeout(100)
    assert abs(cells.first.bounding_box()["x"] - frame["x"]) <= 1
    assert "more" not in region.get_attribute("class")
    opened.page.context.close()


def test_the_audit_page_shows_value_verdict_and_chain(browser: Any, finished_micro: Path, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python is not installed")
    file = tmp_path / "audit.html"
    runner(finished_micro)("aurl", "audit", "--cell", "aurl,micro_ucf", "--html", str(file))
    for width, scheme in itertools.product((1280, 768, 360), ("light", "dark")):
        opened = open_page(browser, file, color_scheme=scheme, viewport={"width": width, "height": 800})
        page = opened.page
        found = axe.Axe().run(page).response["violations"]
        assert [(entry["id"], entry["nodes"][0]["html"][:200]) for entry in found] == []
        page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true; })")
        assert page.evaluate("document.documentElement.scrollWidth") == width
        assert opened.complaints == opened.requests == []
        page.context.close()
    opened = open_page(browser, file)
    page = opened.page
    assert page.locator("h1").inner_text() == "AURL on UCF-like"
    with (finished_micro / "results/micro/tables/ablation.csv").open(newline="") as handle:
        top1 = next(float(row["UCF-like top-1"]) for row in csv.DictReader(handle) if row["Method"] == "AURL")
    assert page.locator("header .number").inner_text().startswith(f"{top1:.1f} [")
    assert page.locator("header").inner_text().count("aurl audit --cell aurl,micro_ucf") == 1
    assert "All agree" in page.locator("#verdict").inner_text()
    page.locator(".graph a", has_text="train").click()
    page.locator("#stage-train summary", has_text="train").first.click()
    page.locator("#stage-train").get_by_role("link", name="results/micro/frames/micro_seen/index.json").click()
    index = page.locator("#stage-frames_index .target", has_text="made: results/micro/frames/micro_seen/index.json")
    assert index.is_visible()
    whole = sha256_file(finished_micro / "results/micro/frames/micro_seen/index.json")
    assert whole[:12] in index.inner_text()
    assert whole not in index.inner_text()
    page.get_by_role("button", name="Show digests in full").click()
    assert whole in index.inner_text()
    videos = page.locator("#stage-ingest details", has_text="14 videos").last
    assert videos.locator("tbody tr").count() == 14
    page.context.close()


def test_figures_follow_the_scheme(browser: Any, micro_page: Path) -> None:
    means = {}
    for scheme in ("light", "dark"):
        opened = open_page(browser, micro_page, color_scheme=scheme, viewport={"width": 1280, "height": 800})
        picture = opened.page.locator("#figure-ablation img").screenshot()
        pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("L"))
        means[scheme] = np.median(pixels)
        opened.page.context.close()
    assert means["light"] > 240
    assert means["dark"] < 60


def test_the_contents_follow_the_reader(browser: Any, micro_page: Path) -> None:
    for width in (1280, 360):
        opened = open_page(browser, micro_page, viewport={"width": width, "height": 700})
        page = opened.page
        page.evaluate("document.getElementById('figure-training').scrollIntoView()")
        page.wait_for_timeout(300)
        marked = page.locator("nav a[aria-current]")
        assert marked.count() == 1
        assert marked.get_attribute("href") == "#figure-training"
        assert page.locator("nav .open > a").inner_text() == "Figures"
        box = page.locator("nav .open > a").bounding_box()
        assert 0 <= box["y"] < 700, "the contents stay in view"
        assert page.locator("nav a", has_text="Training curves").is_visible() is (width == 1280)
        page.context.close()


def test_the_keyboard_skips_to_the_content(light: Any) -> None:
    light.keyboard.press("Tab")
    assert light.evaluate("document.activeElement.className") == "skip"
    light.keyboard.press("Enter")
    assert light.evaluate("document.activeElement.id") == "main"


def test_prints(light: Any) -> None:
    light.emulate_media(media="print")
    assert not light.locator("nav").is_visible()
    assert not light.locator(".copy").first.is_visible()
    light.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert light.locator("#table-tau_sweep table").is_visible(), "folded tables print"
    assert not light.get_by_label("All parameters", exact=True).is_visible(), "pages of YAML do not"
    light.evaluate("dispatchEvent(new Event('afterprint'))")
    assert not light.locator("#table-tau_sweep table").is_visible()
    assert light.pdf(format="A4").startswith(b"%PDF-")


@pytest.fixture(scope="module")
def hostile(finished_micro: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page in which every name is an attack, with statistics, an index of figures, and findings of an audit."""
    folder = tmp_path_factory.mktemp("hostile")
    with chdir(finished_micro):
        experiment = load_experiment(Path("params.yaml"))
        jobs = Jobs(experiment)
        blocks = blocks_of(jobs)
        facts = replace(facts_of(jobs, blocks), verdict=Verdict(False, "2 findings", [f"forged: {HOSTILE}"]))
    cell = Cell(Measured(3.0, 1.0, 2, ("aurl", "micro_ucf")), 4.0, 1)
    table = Table(HOSTILE, {"Method": [HOSTILE, "b"]}, {f"top-1 {HOSTILE}": [cell, cell]}, [HOSTILE], True)
    for extension in ("tex", "md", "csv"):
        (folder / f"t.{extension}").write_text(f"\n{HOSTILE}\n")
    manifest = (finished_micro / "results/micro/manifests/micro_ucf.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(manifest)))
    rows[0] |= {"path": HOSTILE, "class": HOSTILE, "status": "broken", "reason": HOSTILE}
    with (folder / "manifest.csv").open("w", newline="") as handle:
        writer = csv.DictWriter(handle, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (folder / "one.svg").write_text(SVG)
    (folder / "two.svg").write_text(SVG)
    (folder / "three.png").write_bytes(base64.b64decode(PIXEL))
    listed = [
        {"name": name, "title": f"{name} {HOSTILE}", "caption": HOSTILE, "alt": HOSTILE, "embed": embed}
        for name, embed in (("one", "svg"), ("two", "svg"), ("three", "png"))
    ]
    (folder / "index.json").write_text(json.dumps(listed))
    interval = {"mean": 30.0, "std": None, "low": 20.0, "high": 41.5, "fixed_low": 25.0, "fixed_high": 35.0}
    entry = {"clips1": {"top1": interval}, "videos": 14, "classes": 7}
    statistics = {
        "confidence": 0.95, "resamples": 1000, "seed": 0, "seeds": [0, 1],
        "variants": {HOSTILE: {"micro_ucf": entry}, "aurl": {"micro_ucf": entry}},
        "paired": [{
            "variant": "aurl", "against": HOSTILE, "dataset": "micro_ucf", "clips": 1, "difference": -2.5, "low": -5.0,
            "high": 0.5, "p": 0.04321, "p_corrected": 0.2, "test": "McNemar", "seeds": 2, "sentence": HOSTILE,
        }],
        "order": [],
    }  # fmt: skip
    (folder / "statistics.json").write_text(json.dumps(statistics))
    inputs = PageInputs(
        metrics=finished_micro / "results/micro/metrics.csv",
        tables={"t": table},
        table_files={("t", extension): folder / f"t.{extension}" for extension in ("tex", "md", "csv")},
        figures=folder,
        statistics=folder / "statistics.json",
        manifests={"micro_ucf": folder / "manifest.csv"},
        datasets=experiment.datasets,
        blocks=blocks,
    )
    report = experiment.report.model_copy(update={"title": HOSTILE, "setting": HOSTILE})
    facts = replace(facts, changes=[HOSTILE], params={**facts.params, "note": HOSTILE})
    with chdir(finished_micro):
        write_page(inputs, facts, list(experiment.variants), report, folder / "report.html")
    return folder / "report.html"


def test_names_are_only_text(browser: Any, hostile: Path) -> None:
    opened = open_page(browser, hostile, permissions=["clipboard-read", "clipboard-write"])
    page = opened.page
    assert page.evaluate("typeof pwned") == "undefined"
    assert page.locator("img[src=x]").count() == 0
    assert page.locator("script").count() == page.locator("style").count() == 1
    assert [heading.inner_text() for heading in page.locator("h2").all()] == SECTIONS
    assert page.title().split() == HOSTILE.split()
    flat = " ".join(HOSTILE.split())
    assert rows_of(page, "t")[0][0].endswith(HOSTILE)
    assert rows_of(page, "paired")[0][1].endswith(HOSTILE)
    page.locator("#making details").first.locator("summary").click()
    for place in ("header", "#tables", "#statistics", "#figures", "#making"):
        assert flat in " ".join(page.locator(place).text_content().split()), place
    assert page.locator("#figure-one img").get_attribute("alt") == HOSTILE
    page.get_by_role("button", name="Copy CSV").click()
    page.get_by_text("CSV copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == f"\n{HOSTILE}\n"
    assert opened.complaints == opened.requests == []
    page.context.close()


def test_statistics_and_listed_figures_are_shown(browser: Any, hostile: Path) -> None:
    opened = open_page(browser, hostile)
    page = opened.page
    heads = [head.strip() for head in page.locator("#table-paired thead th").all_inner_texts()]
    row = dict(zip(heads, rows_of(page, "paired")[0], strict=True))
    assert row["Method"] == "AURL"
    assert (row["Difference"], row["95 % interval"], row["p"], row["p corrected"]) == (
        "-2.5",
        "-5.0 to 0.5",
        "0.043",
        "0.2",
    )
    intervals = rows_of(page, "intervals")
    assert intervals[0][:2] == ["AURL", "UCF-like"], "the paper's methods first"
    assert intervals[0][3:] == ["30.0", "", "20.0 to 41.5", "25.0 to 35.0", "14", "7"]
    assert page.locator("#table-intervals a[href='#cell-aurl-micro_ucf']").count() == 3
    assert page.locator("#figures img").evaluate_all("all => all.map(image => image.naturalWidth)")[:-1] == [9, 9, 1], (
        "then the cost"
    )
    assert page.locator("#glyph").count() == 0, "ids of embedded SVGs do not clash"
    assert rows_of(page, "t")[0][1] == "3.0 ± 1.0 paper 4.0, -1.0 here", "with the difference: the paper's setting"
    assert "2 findings" in page.locator(".verdict.bad").inner_text()
    assert "found disagreement" in page.locator("header").inner_text()
    assert "13 of 14 videos used" in page.locator("#making").inner_text()
    page.context.close()


def test_audit_and_times_do_not_make_the_page_stale(micro: Path) -> None:
    run = runner(micro)
    page = micro / "results/micro/report.html"
    assert "Not recorded yet: not audited when this page was made" in page.read_text()
    block = micro / "results/micro/provenance/metrics.csv.json"
    block.write_text(re.sub(r'"seconds": [\d.]+', '"seconds": 99.5', block.read_text()))
    assert "Nothing to be done" in run("snakemake", "--dry-run").stdout
    run("aurl", "report", "--audit")
    told = re.search(r'<p class="verdict good">(\d+) jobs, \d+ artefacts audited: all agree</p>', page.read_text())
    assert told is not None
    assert int(told[1]) == len(list((micro / "results/micro/provenance").rglob("*.json"))) - 1
    assert "1 min 40 s" in page.read_text(), "the stages' times are those of the blocks as they are now"
    assert "recorded 2 stages" in run("aurl", "record").stdout, "which refuses where Snakemake has work left"


def test_snakemakes_own_report_and_dvcs_plots(finished_micro: Path, browser: Any, tmp_path: Path) -> None:
    run = runner(finished_micro)
    run("snakemake", "--report", str(tmp_path / "own.html"))
    opened = open_page(browser, tmp_path / "own.html")
    for category in ("Tables", "Figures", "Pages"):
        opened.page.get_by_text(category, exact=True).first.wait_for()
    assert "handful of rendered videos" in opened.page.locator("body").inner_text()
    assert [address for address in opened.requests if not address.startswith("data:")] == []
    opened.page.context.close()
    plots = json.loads(run("dvc", "plots", "show", "--json").stdout)["data"]
    shown = plots["results/micro/checkpoints/aurl/seed0.steps.csv"][0]["content"]["data"]["values"]
    with (finished_micro / "results/micro/checkpoints/aurl/seed0.steps.csv").open(newline="") as handle:
        assert [row["loss"] for row in shown] == [row["loss"] for row in csv.DictReader(handle)]
    assert len(plots) == 5


def block(stage: str, made: str, read: list[str], seconds: float, **circumstance: Any) -> Block:
    packages = {"numpy": "2.0" if stage == "train" else "1.9"}
    identity = Identity(stage, {"dataset": made}, dict.fromkeys(read, "0"), {}, {}, packages, {}, "cpu")
    times = {"seconds": seconds, "cpu_seconds": 2 * seconds, "peak_memory_bytes": int(seconds), "started": f"{seconds}"}
    return Block(identity, {made: "0"}, {**times, **circumstance})


def test_what_stands_behind_an_artefact_and_what_it_cost() -> None:
    blocks = [
        block("ingest", "videos", ["outside"], 1.0),
        block("train", "a", ["videos"], 3.0, commit="abc", dirty=True),
        block("train", "b", ["videos"], 5.0, commit="abc", dirty=True),
        block("evaluate", "score", ["b", "videos"], 9.0),
    ]
    assert [entry.name for entry in ancestors_of(["score"], blocks)] == ["evaluate score", "train b", "ingest videos"]
    costs = {cost.stage: cost for cost in stage_costs(blocks)}
    assert list(costs) == ["ingest", "train", "evaluate"]
    assert (costs["train"].jobs, costs["train"].seconds, costs["train"].cpu_seconds) == (2, 8.0, 16.0)
    assert costs["train"].peak_memory == 5
    assert versions(blocks) == {"numpy": {"1.9": ["evaluate", "ingest"], "2.0": ["train"]}}
    assert commits(blocks) == {("", False): 2, ("abc", True): 2}


def test_a_damaged_block_or_index_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "block.json").write_text('{"identity": {}')
    with pytest.raises(AurlError, match=r"block\.json: unreadable \(.*\); make it again"):
        read_block(tmp_path / "block.json")
    for index in ("[1", '[{"name": "../x", "embed": "svg"}]', '[{"name": "x", "embed": "html"}]', "3"):
        (tmp_path / "index.json").write_text(index)
        with pytest.raises(AurlError, match=r"index\.json: unreadable"):
            read_figures(tmp_path)


def test_the_graph_leaves_out_what_a_longer_way_implies() -> None:
    nodes = {key: Node(key, "", "") for key in "abcd"}
    edges = {("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"), ("a", "d")}
    drawing = lay_out_graph(nodes, edges)
    tops = {box.node.title: box.top for box in drawing.boxes}
    lefts = {box.node.title: box.left for box in drawing.boxes}
    assert tops["a"] < tops["b"] == tops["c"] < tops["d"]
    assert lefts["a"] == lefts["d"] == (lefts["b"] + lefts["c"]) / 2
    assert len(drawing.curves) == 4
    right, bottom = drawing.width - drawing.box, drawing.height - 44
    assert all(
        0 <= left <= right and 0 < top <= bottom for left, top in zip(lefts.values(), tops.values(), strict=True)
    )


def test_columns_of_numbers_sort_as_numbers() -> None:
    rows = [["3D net", "9.5 ± 0.1", "-1 to 2", ""], ["b", "10.0", "", ""], ["c" * 90, "", "0.5 to 1", ""]]
    grid = make_grid("t", "t", list("mabc"), [[Entry(text) for text in row] for row in rows], [])
    assert grid.kinds == ["long", "number", "number", "text"]
    assert [row[1].value for row in grid.rows] == [9.5, 10.0, None]
    assert [row[2].value for row in grid.rows] == [-1.0, None, 0.5]
    assert [duration(seconds) for seconds in (4.25, 75.2, 7260)] == ["4.2 s", "1 min 15 s", "2 h 1 min"]


def test_the_finding_is_what_the_numbers_say(tmp_path: Path) -> None:
    rows = ["variant,seed,dataset,clips,splits,top1,top1_std,top5,class_top1,closeness,dispersion,videos,classes"]
    for variant, scores in {"aurl": (20, 22), "ls": (30, 33)}.items():
        rows += [f"{variant},{seed},test,1,1,{top1},,50,0,0,0,1000,50" for seed, top1 in enumerate(scores)]
    (tmp_path / "metrics.csv").write_text("\n".join(rows) + "\n")
    experiment = load_preset("micro")
    sets = {"ucf101": {"dataset": "test", "label": "Here", "published": "UCF101"}}
    report = type(experiment.report).model_validate(
        {**experiment.report.model_dump(), "test_sets": sets, "paper_setting": True}
    )
    variants = ["aurl", "ls", "mse"]
    labels = variant_labels(variants, report)
    results, statistics = Results(tmp_path / "metrics.csv"), no_statistics(tmp_path)
    first, order, seeds = main_finding(results, statistics, variants, report, labels)
    top = headline(results, statistics, report, labels)
    assert top is not None
    assert top.text == (
        "AURL names 21.0 % of the Here videos correctly. It never saw one of these 50 classes in training; a blind guess"
        " gets 2.0 %. The baseline, Base w/ L_S, gets 31.5 %: 10.5 points more. Whether this difference is significant was"
        " not tested."
    )
    assert top.cells == {"AURL": ("aurl", "test"), "Base w/ L_S": ("ls", "test")}
    assert headline(results, statistics, report.model_copy(update={"proposed": "mse"}), labels) is None
    assert first.text == (
        "On Here (1,000 videos of 50 unseen classes, chance 2.0 %) Base w/ L_S is best of 2 variants, with 31.5 ± 2.1 %"
        " top-1; AURL has 21.0 ± 1.4 %, 10.5 points less. Published for AURL: 44.4 %, ours differs by -23.4."
    )
    assert first.cells == {"Base w/ L_S": ("ls", "test"), "AURL": ("aurl", "test")}
    assert order.text == (
        "The order of the variants agrees with the paper's in 0 of 1 pair; which differences are significant was not tested."
    )
    assert "2 seeds" in seeds.text


@pytest.fixture
def unaudited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Jobs, list[Block]]:
    """The jobs of micro in an empty folder, and the blocks of two artefacts, both with the digest `0`."""
    monkeypatch.chdir(tmp_path)
    jobs = Jobs(load_preset("micro"))
    return jobs, [block("ingest", "videos", [], 1.0), block("train", "a", ["videos"], 3.0)]


def test_a_verdict_is_shown_only_while_it_is_about_these_artefacts(unaudited: tuple[Jobs, list[Block]]) -> None:
    jobs, blocks = unaudited
    assert last_verdict(jobs, blocks).agrees is None
    for verdict in (Verdict(True, "2 jobs: all agree", []), Verdict(False, "1 findings", ["forged: a"])):
        write_verdict(jobs.paths.root, verdict, {"videos": "0", "a": "0"})
        assert last_verdict(jobs, blocks) == verdict
        assert last_verdict(jobs, blocks[::-1]) == verdict
        others = (
            [blocks[0], replace(blocks[1], outputs={"a": "1"})],
            [blocks[0], replace(blocks[1], outputs={"b": "0"})],
            blocks[:1],
            [*blocks, block("train", "b", ["videos"], 3.0)],
        )
        for changed in others:
            shown = last_verdict(jobs, changed)
            assert (shown.agrees, shown.findings) == (None, [])
            assert shown.summary.startswith(
                "Not recorded yet: not audited when this page was made; dvc.lock knew 0 of "
            )


@pytest.mark.parametrize(
    "change",
    [
        None, 3, [], {}, {"verdict": None}, {"outputs": None}, {"outputs": [["videos", "0"], ["a", "0"]]},
        *({"verdict": {"agrees": True, "summary": "s", "findings": [], **wrong}}
          for wrong in ({"agrees": "yes"}, {"agrees": 1}, {"summary": 3}, {"findings": "forged"}, {"findings": [3]})),
        {"verdict": {"agrees": True, "summary": "s"}},
    ],
)  # fmt: skip
def test_a_damaged_verdict_counts_as_none(unaudited: tuple[Jobs, list[Block]], change: Any) -> None:
    jobs, blocks = unaudited
    whole = {"verdict": {"agrees": True, "summary": "s", "findings": []}, "outputs": {"videos": "0", "a": "0"}}
    path = jobs.paths.root / AUDIT
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(whole))
    assert last_verdict(jobs, blocks).agrees is True
    path.write_text(json.dumps({**whole, **change} if isinstance(change, dict) and change else change))
    assert last_verdict(jobs, blocks).agrees is None
    for damaged in (b"", b"\xff", json.dumps(whole).encode()[:-1]):
        path.write_bytes(damaged)
        assert last_verdict(jobs, blocks).agrees is None
