"""Tables and metrics.csv from hand-made metrics."""

import csv
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from table_sources import no_statistics

from aurl.evaluation import schema
from aurl.evaluation.collect import collect_metrics
from aurl.evaluation.labels import variant_labels
from aurl.evaluation.published import read_published
from aurl.experiment.presets import load_preset
from aurl.report.best import best_rows, measured, published
from aurl.report.comparable import compared, incomplete_test_sets
from aurl.report.finding import main_finding
from aurl.report.intervals import Interval, Statistics
from aurl.report.results import Measured, Results
from aurl.report.table_formats import as_latex, as_markdown
from aurl.report.tables import ablation, sota
from aurl.report.tables.base import Cell, Sources, Table, TableInputs, TableSettings
from aurl.report.write_tables import write_tables
from aurl.system.errors import AurlError

REPOSITORY = Path(__file__).resolve().parents[2]
AUTHORS = {"ucf101": 44.0, "hmdb51": 27.0}
HEADER = (
    "variant,seed,dataset,clips,splits,top1,top1_std,top5,class_top1,closeness,dispersion,videos,classes,hub_skewness"
)


@pytest.fixture(autouse=True)
def in_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    """Two variants, three seeds: top-1 is 40, 41, 45 (mean 42, std 2.6458) for aurl, 10 less for mse."""
    files = {}
    for variant, offset in (("aurl", 0), ("mse", -10)):
        for seed, top1 in enumerate((40.0, 41.0, 45.0)):
            for dataset in ("micro_ucf", "micro_hmdb"):
                cell = {
                    "top5": 80.0,
                    "class_top1": 39.0,
                    "closeness": 0.3,
                    "dispersion": 0.25,
                    "videos": 14.0,
                    "classes": 7,
                }
                protocols = {
                    f"splits{splits}": {"top1": top1 + offset, **cell, **({} if splits == 1 else {"top1_std": 1.5})}
                    for splits in (1, 3, 10, 50)
                }
                path = tmp_path / f"{variant}{seed}{dataset}.json"
                path.write_text(json.dumps({"clips1": protocols, "clips3": protocols}))
                files[variant, seed, dataset] = path
    collect_metrics(dict(reversed(files.items())), tmp_path / "metrics.csv")
    return tmp_path / "metrics.csv"


def statistics(folder: Path) -> Statistics:
    """Intervals for aurl alone, and one comparison on each test set and on one that is in no table."""
    interval = {"mean": 42.0, "std": 2.6, "low": 35.04, "high": 47.06, "fixed_low": 38.5, "fixed_high": 46.25}
    tested = {"clips1": {"top1": interval}, "clips3": {"top1": {**interval, "low": 30.0}}, "videos": 14, "classes": 7}
    comparison = {
        "variant": "aurl", "against": "mse", "clips": 1, "difference": 10.04, "low": -1.25, "high": 14.0, "p": 0.2,
        "p_corrected": 0.4, "test": "a test", "seeds": 3, "sentence": "3 seeds: nothing is certain.",
    }  # fmt: skip
    content = {
        "confidence": 0.9, "resamples": 500, "seed": 0, "seeds": [0, 1, 2],
        "variants": {"aurl": {"micro_ucf": tested}},
        "paired": [{**comparison, "dataset": dataset} for dataset in ("micro_ucf", "micro_hmdb", "elsewhere")],
        "order": [],
    }  # fmt: skip
    (folder / "statistics.json").write_text(json.dumps(content))
    return Statistics(folder / "statistics.json")


def tables(metrics: Path, paper: bool) -> dict[str, Table]:
    experiment = load_preset("micro")
    report = experiment.report.model_copy(update={"paper_setting": paper})
    variants = {name: experiment.variants[name] for name in ("mse", "aurl")}
    settings = TableSettings(
        report, variants, {}, experiment.datasets, experiment.seen, experiment.unseen, experiment.semantics.tau
    )
    sources = Sources(
        TableInputs(metrics, metrics.with_name("statistics.json"), None, {}, {}, {}), settings, Results(metrics),
        statistics(metrics.parent), variant_labels(variants, report), ["a note with 5 % & <tags>"],
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ablation, "authors_top1", lambda report: AUTHORS)
        return {"ablation": ablation.make_table(sources), "sota": sota.make_table(sources)}


