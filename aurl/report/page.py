"""Write the report: one self-contained page with every table, figure and number of an experiment.

The page holds times: those of the jobs and its own. So two runs give different bytes, unlike tables and figures.
"""

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aurl.evaluation.labels import test_set_labels, variant_labels
from aurl.experiment.settings import DatasetSettings, Experiment, ExternalSettings, MethodSettings, ReportSettings
from aurl.lineage.blocks import Block, ancestors_of
from aurl.pipeline.jobs import Job, Jobs
from aurl.report.comparable import compared
from aurl.report.costs import commits, stage_costs, versions
from aurl.report.dataset_summary import describe_manifest
from aurl.report.drawing.cost import cost_drawing
from aurl.report.drawing.style import encode
from aurl.report.facts import PageFacts, blocks_of, facts_of
from aurl.report.finding import main_finding
from aurl.report.graph import lay_out_graph, stage_nodes
from aurl.report.grid import Grid, common_notes, grid_of_table, statistics_grids
from aurl.report.headline import headline
from aurl.report.intervals import Statistics
from aurl.report.render import as_yaml, render
from aurl.report.results import Results
from aurl.report.table_notes import NOT_PAPER
from aurl.report.tables.base import Table
from aurl.report.write_tables import tables_of
from aurl.system.files import write_text
from aurl.system.text_files import rerun_hint, unreadable

MIME = {"svg": "image/svg+xml", "png": "image/png"}
COPIED = {"LaTeX": "tex", "Markdown": "md", "CSV": "csv"}
MAKING = [
    ("audit", "Audit"), ("stages", "Stages"), ("datasets", "Datasets"), ("parameters", "Parameters"),
    ("versions", "Versions and commits"),
]  # fmt: skip
LINEAGE = [("cells", "Cells"), ("sources", "Other sources"), ("jobs", "Jobs"), ("code", "Code")]


@dataclass(frozen=True)
class PageInputs:
    """The results that the page shows.

    Attributes:
        table_files: (table, extension) -> file.
        figures: the folder of figures.
        manifests, datasets: by dataset.
        blocks: the provenance blocks of the jobs.
        frames: the indexes of frames, by dataset.
        external: the rows from outside.
    """

    metrics: Path
    tables: dict[str, Table]
    table_files: dict[tuple[str, str], Path]
    figures: Path
    statistics: Path
    manifests: dict[str, Path]
    datasets: dict[str, DatasetSettings]
    blocks: list[Block]
    frames: dict[str, Path] = field(default_factory=dict)
    external: dict[str, ExternalSettings] = field(default_factory=dict)
    methods: dict[str, MethodSettings] = field(default_factory=dict)


def write_page(inputs: PageInputs, facts: PageFacts, variants: list[str], report: ReportSettings, output: Path) -> None:
    """Write the page. Raises: AurlError for a damaged input."""
    results, lineage = Results(inputs.metrics), Lineage(inputs.blocks, facts.artefacts)
    statistics = Statistics(inputs.statistics)
    labels = variant_labels(variants, report, inputs.external, inputs.methods)
    test_sets = test_set_labels(report)
    report, not_compared = compared(results, report, inputs.datasets)
    shown = [
        grid_of_table(
            name, table, lineage.cell, "sources",
            {title: inputs.table_files[name, extension].read_text() for title, extension in COPIED.items()},
        )
        for name, table in inputs.tables.items()
    ]  # fmt: skip
    tables, notes = common_notes(shown, [report.setting, NOT_PAPER])
    grids, sentences = statistics_grids(statistics, labels, test_sets, lineage.cell)
    figures = [*read_figures(inputs.figures), cost_figure(inputs.blocks)]
    write_text(
        output,
        render_page(
            contents=contents_of(tables, bool(notes), grids, bool(sentences), figures),
            report=report,
            not_compared=not_compared,
            facts=facts,
            headline=headline(results, statistics, report, labels),
            finding=main_finding(results, statistics, variants, report, labels),
            labels=labels,
            test_sets=test_sets,
            seeds=results.seeds,
            tables=tables,
            notes=notes,
            statistics_tables=grids,
            sentences=sentences,
            figures=figures,
            lineage=lineage,
            datasets=[
                describe_manifest(name, path, inputs.datasets[name], inputs.frames.get(name))
                for name, path in inputs.manifests.items()
            ],
            versions=versions(inputs.blocks),
            commits=commits(inputs.blocks),
            costs=stage_costs(inputs.blocks),
            graph=lay_out_graph(stage_nodes(facts.stages, lineage.by_stage()), facts.edges),
            params=as_yaml(facts.params),
        ),
    )  # fmt: skip


def render_page(**values: Any) -> str:
    """Fill the page's template; every value is escaped."""
    return render("page.html.j2", **values)


def contents_of(
    tables: list[Grid], notes: bool, statistics: list[Grid], conclusions: bool, figures: list["Figure"]
) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """List the sections of the page, (id, title, parts), each part with its id and title."""
    shown = [(f"table-{table.name}", table.title) for table in tables] + [("notes", "Notes")] * notes
    tested = [(f"table-{table.name}", table.title) for table in statistics]
    return [
        ("finding", "Finding", []),
        ("tables", "Tables", shown),
        ("statistics", "Statistics", tested + [("conclusions", "What can be concluded")] * conclusions),
        ("figures", "Figures", [(f"figure-{figure.name}", figure.title) for figure in figures]),
        ("making", "How it was made", MAKING),
        ("lineage", "Lineage", LINEAGE),
    ]


