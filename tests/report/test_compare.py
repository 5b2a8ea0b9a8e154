"""`aurl compare` and the end of `aurl summary`, by hand-made metrics in a folder and in a git repository."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from repositories import REPOSITORY
from table_sources import table_inputs, table_settings

from aurl.cli import main
from aurl.experiment.presets import load_preset, preset_text
from aurl.experiment.read import load_experiment
from aurl.lineage.dvc_lock import CACHE
from aurl.lineage.machine import cpu_model
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.paths import ResultPaths
from aurl.report.about import ABOUT, present_about, read_about, shaping_parameters
from aurl.report.verdict import parameter_changes
from aurl.report.write_tables import make_tables, write_tables
from aurl.system.digests import Digests
from aurl.system.errors import AurlError

METRICS = Path("results/micro/metrics.csv")
REFERENCE = Path("docs/reference/micro")
SHIPPED = sorted((REPOSITORY / "docs/reference").glob(f"*/{ABOUT}"))
Output = tuple[int, list[str], str]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with micro's experiment of three seeds, its metrics, statistics and tables, and no reference."""
    monkeypatch.chdir(tmp_path)
    Path("data").symlink_to(REPOSITORY / "data")
    Path("params.yaml").write_text(preset_text("micro").replace("seeds: [0]", "seeds: [0, 1, 2]"))
    experiment = load_experiment(Path("params.yaml"))
    assert experiment.seeds == [0, 1, 2]
    paths = ResultPaths("micro")
    paths.root.mkdir(parents=True)
    inputs, settings = table_inputs(experiment, paths.root), table_settings(experiment)
    formats = ("csv", "md", "tex", "html")
    files = {(name, kind): paths.root / f"tables/{name}.{kind}" for name in ("ablation", "sota") for kind in formats}
    write_tables(make_tables(inputs, settings), files)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *arguments: str) -> Output:
    """Run a command as a user does: exit status, lines of output, what stands on standard error."""
    monkeypatch.setattr("sys.argv", ["aurl", *arguments])
    status: object = 0
    try:
        main()
    except SystemExit as ended:
        status = ended.code
    shown = capsys.readouterr()
    return (status if isinstance(status, int) else 1), shown.out.splitlines(), shown.err or str(status or "")