def test_metrics_csv_is_the_contract(metrics: Path) -> None:
    lines = metrics.read_text().splitlines()
    assert lines[0] == HEADER == ",".join(schema.KEY_NAMES + schema.value_names())
    assert lines[1] == "aurl,0,micro_hmdb,1,1,40.000000,,80.000000,39.000000,0.300000,0.250000,14.000000,7,"
    assert lines[2] == "aurl,0,micro_hmdb,1,3,40.000000,1.500000,80.000000,39.000000,0.300000,0.250000,14.000000,7,"
    keys = [
        (row["variant"], int(row["seed"]), row["dataset"], int(row["clips"]), int(row["splits"]))
        for row in csv.DictReader(io.StringIO(metrics.read_text()))
    ]
    assert keys == sorted(keys)
    assert len(keys) == 2 * 3 * 2 * 2 * 4


def test_ablation_has_the_papers_rows_and_our_mean_and_spread(metrics: Path) -> None:
    shown = tables(metrics, paper=True)["ablation"].display().set_index("Method")
    authors = "AURL, the authors' predictions"
    assert list(shown.index) == ["Base w/ MSE", "Base w/ L_S", "Base w/ L_S + e2e", "AURL", authors, "AURL w/o CG"]
    assert shown.loc[authors, ["UCF-like top-1", "HMDB-like top-1", "Closeness (UCF-like)"]].tolist() == [
        "44.0 (paper 44.4, -0.4 here)", "27.0 (paper 27.4, -0.4 here)", "(paper 0.29)",
    ]  # fmt: skip
    aurl = shown.loc["AURL"]
    assert aurl["UCF-like top-1"] == "42.0 ± 2.6 [35.0, 47.1] (paper 44.4, -2.4 here)"
    assert aurl["HMDB-like top-1"] == "42.0 ± 2.6 (paper 27.4, +14.6 here)", "no interval for this test set"
    assert aurl["Closeness (UCF-like)"] == "0.30 ± 0.00 (paper 0.29, +0.01 here)"
    assert (aurl[["L_S", "e2e", "L_US", "CG"]] == "✓").all()
    assert (shown.loc["Base w/ MSE", ["L_S", "e2e", "L_US", "CG"]] == "").all()
    missing = shown.loc["Base w/ L_S"]
    assert missing["UCF-like top-1"] == "(paper 40.3)"


def test_the_authors_predictions_have_no_row_in_another_setting(metrics: Path) -> None:
    """Their test sets are not those of the columns: a note says what they give."""
    table = tables(metrics, paper=False)["ablation"]
    assert not [method for method in table.text["Method"] if "predictions" in method]
    (note,) = (note for note in table.notes if "published a prediction" in note)
    assert "44.0 % on UCF101 and 27.0 % on HMDB51" in note


def test_another_setting_shows_no_difference(metrics: Path) -> None:
    for table in tables(metrics, paper=False).values():
        assert not any("difference" in column for column in table.values())
        assert not table.display().map(lambda text: "here)" in text).any().any()


def test_sota_leaves_unknown_cells_empty(metrics: Path) -> None:
    table = tables(metrics, paper=True)["sota"]
    shown = table.display()
    assert len(shown) == len(read_published("sota")) == 17
    saoe = shown[(shown["Method"] == "SAOE") & (shown["Test splits"] == "3")].iloc[0]
    assert saoe["UCF-like top-1"] == "(paper 32.8)"
    assert saoe["HMDB-like top-1"] == ""
    ours = shown[(shown["Method"] == "AURL*") & (shown["Test splits"] == "10")].iloc[0]
    assert ours["UCF-like top-1"] == "42.0 ± 2.6 (paper 58.0, -16.0 here)", "splits overlap: no interval"
    everything = shown[(shown["Method"] == "AURL*") & (shown["Test splits"] == "1")].iloc[0]
    assert everything["UCF-like top-1"] == "42.0 ± 2.6 [30.0, 47.1] (paper 46.8, -4.8 here)"
    unstarred = shown[(shown["Method"] == "AURL") & (shown["Test splits"] == "3")].iloc[0]
    assert unstarred["UCF-like top-1"] == "(paper 60.9)", "aurl_all was not trained"
    assert any("official video lists" in note for note in table.notes)


