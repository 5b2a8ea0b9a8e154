"""Commands for files of your own: predict, encode, score, test and check-method."""

import sys
from pathlib import Path
from typing import Literal

import click

from aurl.cli.common import with_jobs
from aurl.cli.places import USER_PATH, user_place
from aurl.experiment.settings import ComputeSettings, EncoderSettings
from aurl.pipeline.jobs import Jobs
from aurl.system.errors import AurlError
from aurl.system.progress import log
from aurl.system.terminal import counted, wrapped


@click.command()
@click.argument("videos", nargs=-1, type=USER_PATH)
@click.option("--classes", metavar="NAMES", help='Class names: "archery,horse riding".')
@click.option("--classes-file", type=USER_PATH, help="Class names, one on each line.")
@click.option("--checkpoint", type=USER_PATH, help="A .safetensors of 'aurl train', or:")
@click.option("--variant", help="A variant of the present experiment (default: report.proposed).")
@click.option("--seed", type=int, help="A seed of the present experiment (default: its first).")
@click.option("--vectors", type=USER_PATH, help="Word vectors (default: the experiment's).")
@click.option("--tokens", type=click.Choice(["words", "lemmas"]), help="Read names in this way alone (docs/tokens.md).")
@click.option("--clips", type=click.IntRange(1), default=1, show_default=True, help="Clips of a video to average.")
@click.option("--size", type=click.IntRange(16, 512), help="Frame size, for imported weights (112).")
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="Classes to show.")
@click.option("--json", "form", flag_value="json", help="Print JSON.")
@click.option("--csv", "form", flag_value="csv", help="Print csv, a row for each video and class.")
@click.option("--overlay", type=USER_PATH, metavar="MP4", help="Write the answer onto the video (or a folder of them).")
@click.option("--list-words", is_flag=True, help="Only list the words that the vectors know.")
@with_jobs
def predict(
    jobs: Jobs, videos: tuple[Path, ...], classes: str | None, classes_file: Path | None, checkpoint: Path | None,
    variant: str | None, seed: int | None, vectors: Path | None, tokens: str | None, clips: int, size: int | None,
    top: int, form: str | None, overlay: Path | None, list_words: bool,
) -> None:  # fmt: skip
    """Say which of any class names fit VIDEOS best; exit status 1 if a video cannot be read.

    VIDEOS are files, folders of files (or of images, which are one video), or patterns such as "clips/*.mp4".
    """
    from aurl.inference import choices

    encoder = choices.choose_encoder(jobs.experiment.semantics.encoder, vectors)
    if list_words:
        _list_words(encoder)
        return
    if not videos:
        raise click.UsageError("Missing argument 'VIDEOS...'.", click.get_current_context())
    files = choices.expand_videos(videos)
    names = choices.class_names(classes, classes_file)
    chosen = choices.choose_checkpoint(jobs.experiment, jobs.paths, checkpoint, variant, seed)
    note = _note(chosen, files)
    from aurl.inference import answers  # torch takes seconds
    from aurl.inference import predict as prediction

    evaluation, frames = jobs.experiment.evaluation, jobs.experiment.frames
    usual = "words" if jobs.experiment.dataset(jobs.experiment.seen).tokens == "words" else "lemmas"
    answer = prediction.predict(
        files, names, chosen, encoder, clips, frames, evaluation.batch_size, evaluation.compute, size, tokens or usual,
        fallback=tokens is None,
    )  # fmt: skip
    if form == "json":
        click.echo(answers.as_json(answer, top, note))
    elif answer.predictions:
        click.echo(answers.as_csv(answer, top) if form == "csv" else answers.as_text(answer, top))
    if overlay is not None and answer.predictions:
        from aurl.inference.overlay import write_overlays

        for path in write_overlays(answer.predictions, overlay, frames.timeout_seconds, frames.memory_mb):
            log(f"wrote {path}")
    if answer.failures:
        log(f"{len(answer.failures)} of {counted(len(files), 'video')} could not be read")
        sys.exit(1)


def _list_words(encoder: EncoderSettings) -> None:
    """Print the known words; on a terminal several a line."""
    from aurl.inference.words import known_words

    listed = known_words(encoder)
    click.echo("\n".join(wrapped(" ".join(listed)) if sys.stdout.isatty() else listed))


def _note(checkpoint: Path, videos: list[Path]) -> str:
    """Log and return what a reader must know of a checkpoint, unless all videos are results themselves."""
    from aurl.lineage.training_data import is_result, note_of

    note = "" if all(map(is_result, videos)) else note_of(checkpoint)
    if note:
        log(f"note: {note}")
    return note


@click.command()
@click.option("--checkpoint", type=USER_PATH, required=True, help="A .safetensors of 'aurl train'.")
@click.option("--clips", type=USER_PATH, help="Clips, .npy uint8 (clips, frames, height, width, 3).")
@click.option("--vectors", type=USER_PATH, help="Word vectors, .npy floating point (rows, dimension).")
@click.option("--output", type=USER_PATH, required=True, help="An .npz: video, word.")
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True, help="Clips at a time.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), default="float32", show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of the CPU.")
def encode(
    checkpoint: Path, clips: Path | None, vectors: Path | None, output: Path, batch_size: int,
    device: Literal["auto", "cpu", "cuda"], precision: Literal["float32", "bfloat16"], threads: int,
) -> None:  # fmt: skip
    """Embed clips and word vectors of your own with a checkpoint."""
    from aurl.inference.encode import encode as encode_files

    compute = ComputeSettings(device=device, precision=precision, threads=threads)
    encode_files(checkpoint, clips, vectors, output, batch_size, compute)


