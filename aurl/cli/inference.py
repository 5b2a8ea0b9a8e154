"""Commands for files of your own: predict, encode, score and test."""

import sys
from pathlib import Path
from typing import Literal

import click

from aurl.cli.common import with_jobs
from aurl.experiment.settings import ComputeSettings
from aurl.pipeline.jobs import Jobs
from aurl.system.errors import AurlError


@click.command()
@click.argument("videos", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--classes", metavar="NAMES", help='Class names: "archery,horse riding".')
@click.option("--classes-file", type=click.Path(path_type=Path), help="Class names, one on each line.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="A .safetensors of 'aurl train', or:")
@click.option("--variant", help="A variant of the present experiment (default: report.proposed).")
@click.option("--seed", type=int, help="A seed of the present experiment (default: its first).")
@click.option("--vectors", type=click.Path(path_type=Path), help="Word vectors (default: the experiment's).")
@click.option("--tokens", type=click.Choice(["words", "lemmas"]), help="How names become words (docs/tokens.md).")
@click.option("--clips", type=click.IntRange(1), default=1, show_default=True, help="Clips of a video to average.")
@click.option("--size", type=click.IntRange(16, 512), help="Frame size, for imported weights (112).")
@click.option("--top", type=click.IntRange(1), default=5, show_default=True, help="Classes to show.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_jobs
def predict(
    jobs: Jobs, videos: tuple[Path, ...], classes: str | None, classes_file: Path | None, checkpoint: Path | None,
    variant: str | None, seed: int | None, vectors: Path | None, tokens: str | None, clips: int, size: int | None,
    top: int, as_json: bool,
) -> None:  # fmt: skip
    """Say which of any class names fit VIDEOS best; exit status 1 if a video cannot be read."""
    from aurl.inference import predict as prediction

    names = prediction.class_names(classes, classes_file)
    chosen = prediction.choose_checkpoint(jobs.experiment, jobs.paths, checkpoint, variant, seed)
    encoder = prediction.choose_encoder(jobs.experiment.semantics.encoder, vectors)
    evaluation, frames = jobs.experiment.evaluation, jobs.experiment.frames
    if tokens is None:
        tokens = "words" if jobs.experiment.dataset(jobs.experiment.seen).tokens == "words" else "lemmas"
    answer = prediction.predict(
        list(videos), names, chosen, encoder, clips, frames, evaluation.batch_size, evaluation.compute, size, tokens
    )
    if answer.predictions or as_json:
        click.echo(prediction.as_json(answer, top) if as_json else prediction.as_text(answer, top))
    if answer.failures:
        sys.exit(1)


@click.command()
@click.option("--checkpoint", type=click.Path(path_type=Path), required=True, help="A .safetensors of 'aurl train'.")
@click.option("--clips", type=click.Path(path_type=Path), help="Clips, .npy uint8 (clips, frames, height, width, 3).")
@click.option("--vectors", type=click.Path(path_type=Path), help="Word vectors, .npy floating point (rows, dimension).")
@click.option("--output", type=click.Path(path_type=Path), required=True, help="An .npz: video, word.")
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
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--test-set", required=True, help="ucf101, hmdb51, activitynet200, olympic_sports16 or kinetics600.")
@click.option("--protocol", "protocols", multiple=True, metavar="NAME", help="Only this one (docs/protocols.md).")
@click.option("--against", type=click.Path(path_type=Path), help="Another score file: paired differences to it.")
@click.option("--json", "output", type=click.Path(path_type=Path), help="Write all numbers to this file.")
@click.option("--card", type=click.Path(path_type=Path), help="Write a result card (Markdown with a YAML head).")
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
@click.option("--videos", type=click.Path(path_type=Path), help="Folder of a public test set's videos.")
@click.option("--checkpoint", type=click.Path(path_type=Path), help="A .safetensors of 'aurl train', or:")
@click.option(
    "--weights", type=click.Path(path_type=Path), help="Published weights, such as AURL662_checkpoint.pth.tar."
)
@click.option("--vectors", type=click.Path(path_type=Path), help="Word vectors (default: those it was trained with).")
@click.option("--tokens", metavar="SOURCE", help="words, lemmas, or the official ones of ucf101 ... (docs/tokens.md).")
@click.option("--clips", multiple=True, type=click.IntRange(1), help="Clips of a video; may be repeated.  [default: 1]")
@click.option("--size", type=click.IntRange(16, 512), help="Frame size, where the file does not say it (112).")
@click.option("--clip-length", type=click.IntRange(1), help="Frames of a clip, where the file does not say it (16).")
@click.option("--protocol", "protocols", multiple=True, metavar="NAME", help="Only this one (docs/protocols.md).")
@click.option("--out", "folder", type=click.Path(path_type=Path), help="Write tables, embeddings, confusion picture.")
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
        target, videos, checkpoint, weights, vectors, tokens, clips, size, clip_length, protocols, folder, as_json,
        batch_size, workers, compute,
    ))  # fmt: skip


@click.command()
@click.argument("seen")
@click.argument("unseen")
@click.option("--tau", type=float, default=0.05, show_default=True, help="Distance below which classes are alike.")
@click.option("--vectors", type=click.Path(path_type=Path), help="Word vectors; without them tau is not applied.")
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

    click.echo(run_overlap(seen, unseen, tau, vectors, dimension, context.obj, as_json))