def test_every_format_is_written(metrics: Path, tmp_path: Path) -> None:
    made = tables(metrics, paper=True)
    files = {
        (name, extension): tmp_path / f"{name}.{extension}"
        for name in made
        for extension in ("csv", "md", "tex", "html")
    }
    write_tables(made, files)
    values = pd.read_csv(files["ablation", "csv"]).set_index("Method")
    assert values.loc["AURL", "UCF-like top-1"] == 42
    assert values.loc["AURL", "UCF-like top-1 std"] == pytest.approx(2.645751)
    assert values.loc["AURL", "UCF-like top-1 difference"] == pytest.approx(-2.4)
    assert pd.isna(values.loc["Base w/ L_S", "UCF-like top-1"])
    bounds = [f"UCF-like top-1 {bound}" for bound in ("low", "high", "fixed low", "fixed high")]
    assert values.loc["AURL", bounds].tolist() == [35.04, 47.06, 38.5, 46.25]
    assert values.loc["Base w/ MSE", bounds].isna().all()
    assert not any(column.startswith("Closeness") and column.endswith("low") for column in values)
    assert "| AURL " in files["ablation", "md"].read_text()
    latex = files["ablation", "tex"].read_text()
    assert r"\textbf{42.0 $\pm$ 2.6} & \textbf{44.4} &" in latex
    assert r"Base w/ $L_{\mathrm{S}}$ + e2e &" in latex
    assert r"AURL & \checkmark & \checkmark & \checkmark & \checkmark & 0.30" in latex
    assert r"% a note with 5 \% \& $<$tags$>$" in latex.split(r"\end{table*}")[1].splitlines(), "notes stand outside"
    page = files["ablation", "html"].read_text()
    assert "5 % &amp; &lt;tags&gt;" in page
    assert "<td>42.0 ± 2.6 [35.0, 47.1] (paper 44.4, -2.4 here)</td>" in page


def test_notes_tell_what_the_intervals_and_the_comparisons_are(metrics: Path) -> None:
    made = tables(metrics, paper=True)
    for table in made.values():
        (note,) = (note for note in table.notes if note.startswith("[low, high]"))
        assert "the 90 % interval of top-1 on all classes, from 500 resamples." in note
        assert "csv also has the interval for fixed classes" in note
    head, first, second = made["ablation"].only_files
    assert "corrected for 3 comparisons" in head
    assert first == "AURL against Base w/ MSE, UCF-like: +10.0 [-1.2, +14.0], p 0.4. 3 seeds: nothing is certain."
    assert second.startswith("AURL against Base w/ MSE, HMDB-like: ")
    assert not made["sota"].only_files
    assert f"- {first}\n" in as_markdown(made["ablation"]), "files have them, too"


def test_an_interval_without_width_is_not_shown(metrics: Path) -> None:
    nothing_right = Interval(mean=0.0, std=None, low=0.0, high=0.0, fixed_low=0.0, fixed_high=0.0)
    assert Cell(Measured(0.0, None, 1), None, 1, nothing_right).text() == "0.0"
    read = statistics(metrics.parent)
    assert len(read.notes()) == 1
    read.intervals["aurl", "micro_ucf", 1] = nothing_right
    assert read.notes()[1].startswith("A value without an interval")


def test_one_seed_has_no_spread(metrics: Path) -> None:
    table = pd.read_csv(metrics)
    table[table["seed"] == 0].to_csv(metrics, index=False)
    assert tables(metrics, paper=True)["ablation"].display().set_index("Method").loc["AURL", "UCF-like top-1"] == (
        "40.0 [35.0, 47.1] (paper 44.4, -4.4 here)"
    )


def test_the_best_of_comparable_rows_stands_out(metrics: Path) -> None:
    made = tables(metrics, paper=True)
    top1, closeness = "UCF-like top-1", "Closeness (UCF-like)"
    methods = made["ablation"].text["Method"]
    assert best_rows(made["ablation"], top1, measured) == {methods.index("AURL")}, "not the authors' predictions"
    assert best_rows(made["ablation"], top1, published) == {methods.index("AURL"), methods.index("AURL") + 1}
    assert best_rows(made["ablation"], closeness, measured) == set(), "all are equal"
    assert best_rows(made["ablation"], closeness, published) == {3, 4}, "the lowest"
    splits = made["sota"].text["Test splits"]
    best = best_rows(made["sota"], top1, published)
    assert [splits[row] for row in sorted(best)] == ["1", "3", "50", "10"], "one among rows with as many splits"


LATEX_PAGE = r"""\documentclass{article}
\usepackage{booktabs,amssymb,graphicx}
\begin{document}
%s
\end{document}
"""


def columns_of(row: str) -> int:
    """The columns that a row of a LaTeX table fills."""
    spans = re.findall(r"\\multicolumn\{(\d+)\}", row)
    return row.replace(r"\&", "").count("&") + 1 + sum(map(int, spans)) - len(spans)