@pytest.fixture
def aurl(place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> object:
    return lambda *arguments: run(capsys, monkeypatch, *arguments)


def moved(variant: str = "aurl", dataset: str = "micro_ucf", clips: int = 3, by: float = -60.0, text: str = "") -> str:
    """The metrics with one row (in all its splits and seeds) set to about 99 or moved."""
    lines = (text or METRICS.read_text()).splitlines()
    for number, line in enumerate(lines):
        cells = line.split(",")
        if cells[0] == variant and cells[2] == dataset and cells[3] == str(clips):
            cells[5] = f"{(float(cells[5]) + by) % 100:.6f}"
            lines[number] = ",".join(cells)
    return "\n".join(lines) + "\n"


def steady(top1: float = 30.0) -> str:
    """The metrics with a deviation of one point over the seeds, everywhere."""
    lines = METRICS.read_text().splitlines()
    for number, line in enumerate(lines[1:], 1):
        cells = line.split(",")
        cells[5] = f"{top1 + int(cells[1]):.6f}"
        lines[number] = ",".join(cells)
    return "\n".join(lines) + "\n"


def put(text: str, folder: Path = REFERENCE, about: dict[str, object] | None = None) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.csv").write_text(text)
    if about is not None:
        (folder / "reference.yaml").write_text(yaml.safe_dump(about))
    return folder


def test_equal_bytes_agree_and_both_machines_are_named(aurl) -> None:  # type: ignore[no-untyped-def]
    machine = {"cpu": "A CPU", "cores": 8, "torch": "2.13.0", "threads": 4, "device": "cpu"}
    put(METRICS.read_text(), about={"experiment": "micro", "commit": "0123456789abcdef", "date": "2026-01-31",
                                    "machine": machine})  # fmt: skip
    status, lines, error = aurl("compare")
    assert (status, error) == (0, "")
    text = " ".join(" ".join(lines).split())
    assert (
        "reference: docs/reference/micro (commit 0123456789, 2026-01-31); A CPU, 8 cores; torch 2.13.0, 4 threads"
        in text
    )
    assert "here: results/micro/metrics.csv; machine not known" in text
    assert lines[-1] == "agrees with the reference docs/reference/micro: metrics.csv is equal to the byte"


def test_rows_that_differ_are_shown_with_both_means(aurl) -> None:  # type: ignore[no-untyped-def]
    METRICS.write_text(steady())
    put(moved(by=9.0, text=moved("ls", "micro_hmdb", 1, 3.5)))
    status, lines, _ = aurl("compare")
    assert status == 1
    assert lines[-1] == "differs from the reference docs/reference/micro in 2 of 24 rows"
    rows = [line for line in lines if "±" in line]
    assert [re.split(r"  +", row)[:4] for row in rows] == [
        ["Base w/ L_S", "HMDB-like", "1", "all"], ["AURL", "UCF-like", "3", "all"]
    ]  # fmt: skip
    assert re.split(r"  +", rows[1])[4:] == ["31.0 ± 1.0", "40.0 ± 1.0", "2.4"]
    assert max(map(len, lines)) <= 80


def test_within_the_seeds_runs_agree(aurl) -> None:  # type: ignore[no-untyped-def]
    METRICS.write_text(steady())
    put(steady(32.4))  # 3 standard errors are 2.449 points
    status, lines, _ = aurl("compare")
    assert (status, lines[-1]) == (
        0, "agrees with the reference docs/reference/micro, within what the seeds explain"
    )  # fmt: skip
    put(steady(32.5))
    status, lines, _ = aurl("compare", str(REFERENCE / "metrics.csv"))
    assert (status, lines[-1]) == (1, "differs from the reference docs/reference/micro/metrics.csv in 24 of 24 rows")


def lacking(pattern: str) -> str:
    return "".join(line for line in METRICS.read_text().splitlines(keepends=True) if not re.search(pattern, line))


def test_what_is_wrong_with_a_reference_is_one_line(aurl) -> None:  # type: ignore[no-untyped-def]
    metrics = METRICS.read_text()
    cases = {
        "variants only here: aurl_no_cg, ls;": lacking("^(aurl_no_cg|ls),"),
        "seeds only here: 2;": lacking(r"^\w+,2,"),
        "test sets only here: micro_hmdb;": lacking("micro_hmdb"),
        "clip counts only here: 3;": lacking(r"micro_\w+,3,"),
        "variants only in the reference: other;": metrics + metrics.splitlines()[1].replace("aurl,", "other,") + "\n",
        "1 row only on one side, first aurl micro_hmdb 0 1 half_splits 1 (here);": lacking(
            "^aurl,0,micro_hmdb,1,1,.*half_splits$"
        ),
        "other videos of micro_ucf: 40 videos of 7 classes here, 41 of 7 in the reference;": re.sub(
            "(micro_ucf.*),40,7", r"\1,41,7", metrics
        ),
        "unreadable (top1 is not between 0 and 100": re.sub(r"(ls,0,micro_ucf,1,1),[\d.]+", r"\1,400", metrics),
        "unreadable (two rows have the same key)": metrics + metrics.splitlines()[1] + "\n",
        "unreadable (no column 'seed' in its header)": metrics.replace("seed", "sed"),
        "unreadable (cut short": metrics[:-5],
    }
    for words, text in cases.items():
        put(text)
        status, lines, error = aurl("compare", str(REFERENCE))
        assert (status, lines) == (1, []), words
        assert words in error
        assert error.startswith(f"aurl: error: {REFERENCE}")
        assert error.count("\n") == 0


def test_missing_and_foreign_references_are_one_line(aurl) -> None:  # type: ignore[no-untyped-def]
    def error_of(*arguments: str) -> str:
        status, lines, error = aurl("compare", *arguments)
        assert (status, lines, error.count("\n")) == (1, [], 0)
        return str(error)

    assert "docs/reference/micro: there is no reference for experiment 'micro'" in error_of()
    assert "nothing: no folder, no file and no revision of git" in error_of("nothing")
    assert "data/metrics.csv: unreadable (No such file or directory); name another reference" in error_of("data")
    put(METRICS.read_text(), about={"experiment": "mini"})
    assert "a reference of experiment 'mini', not of 'micro'; 'aurl use mini'" in error_of()
    put(METRICS.read_text(), about={"experiment": "micro", "machine": 3})
    assert "reference.yaml: unreadable (machine: " in error_of()
    METRICS.unlink()
    assert "results/micro/metrics.csv: no metrics yet; run 'snakemake'" in error_of()


def test_a_reference_of_other_parameters_is_compared_only_by_name(aurl) -> None:  # type: ignore[no-untyped-def]
    parameters = shaping_parameters(Jobs(load_experiment(Path("params.yaml"))))
    assert {"training.epochs", "variants.aurl.losses.synthetic.mix", "evaluation.clips", "seeds"} <= parameters.keys()
    assert not [key for key in parameters if key.startswith(("report", "evaluation.statistics", "record"))]
    assert not [key for key in parameters if "threads" in key or "device" in key]
    put(METRICS.read_text(), about={"experiment": "micro", "parameters": {**parameters, "training.epochs": 99}})
    status, _, error = aurl("compare")
    assert status == 1
    assert "made with other parameters: training.epochs 99 -> 2; 'aurl compare docs/reference/micro'" in error
    status, lines, _ = aurl("compare", str(REFERENCE))
    assert status == 0
    assert "other parameters: training.epochs 99 -> 2" in lines
    put(METRICS.read_text(), about={"experiment": "micro", "parameters": parameters})
    assert aurl("compare")[0] == 0


def commit(*paths: str) -> str:
    for command in (
        ["add", "-f", *paths],
        ["-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-qm", "c"],
    ):
        subprocess.run(["git", *command], check=True)
    return subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()


def test_a_revision_gives_its_results_its_record_or_its_reference(aurl) -> None:  # type: ignore[no-untyped-def]
    subprocess.run(["git", "init", "-q"], check=True)
    METRICS.write_text(steady())
    put(steady(90.0), about={"experiment": "micro", "date": "2026-01-31"})
    reference = commit(str(REFERENCE))
    results = commit(str(METRICS))
    subprocess.run(["git", "rm", "-q", "--cached", str(METRICS)], check=True)
    recorded = Path("recorded.csv")
    recorded.write_text(steady(60.0))
    md5 = Digests(None).of(recorded).md5
    stage = {"cmd": "c", "outs": [{"path": str(METRICS), "md5": md5}]}
    Path("dvc.lock").write_text(yaml.safe_dump({"stages": {"collect@micro": stage}}))
    locked = commit("dvc.lock")

    status, lines, _ = aurl("compare", results)
    assert status == 0
    assert "equal to the byte" in " ".join(lines)
    status, lines, _ = aurl("compare", reference)
    assert status == 1
    assert "2026-01-31" in " ".join(lines)
    assert "91.0 ± 1.0" in " ".join(lines)
    assert "91.0 ± 1.0" in " ".join(aurl("compare", locked)[1]), "not in DVC's cache: the reference of that commit"
    cached = CACHE / md5[:2] / md5[2:]
    cached.parent.mkdir(parents=True)
    recorded.rename(cached)
    assert "61.0 ± 1.0" in " ".join(aurl("compare", "HEAD")[1])
    cached.write_text("damage\n")
    assert f"aurl: error: {locked}:{METRICS}: unreadable" in aurl("compare", locked)[2]
    subprocess.run(["git", "rm", "-rqf", "dvc.lock", str(REFERENCE)], check=True)
    empty = commit("params.yaml")
    assert f"{empty}: no metrics.csv of experiment 'micro' in this commit" in aurl("compare", empty)[2]


def test_the_summary_ends_with_order_and_verdict(aurl) -> None:  # type: ignore[no-untyped-def]
    status, lines, _ = aurl("summary")
    assert status == 0
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "no reference for this experiment"
    assert re.search(r"agrees with the paper's in \d+ of 20 pairs", " ".join(lines))
    head = lines.index(next(line for line in lines if line.startswith("---")))
    assert [line.split("  ")[0] for line in lines[head + 1 : head + 6]] == [
        "Base w/ MSE", "Base w/ L_S", "Base w/ L_S + e2e", "AURL", "AURL w/o CG"
    ]  # fmt: skip
    assert re.fullmatch(r"AURL +[\d.]+ ± [\d.]+ +[\d.]+ ± [\d.]+ +44.4 +27.4", lines[head + 4])
    put(METRICS.read_text())
    agreed = "agrees with the reference docs/reference/micro: metrics.csv is equal to the byte"
    assert aurl("summary")[1][-1] == agreed
    METRICS.write_text(steady())
    put(moved(by=9.0))
    status, lines, _ = aurl("summary")
    assert (status, lines[-1]) == (
        0, "differs from the reference docs/reference/micro in 1 of 24 rows: aurl compare"
    )  # fmt: skip
    put(lacking("^aurl,"))
    status, lines, _ = aurl("summary")
    assert status == 0, "a run that cannot be compared has not failed"
    assert "not compared with the reference: docs/reference/micro: other rows" in " ".join(lines)
    assert "variants only here: aurl;" in " ".join(lines)


def test_long_labels_and_many_test_sets_fit_80_columns(aurl) -> None:  # type: ignore[no-untyped-def]
    raw = yaml.safe_load(Path("params.yaml").read_text())
    label = "A label with a great many words that nobody would write in a table"
    raw["report"]["labels"] = {"aurl": label, "ls": "x" * 100}
    for name in ("ucf101", "hmdb51"):
        raw["report"]["test_sets"][name]["label"] = f"{name} {label}"
    raw["datasets"]["third"], raw["unseen"] = raw["datasets"]["micro_hmdb"], [*raw["unseen"], "third"]
    raw["report"]["test_sets"]["third"] = {"dataset": "third", "label": "Third", "published": None}
    Path("params.yaml").write_text(yaml.safe_dump(raw))
    experiment, root = load_experiment(Path("params.yaml")), METRICS.parent
    formats = {("ablation", kind): root / f"tables/ablation.{kind}" for kind in ("csv", "md")}
    write_tables(make_tables(table_inputs(experiment, root), table_settings(experiment)), formats)
    put(moved("aurl", by=9.0, text=moved("ls", by=9.0, text=steady())))
    METRICS.write_text(steady())
    for command in ("summary", "compare"):
        _, lines, error = aurl(command)
        assert error in ("", "1")
        assert max(map(len, lines)) <= 80
        assert sum(line.count("x") for line in lines if set("".join(line.split()[:1])) == {"x"}) >= 100
    assert "Third" in " ".join(aurl("summary")[1])


def test_an_unfinished_run_is_not_saved(aurl) -> None:  # type: ignore[no-untyped-def]
    status, lines, error = aurl("compare", "--save")
    assert (status, lines) == (1, [])
    assert "not made yet, or with other parameters than params.yaml's; run 'snakemake'" in error
    assert not REFERENCE.exists()


def test_the_model_of_the_cpu(tmp_path: Path) -> None:
    listed = tmp_path / "cpuinfo"
    listed.write_text("processor\t: 0\nmodel name\t: A CPU @ 2.0: GHz\nprocessor\t: 1\nmodel name\t: Another\n")
    assert cpu_model(listed) == "A CPU @ 2.0: GHz"
    assert cpu_model(tmp_path / "none")


def test_the_shipped_reference_is_whole() -> None:
    """Its numbers are those of some run; they are not compared here."""
    from aurl.report.runs import run_of_file

    shipped = run_of_file(REPOSITORY / "docs/reference/mini/metrics.csv", "shipped")
    assert set(shipped.table["seed"]) == set(load_preset("mini").seeds)
    assert shipped.about.experiment in (None, "mini")
    with pytest.raises(AurlError, match="unreadable"):
        run_of_file(REPOSITORY / "docs/reference/micro/metrics.csv", "none")


@pytest.mark.parametrize(
    "about", sorted((REPOSITORY / "docs/reference").glob(f"*/{ABOUT}")), ids=lambda path: path.parent.name
)
def test_a_shipped_reference_has_the_parameters_of_its_preset(about: Path) -> None:
    """Otherwise a new user's run is compared with nothing."""
    jobs = Jobs(load_preset(about.parent.name))
    assert parameter_changes(read_about(about), present_about(jobs)) == []
