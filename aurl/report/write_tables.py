"""Make and write the tables: ours (mean, standard deviation over seeds, interval), published, and the difference.

A cell that was not published or not measured stays empty. Differences are shown only in the paper's setting.
"""

from dataclasses import replace
from pathlib import Path

from aurl.evaluation.labels import variant_labels
from aurl.evaluation.published import check_test_set
from aurl.pipeline.jobs import Job
from aurl.pipeline.outputs import TABLES, table_names
from aurl.report.comparable import compared
from aurl.report.intervals import Statistics
from aurl.report.results import Results
from aurl.report.table_formats import FORMATS
from aurl.report.table_notes import describe_same, setting_notes
from aurl.report.tables.base import Sources, Table, TableInputs, TableSettings
from aurl.system import plugins
from aurl.system.files import replacing
from aurl.system.progress import log


def row_labels(settings: TableSettings) -> dict[str, str]:
    """Label every row that is measured here."""
    return variant_labels(settings.variants, settings.report, settings.external, settings.methods)


def read_sources(inputs: TableInputs, settings: TableSettings) -> Sources:
    """Read what all tables share. Raises: AurlError for a damaged file, or a test set that nobody published."""
    for test_set in settings.report.test_sets.values():
        if test_set.published is not None:
            check_test_set(test_set.published)
    results, labels = Results(inputs.metrics), row_labels(settings)
    notes = setting_notes(inputs, settings, results, labels)
    report, reason = compared(results, settings.report, settings.datasets)
    if reason is not None:
        notes.append(reason)
    return Sources(inputs, replace(settings, report=report), results, Statistics(inputs.statistics), labels, notes)


def make_table(name: str, sources: Sources) -> Table:
    """Make one table; a name with a dot is a module from outside. Raises: AurlError."""
    part = plugins.load(TABLES, name)
    table: Table = part.make_table(sources)
    return replace(table, title=part.TITLE)


def make_tables(inputs: TableInputs, settings: TableSettings) -> dict[str, Table]:
    """Make every table of the folder. Raises: AurlError for a damaged file."""
    sources = read_sources(inputs, settings)
    return {name: make_table(name, sources) for name in table_names()}


def write_tables(tables: dict[str, Table], files: dict[tuple[str, str], Path]) -> None:
    """Write every table in every format, all or none; `files` maps (table, extension) to a path."""
    with replacing(*files.values()) as temporaries:
        for (name, extension), temporary in zip(files, temporaries, strict=True):
            temporary.write_text(FORMATS[extension](tables[name]))


def tables_of(job: Job) -> dict[str, Table]:
    """Make the tables from the inputs of the stages `tables` and `report`."""
    settings, inputs = job.settings, job.inputs
    files = TableInputs(
        inputs.metrics, inputs.statistics, next(iter(inputs.seen_classes.values()), None), inputs.manifests,
        inputs.embeddings, dict(job.missing), inputs.frames,
    )  # fmt: skip
    rows = {name: settings["variants"][name] for name in settings["evaluated"]}
    declared = TableSettings(
        settings["report"], rows, settings["imported"], settings["datasets"], settings["seen"],
        settings["unseen"], settings["semantics.tau"], settings["external"], settings["methods"],
    )  # fmt: skip
    return make_tables(files, declared)


def run(job: Job) -> None:
    """Run the stage `tables`."""
    settings = job.settings["datasets"]
    for note in describe_same(job.inputs.manifests, settings):
        log(note)
    write_tables(tables_of(job), {(path.stem, path.suffix[1:]): path for path in job.made})