@pytest.mark.parametrize("paper", [False, True])
def test_latex_rows_fill_their_columns(metrics: Path, paper: bool) -> None:
    for table in tables(metrics, paper).values():
        lines = as_latex(table).splitlines()
        begin = next(line for line in lines if line.startswith(r"\begin{tabular}"))
        wanted = len(re.sub(r"p\{.*?\}\}?", "p", begin.removeprefix(r"\begin{tabular}{"))) - 1
        rows = [line for line in lines if line.endswith(r"\\")]
        assert {columns_of(row) for row in rows} == {wanted}
        assert len(rows) == len(table.text["Method"]) + 2
        rules = next(line for line in lines if line.startswith(r"\cmidrule"))
        assert int(rules.rsplit("-", 1)[1].rstrip("}")) == wanted, "the last group ends with the table"
        after = lines[lines.index(next(line for line in lines if line.startswith(r"\end{table"))) + 1 :]
        assert all(line.startswith("%") for line in after)


def test_latex_compiles(metrics: Path, tmp_path: Path) -> None:
    if shutil.which("pdflatex") is None:
        pytest.skip("no pdflatex: install it ('apt-get install texlive-latex-recommended') to compile the tables")
    made = {
        **tables(metrics, paper=True),
        **{f"{name}2": table for name, table in tables(metrics, paper=False).items()},
    }
    (tmp_path / "page.tex").write_text(LATEX_PAGE % "\n".join(map(as_latex, made.values())))
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Overfull" not in done.stdout, "no table is wider than the page"


PUBLISHED = {  # (table, method, test splits, starred): UCF101, HMDB51, closeness, dispersion, trained on, variant
    ("ablation", "Base w/ MSE", 1, False): (35.1, 21.3, 0.30, 0.09, "Kinetics", "Kinetics", "mse"),
    ("ablation", "Base w/ L_S", 1, False): (40.3, 24.2, 0.45, 0.29, "Kinetics", "Kinetics", "ls"),
    ("ablation", "Base w/ L_S + e2e", 1, False): (43.2, 26.2, 0.30, 0.29, "Kinetics", "Kinetics", "ls_e2e"),
    ("ablation", "AURL", 1, False): (44.4, 27.4, 0.29, 0.32, "Kinetics", "Kinetics", "aurl"),
    ("ablation", "AURL w/o CG", 1, False): (43.7, 25.8, 0.33, 0.32, "Kinetics", "Kinetics", "aurl_no_cg"),
    ("sota", "E2E [Brattoli 2020]", 1, True): (37.6, 26.9, None, None, "Kinetics", "Kinetics", "mse"),
    ("sota", "AURL", 1, True): (46.8, 31.7, None, None, "Kinetics", "Kinetics", "aurl"),
    ("sota", "Obj2act", 3, False): (30.3, 15.6, None, None, "", "", ""),
    ("sota", "SAOE", 3, False): (32.8, None, None, None, "", "", ""),
    ("sota", "OPCL", 3, False): (36.3, None, None, None, "", "", ""),
    ("sota", "MUFI", 3, False): (56.3, 31.0, None, None, "Kinetics+", "Kinetics+", ""),
    ("sota", "AURL", 3, False): (60.9, 40.4, None, None, "Kinetics", "Kinetics", "aurl_all"),
    ("sota", "TARN", 30, False): (23.2, 19.5, None, None, "UCF", "HMDB", ""),
    ("sota", "Act2Vec", None, False): (22.1, 23.5, None, None, "UCF", "HMDB", ""),
    ("sota", "SAOE", 10, False): (40.4, None, None, None, "", "", ""),
    ("sota", "PSGNN", 50, False): (43.0, 32.6, None, None, "UCF", "HMDB", ""),
    ("sota", "OPCL", 10, False): (47.3, None, None, None, "", "", ""),
    ("sota", "E2E [Brattoli 2020]", 10, True): (48.0, 32.7, None, None, "Kinetics", "Kinetics", "mse"),
    ("sota", "DASZL", 10, False): (48.9, None, None, None, "", "", ""),
    ("sota", "ER", 50, False): (51.8, 35.3, None, None, "UCF", "HMDB", ""),
    ("sota", "AURL", 10, True): (58.0, 39.0, None, None, "Kinetics", "Kinetics", "aurl"),
    ("sota", "ResT", 10, False): (58.7, 41.1, None, None, "Kinetics", "Kinetics", ""),
}


