"""A video that passes the manifest and cannot be extracted is named and counted in the tables' notes and the page."""

import json
from pathlib import Path

import pytest
from repositories import runner
from runs import edit

pytestmark = pytest.mark.workflow


def test_a_video_that_cannot_be_extracted_is_named_in_tables_and_page(repository: Path) -> None:
    run = runner(repository)
    params = repository / "params.yaml"
    text = params.read_text()
    place = text.index("micro_ucf:\n")
    params.write_text(text[:place] + text[place:].replace("broken: error", "broken: leave_out", 1))
    run("snakemake", "--", "results/micro/manifests/micro_ucf.csv")
    rows = (repository / "results/micro/manifests/micro_ucf.csv").read_text().splitlines()[1:]
    video = rows[2].split(",")[0]
    edit(
        repository / "aurl/frames/extract.py",
        "    path, frames, rotation, sha256 = video\n",
        f"    path, frames, rotation, sha256 = video\n    if path.name == {Path(video).name!r}:\n"
        '        raise ValueError("no way")\n',
    )
    told = run("snakemake").stderr
    results = repository / "results/micro"
    assert f"{Path(video).name}: its frames cannot be extracted: ValueError: no way; left out" in told + _logs(
        repository
    )
    assert json.loads((results / "frames/micro_ucf/index.json").read_text())["left_out"] == {
        video: "ValueError: no way"
    }
    counted = f"micro_ucf (UCF-like): {len(rows) - 1} of {len(rows)} videos usable, 7 of the 101 classes of ucf101"
    named = f"left out, since their frames could not be extracted: 1 ({video})"
    for table in ("ablation", "sota"):
        notes = (results / f"tables/{table}.md").read_text()
        assert counted in notes, table
        assert named in notes, table
    page = (results / "report.html").read_text()
    assert "no-frames" in page
    assert "ValueError: no way" in page
    assert named in page


def _logs(repository: Path) -> str:
    return "".join(path.read_text() for path in repository.rglob("*.log"))
