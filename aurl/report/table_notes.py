"""Write the notes that every table of results has: setting, seeds, datasets, imported weights, missing data."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from aurl.datasets.same_files import list_same, same_files
from aurl.datasets.table import USABLE, iterate_table
from aurl.evaluation.labels import counted, test_set_labels
from aurl.experiment.external import OWN_TRACK
from aurl.experiment.settings import DatasetSettings, ExternalSettings, ReportSettings
from aurl.frames.store import frames_left_out
from aurl.report.evaluate_only import describe_evaluate_only
from aurl.report.results import Results
from aurl.report.tables.base import TableInputs, TableSettings
from aurl.semantics.classes import equal_classes, list_equal, read_embeddings, read_seen_table
from aurl.semantics.tokens import FROM_NAMES, read_token_table
from aurl.system.shipped import TOKEN_TABLE

MOST_NAMED = 5  # videos in a note
NOT_PAPER = (
    "This is not the paper's setting. The published values are shown for orientation; differences are not shown."
)
NO_FRAMES = "no-frames"  # stands for the status of a video that could not be extracted


def setting_notes(inputs: TableInputs, settings: TableSettings, results: Results, labels: Mapping[str, str]
                  ) -> list[str]:  # fmt: skip
    """Write the notes of an experiment. Raises: AurlError for a damaged file."""
    notes = describe_setting(results, inputs.seen_classes, settings.tau, settings.report)
    notes += [
        f"{labels[name]}: not trained here, but imported from {Path(weights.file).name} (SHA-256 {weights.sha256[:12]})."
        for name, weights in settings.imported.items()
    ]
    notes += describe_outside(settings.external, labels)
    test_sets = test_set_labels(settings.report)
    for name, manifest in inputs.manifests.items():
        shown = name if test_sets.get(name, name) == name else f"{name} ({test_sets[name]})"
        tested = f"; {describe_tested(results, name)}" if name in settings.unseen else ""
        embeddings = inputs.embeddings.get(name)
        described = describe_dataset(shown, settings.datasets[name], manifest, embeddings, inputs.frames.get(name))
        notes.append(f"{described}{tested}.")
    notes += describe_evaluate_only(inputs, settings)
    if inputs.absent:
        notes.append(describe_absent(inputs.absent))
    return [*notes, *describe_same(inputs.manifests, settings.datasets)]


def describe_setting(results: Results, seen_classes: Path | None, tau: float, report: ReportSettings) -> list[str]:
    """Describe the setting, the seeds, and how many classes the strict-label filter keeps where it was applied."""
    notes = [report.setting]
    if not report.paper_setting:
        notes.append(NOT_PAPER)
    if not results.seeds:
        return [*notes, "Nothing was measured."]
    seeds = "1 seed; no standard deviation"
    if results.seeds > 1:
        seeds = f"{results.seeds} seeds; ± is the standard deviation over seeds"
    if seen_classes is None:
        return [*notes, f"{seeds}."]
    filtered = read_seen_table(seen_classes)
    kept = f"Strict labels with tau {tau:g} keep {int(filtered['kept'].sum())} of {len(filtered)} seen classes."
    return [*notes, f"{seeds}. {kept}"]


def describe_outside(external: Mapping[str, ExternalSettings], labels: Mapping[str, str]) -> list[str]:
    """Describe the rows from outside: their files, their tracks, and what they do not compare with."""
    notes = []
    for name in (name for name in labels if name in external):
        row = external[name]
        files = ", ".join(
            f"{Path(file.file).name} for {key} (SHA-256 {file.sha256[:12]})" for key, file in row.files.items()
        )
        notes.append(
            f"{row.label}: from outside, by scores that were made elsewhere: {files}. Track: {row.track};"
            f" {counted(row.clips, 'clip')} a video. It is one result without seeds, so it has no standard deviation."
        )
    others = {row.track for row in external.values()} - {OWN_TRACK}
    if others:
        notes.append(
            f"Rows of different tracks do not compare: they may use what the others must not ({OWN_TRACK}: the names of"
            " the test classes alone and only to score, nothing else of the test sets; open vocabulary: image-text"
            " pre-training, which may hold the test classes; transductive: test videos without labels)."
        )
    return notes


def describe_dataset(
    name: str, settings: DatasetSettings, manifest: Path, embeddings: Path | None, frames: Path | None = None
) -> str:
    """Count a dataset's usable and partial videos and its classes; name what is left out, and equal classes."""
    left_out = frames_left_out(frames) if frames else {}
    videos = Counter(
        (row["class"], NO_FRAMES if row["path"] in left_out else row["status"]) for row in iterate_table(manifest)
    )
    used = {key: number for key, number in videos.items() if key[1] in USABLE[settings.broken]}
    names = len({class_name for class_name, _ in used})
    classes = f"{names} classes"
    if settings.tokens not in FROM_NAMES:
        official = len(read_token_table(TOKEN_TABLE, settings.tokens))
        classes = f"{names} of the {official} classes of {settings.tokens}"
    partial = sum(number for (_, status), number in used.items() if status == "partial")
    embedded = read_embeddings(embeddings) if embeddings else None
    dropped = embedded.dropped if embedded else {}
    equal = equal_classes(embedded) if embedded else []
    return (
        f"{name}: {sum(used.values())} of {videos.total()} videos usable, {classes}"
        + (f", {partial} of the videos only partly decodable" if partial else "")
        + (f"; left out, since their frames could not be extracted: {_named(sorted(left_out))}" if left_out else "")
        + ("; classes dropped for unknown words: " if dropped else "")
        + ", ".join(f"{class_name} ({' '.join(words)})" for class_name, words in dropped.items())
        + (f"; classes with equal words, of which only one can be predicted: {list_equal(equal)}" if equal else "")
    )


def _named(paths: list[str]) -> str:
    more = f" and {len(paths) - MOST_NAMED} more" if len(paths) > MOST_NAMED else ""
    return f"{len(paths)} ({', '.join(paths[:MOST_NAMED])}{more})"


def describe_tested(results: Results, name: str) -> str:
    """Count the videos and classes of a test set that were tested on."""
    counts = results.counts(name)
    return "not tested on" if counts is None else "tested on {} videos of {} classes".format(*counts)


def describe_same(manifests: Mapping[str, Path], datasets: Mapping[str, DatasetSettings]) -> list[str]:
    """Name usable videos that are the same file in two datasets or classes; no note where there is none."""
    same = same_files(manifests, {name: settings.broken for name, settings in datasets.items()})
    return [f"The same file (SHA-256) in several datasets or classes: {list_same(same)}."] if same else []


def describe_absent(absent: Mapping[str, str]) -> str:
    """List what is missing, and say which cells are empty because of it."""
    listed = "; ".join(f"{name} ({where})" for name, where in absent.items())
    return (
        f"Missing: {listed}. Cells that need it are empty. Training needs all datasets and the word vectors."
        " 'aurl fetch' and docs/datasets.md say how to get them; then run the same command again."
    )