@click.command()
@click.argument("file", type=USER_PATH)
@click.option("--test-set", required=True, help="ucf101, hmdb51, activitynet200, olympic_sports16 or kinetics600.")
@click.option("--protocol", "protocols", multiple=True, metavar="NAME", help="Only this one (docs/protocols.md).")
@click.option("--against", type=USER_PATH, help="Another score file: paired differences to it.")
@click.option("--json", "output", type=USER_PATH, help="Write all numbers to this file.")
@click.option("--card", type=USER_PATH, help="Write a result card (Markdown with a YAML head).")
@click.option("--seen", help="Classes that the method was trained on, for the card: as 'aurl overlap' takes them.")
@click.pass_context
def score(
    context: click.Context, file: Path, test_set: str, protocols: tuple[str, ...], against: Path | None,
    output: Path | None, card: Path | None, seen: str | None,
) -> None:  # fmt: skip
    """Test the scores or embeddings in FILE, of any method, by every protocol of a public test set.

    FILE is an .npz, .safetensors or .parquet with scores, class and video (or label), or a .csv of predictions
    (docs/scoring.md). It needs no params.yaml and no videos.
    """
    from aurl.scoring.score_files import score_files

    facts = None
    if seen is not None:
        from aurl.overlap.report import card_facts

        if card is None:
            raise AurlError("--seen is for the result card; give --card FILE too")
        facts = card_facts(seen, test_set, context.obj)
    click.echo(score_files(file, test_set, protocols, against, output, card, facts))


@click.command("test")
@click.argument("target")
@click.option("--videos", type=USER_PATH, help="Folder of a public test set's videos.")
@click.option("--checkpoint", type=USER_PATH, help="A .safetensors of 'aurl train', or:")
@click.option("--weights", type=USER_PATH, help="Published weights, such as AURL662_checkpoint.pth.tar.")
@click.option("--vectors", type=USER_PATH, help="Word vectors (default: those it was trained with).")
@click.option("--tokens", metavar="SOURCE", help="words, lemmas, or the official ones of ucf101 ... (docs/tokens.md).")
@click.option("--clips", multiple=True, type=click.IntRange(1), help="Clips of a video; may be repeated.  [default: 1]")
@click.option("--size", type=click.IntRange(16, 512), help="Frame size, where the file does not say it (112).")
@click.option("--clip-length", type=click.IntRange(1), help="Frames of a clip, where the file does not say it (16).")
@click.option("--protocol", "protocols", multiple=True, metavar="NAME", help="Only this one (docs/protocols.md).")
@click.option("--out", "folder", type=USER_PATH, help="Write tables, embeddings, confusion picture.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--batch-size", type=click.IntRange(1), default=16, show_default=True, help="Clips at a time.")
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="Processes that decode.")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--precision", type=click.Choice(["float32", "bfloat16"]), default="float32", show_default=True)
@click.option("--threads", type=click.IntRange(1), default=1, show_default=True, help="Of the CPU.")
def test_command(
    target: str, videos: Path | None, checkpoint: Path | None, weights: Path | None, vectors: Path | None,
    tokens: str | None, clips: tuple[int, ...], size: int | None, clip_length: int | None, protocols: tuple[str, ...],
    folder: Path | None, as_json: bool, batch_size: int, workers: int, device: Literal["auto", "cpu", "cuda"],
    precision: Literal["float32", "bfloat16"], threads: int,
) -> None:  # fmt: skip
    """Test a network on the videos of TARGET, without training: accuracies, classes, confusion picture.

    TARGET is a folder of class folders (videos, or folders of images), a csv of path and class, or a public test set such
    as ucf101 with --videos. It needs no params.yaml. Videos that cannot be read are named and left out.
    """
    from aurl.testing.command import run_test

    compute = ComputeSettings(device=device, precision=precision, threads=threads)
    click.echo(run_test(
        user_place(target), videos, checkpoint, weights, vectors, tokens, clips, size, clip_length, protocols, folder,
        as_json, batch_size, workers, compute,
    ))  # fmt: skip


@click.command()
@click.argument("seen")
@click.argument("unseen")
@click.option("--tau", type=float, default=0.05, show_default=True, help="Distance below which classes are alike.")
@click.option("--vectors", type=USER_PATH, help="Word vectors; without them tau is not applied.")
@click.option("--dimension", type=click.IntRange(1), default=300, show_default=True, help="Of the word vectors.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def overlap(
    context: click.Context, seen: str, unseen: str, tau: float, vectors: Path | None, dimension: int, as_json: bool
) -> None:
    """Report what the test classes and videos UNSEEN have in common with SEEN.

    Each is a public test set (or kinetics700), a file of class names, a csv with a column class (a listing, a manifest), a
    folder of class folders, or a dataset of params.yaml.
    """
    from aurl.overlap.report import run_overlap

    click.echo(run_overlap(user_place(seen), user_place(unseen), tau, vectors, dimension, context.obj, as_json))


@click.command("check-method")
@click.argument("name", metavar="METHOD")
def check_method(name: str) -> None:
    """Check a METHOD on stored features, such as my_package.my_method, against every clause of its contract.

    It is tried on a small drawn world; the first clause that it breaks ends in one line.
    """
    from aurl.fitting.check import check_method as check

    clauses = check(name)
    click.echo("\n".join([*(f"  holds: {text}" for text in clauses), f"method '{name}' keeps the contract"]))