def test_no_published_number_and_no_source_is_lost() -> None:
    """The numbers of the file when it had one line for each row of the poster's tables."""
    read = {
        (table, row.method, row.splits, row.starred): (
            row.value("UCF101", "top1"), row.value("HMDB51", "top1"), row.value("", "closeness"),
            row.value("", "dispersion"), row.trained_on.get("UCF101", ""), row.trained_on.get("HMDB51", ""), row.variant,
        )
        for table in ("ablation", "sota")
        for row in read_published(table)
    }  # fmt: skip
    assert list(read.items()) == list(PUBLISHED.items()), "also in this order"
    with Path("data/published_results.csv").open(newline="") as handle:
        lines = list(csv.DictReader(handle))
    numbers = [value for values in PUBLISHED.values() for value in values[:4] if value is not None]
    assert len(lines) == len(numbers) == 49
    sources = {(line["method"], line["source"]) for line in lines}
    assert {source for method, source in sources if method != "ResT"} == {"poster"}
    assert ("ResT", "leaderboard of arXiv 2205.01657") in sources


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("top5", "top6"), (",3,", ",three,"), (",3,40.000000", ",3,much"), (",7,\n", ",seven,\n"), (",7,\n", ",7,,8\n"),
        ("aurl,0,micro_hmdb,1,1,", "aurl,,micro_hmdb,1,1,"), (",7,\n", "\n"), ("aurl,0", '"aurl,0'), ("aurl,0", "aurl\0,0"),
        ("aurl,0", "\n,0"), ("aurl,0", "a" * 200_000 + ",0"),
    ],
)  # fmt: skip
def test_damaged_metrics_are_refused_in_one_line(metrics: Path, old: str, new: str) -> None:
    assert Results(metrics).seeds == 3
    text = metrics.read_text()
    assert old in text
    metrics.write_text(text.replace(old, new, 1))
    refused(lambda: Results(metrics), metrics, "make it again")


@pytest.mark.parametrize(
    "content", [b"", b"\0\0\n", b"<html>\n</html>\n", bytes(range(256)) * 9, b"table,method\nsota,AURL\n"]
)
def test_files_that_are_no_results_are_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(content)
    refused(lambda: Results(path), path, "make it again")
    refused(lambda: read_published("sota", path), path, "restore it from git")


def test_damaged_published_numbers_are_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "published.csv"
    text = Path("data/published_results.csv").read_text()
    for old, new in (("37.6", "n/d"), (",poster", ""), ("starred", "stars"), ("sota,MUFI", 'sota,"MUFI')):
        assert old in text
        path.write_text(text.replace(old, new, 1))
        refused(lambda: read_published("sota", path), path, "restore it from git")
    path.write_text(text[:-3])
    refused(lambda: read_published("sota", path), path, "cut short")
    path.write_text(text + text.splitlines()[-1] + "\n")
    refused(lambda: read_published("sota", path), path, "two values of top1 on 'HMDB51'")
    path.write_text(text.replace("37.6", ""))
    refused(lambda: read_published("sota", path), path, "a line has no value")


def refused(read: Callable[[], object], path: Path, mend: str) -> None:
    with pytest.raises(AurlError) as caught:
        read()
    assert str(caught.value).startswith(f"{path}: unreadable (")
    assert mend in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_part_of_a_test_set_shows_no_difference(metrics: Path) -> None:
    experiment = load_preset("paper")
    results = pd.read_csv(metrics)
    results["dataset"] = results["dataset"].replace({"micro_ucf": "ucf101", "micro_hmdb": "hmdb51"})
    results.to_csv(metrics, index=False)
    assert incomplete_test_sets(Results(metrics), experiment.report, experiment.datasets) == [
        "ucf101 was tested on 7 of its 101 classes",
        "hmdb51 was tested on 7 of its 51 classes",
    ]
    report, reason = compared(Results(metrics), experiment.report, experiment.datasets)
    assert experiment.report.paper_setting
    assert not report.paper_setting
    assert reason == (
        "No difference is printed: ucf101 was tested on 7 of its 101 classes; hmdb51 was tested on 7 of its 51 classes."
    )
    variants, statistics = list(experiment.variants), no_statistics(metrics.parent)
    assert "Published for" not in " ".join(
        sentence.text
        for sentence in main_finding(Results(metrics), statistics, variants, report, variant_labels(variants, report))
    )
    results.loc[results["dataset"] == "ucf101", "classes"] = 101
    results.loc[results["dataset"] == "hmdb51", "classes"] = 51
    results.to_csv(metrics, index=False)
    assert incomplete_test_sets(Results(metrics), experiment.report, experiment.datasets) == []
    assert compared(Results(metrics), experiment.report, experiment.datasets) == (experiment.report, None)