class Lineage:
    """Map results to their anchors in the page's lineage section."""

    def __init__(self, blocks: list[Block], artefacts: Mapping[tuple[str, str], list[str]]) -> None:
        self.cells = {cell: ancestors_of(paths, blocks) for cell, paths in artefacts.items()}
        self.shards = sum(block.stage == "frames" for block in blocks)  # the frames index lists them with digests
        self.jobs = [block for block in blocks if block.stage != "frames"]
        self._job = {path: f"job-{number}" for number, block in enumerate(self.jobs) for path in block.outputs}
        codes = {self._code_key(block): block for block in blocks}
        self.codes = {f"code-{number}": block for number, block in enumerate(codes.values())}
        self._code = dict(zip(codes, self.codes, strict=True))
        tables = next((block for block in blocks if block.stage == "tables"), None)
        inputs = tables.identity.inputs if tables else {}
        self.sources = {path: digest for path, digest in inputs.items() if path not in self._job}

    def cell(self, origin: tuple[str, str]) -> str | None:
        """Return the id of a cell's lineage, or None for a cell without one."""
        return f"cell-{origin[0]}-{origin[1]}" if origin in self.cells else None

    def job(self, path: str) -> str | None:
        """Return the id of the job that wrote an artefact, or None for a file from outside."""
        return self._job.get(path)

    def job_of_stage(self, stage: str) -> str | None:
        """Return the id of a stage's first job, or None without one."""
        return next((self.job(path) for block in self.jobs if block.stage == stage for path in block.outputs), None)

    def code(self, block: Block) -> str:
        """Return the id of the code and versions that a job ran with."""
        return self._code[self._code_key(block)]

    def chain(self, cell: tuple[str, str]) -> list[tuple[Block, str, str]]:
        """List (block, artefact, SHA-256) of everything that a cell was computed from, without shards of frames."""
        return [
            (block, path, digest)
            for block in self.cells[cell]
            if block.stage != "frames"
            for path, digest in block.outputs.items()
        ]

    def by_stage(self) -> dict[str, list[Block]]:
        """Group the jobs by stage, without shards of frames."""
        stages: dict[str, list[Block]] = {}
        for block in self.jobs:
            stages.setdefault(block.stage, []).append(block)
        return stages

    @staticmethod
    def _code_key(block: Block) -> str:
        return json.dumps([block.stage, block.identity.code, block.identity.packages], sort_keys=True)


@dataclass(frozen=True)
class Figure:
    """A figure with its picture as a data URI, and the path of its file."""

    name: str
    path: str
    title: str
    caption: str
    alt: str
    uri: str
    format: str


def read_figures(folder: Path) -> list[Figure]:
    """Read the figures that `index.json` lists, each in the format it names.

    Raises: AurlError if the index is damaged.
    """
    index = folder / "index.json"
    try:
        figures = []
        for entry in json.loads(index.read_text()):
            if not re.fullmatch(r"\w+", entry["name"]) or entry["embed"] not in MIME:
                raise ValueError(f"no figure is named or embedded like {entry['name']}.{entry['embed']}")
            path = folder / f"{entry['name']}.{entry['embed']}"
            uri = picture(path.read_bytes(), entry["embed"])
            title, caption, alt = (entry[key] for key in ("title", "caption", "alt"))
            figures.append(Figure(entry["name"], path.as_posix(), title, caption, alt, uri, entry["embed"]))
    except (ValueError, KeyError, TypeError) as error:
        raise unreadable(index, error, rerun_hint(index)) from None
    return figures


def cost_figure(blocks: list[Block]) -> Figure:
    """Draw time and memory of every stage. Only the page has this figure, because it differs from run to run."""
    drawing = cost_drawing(blocks)
    svg = encode(drawing.figure, ["svg"])["svg"]
    return Figure(drawing.name, "", drawing.title, drawing.caption, drawing.alt, picture(svg, "svg"), "svg")


def picture(content: bytes, form: str) -> str:
    """Encode an image, `svg` or `png`, as a data URI."""
    return f"data:{MIME[form]};base64,{base64.b64encode(content).decode()}"


def run(job: Job) -> None:
    """Run the stage `report`."""
    jobs = Jobs(Experiment.model_validate(job.experiment))
    blocks, tables = blocks_of(jobs), {(path.stem, path.suffix[1:]): path for path in job.inputs.tables.values()}
    inputs = PageInputs(
        metrics=job.inputs.metrics,
        tables=tables_of(job),
        table_files=tables,
        figures=job.inputs.figures["figures_index"].parent,
        statistics=job.inputs.statistics,
        manifests=job.inputs.manifests,
        datasets=job.settings["datasets"],
        blocks=blocks,
        frames=job.inputs.frames,
        external=job.settings["external"],
        methods=job.settings["methods"],
    )
    write_page(inputs, facts_of(jobs, blocks), job.settings["evaluated"], job.settings["report"], job.outputs.report)
