"""Where everything of an experiment lies. Rules, commands and tests take their names from here."""

import os
import re
from pathlib import Path

from aurl.config import SourceSettings
from aurl.errors import AurlError

TOKEN_TABLE = Path("data/class_tokens.csv")
VERB_LEMMAS = Path("data/wordnet/verb_lemmas.txt")
VERB_EXCEPTIONS = Path("data/wordnet/verb.exc")
PUBLISHED = Path("data/published_results.csv")
TYPICAL_VIDEOS = Path("data/typical_videos.csv")
TEST_SPLITS = Path("data/test_splits.csv")
PREDICTIONS = {name: Path(f"data/authors_predictions_{name}.csv") for name in ("ucf101", "hmdb51")}
SOURCES = Path("data/sources.yaml")
DEFAULT_VARIABLES = {"AURL_REALVIDEO": "../shared/realvideo"}


class ResultPaths:
    """The files of one experiment; `{dataset}`, `{variant}`, `{seed}`, `{shard}` may be Snakemake wildcards."""

    def __init__(self, experiment: str, results: str | Path = "results") -> None:
        self.root = Path(results) / experiment

    def dataset(self, dataset: str) -> Path:
        """Folder of a dataset's videos, where the experiment holds them itself (rendered or versioned)."""
        return self.root / "datasets" / dataset

    def files(self, dataset: str) -> Path:
        """Every video file of the dataset with its class, size and SHA-256."""
        return self.root / "datasets" / f"{dataset}.csv"

    def manifest(self, dataset: str) -> Path:
        return self.root / "manifests" / f"{dataset}.csv"

    def shard(self, dataset: str, shard: str | int) -> Path:
        """Packed JPEG frames of one shard; `shard_index` says where each frame lies in it."""
        return self.root / "frames" / dataset / "shards" / f"{shard}.jpegs"

    def shard_index(self, dataset: str, shard: str | int) -> Path:
        return self.root / "frames" / dataset / "shards" / f"{shard}.safetensors"

    def frames_index(self, dataset: str) -> Path:
        return self.root / "frames" / dataset / "index.json"

    def embeddings(self, dataset: str) -> Path:
        return self.root / "embeddings" / f"{dataset}.safetensors"

    def seen_classes(self) -> Path:
        return self.root / "seen_classes.csv"

    def checkpoint(self, variant: str, seed: str | int) -> Path:
        return self.root / "checkpoints" / variant / f"seed{seed}.safetensors"

    def checkpoint_description(self, variant: str, seed: str | int) -> Path:
        return self.root / "checkpoints" / variant / f"seed{seed}.json"

    def steps(self, variant: str, seed: str | int) -> Path:
        """Loss, its parts, rate and training accuracy of every step."""
        return self.root / "checkpoints" / variant / f"seed{seed}.steps.csv"

    def resume(self, variant: str, seed: str | int) -> Path:
        """State of an unfinished training; no output, never recorded."""
        return self.root / "resume" / variant / f"seed{seed}.safetensors"

    def features(self, variant: str, seed: str | int, dataset: str) -> Path:
        return self.root / "features" / variant / f"seed{seed}" / f"{dataset}.safetensors"

    def metrics(self, variant: str, seed: str | int, dataset: str) -> Path:
        return self.root / "metrics" / variant / f"seed{seed}" / f"{dataset}.json"

    def metrics_csv(self) -> Path:
        return self.root / "metrics.csv"

    def statistics(self) -> Path:
        return self.root / "statistics.json"

    def table(self, table: str, extension: str) -> Path:
        return self.root / "tables" / f"{table}.{extension}"

    def figure(self, figure: str, extension: str) -> Path:
        return self.root / "figures" / f"{figure}.{extension}"

    def figures_index(self) -> Path:
        """What a page shows of the figures: names, captions, alternative texts."""
        return self.root / "figures" / "index.json"

    def report(self) -> Path:
        """The page that shows everything of the experiment."""
        return self.root / "report.html"

    def provenance(self, artefact: Path) -> Path:
        """The provenance block of an artefact: the same path below `provenance/`.

        Apart from the artefacts, so that a folder of artefacts can be a DVC dependency: a block holds times.
        """
        relative = artefact.relative_to(self.root)
        return self.root / "provenance" / relative.with_name(relative.name + ".json")

    def log(self, artefact: Path) -> Path:
        """What the stage that makes an artefact printed."""
        relative = artefact.relative_to(self.root)
        return self.root / "logs" / relative.with_name(relative.name + ".log")


def source_folder(folder: str) -> Path:
    """A dataset's own folder (or a file); `$NAME` at its start is an environment variable: no paths in parameters.

    Raises: AurlError if the variable is not set and has no default.
    """
    match = re.match(r"\$([A-Z_]+)", folder)
    if match is None:
        return Path(folder)
    value = os.environ.get(match[1], DEFAULT_VARIABLES.get(match[1]))
    if value is None:
        raise AurlError(
            f"the environment variable {match[1]} in the folder '{folder}' is not set; set it to the dataset's place"
        )
    return Path(value + folder[match.end() :])


def snakemake_path(path: Path) -> Path:
    """The path, as an input of a rule. Raises: AurlError if Snakemake would read it as something else."""
    found = re.search(r"<[a-z][a-z0-9_]*>|[{}]", str(path))
    if found:
        raise AurlError(f"{path}: Snakemake takes '{found[0]}' in a name for a variable of its own; rename the folder")
    if not str(path).isprintable():
        raise AurlError(
            f"{str(path)!a}: the name contains a line break or another character that cannot be printed; rename it"
        )
    return path


def video_folder(source: SourceSettings, held: Path) -> Path:
    """The folder that a dataset's relative paths start from.

    Args:
        held: the dataset's folder inside the results, for rendered or versioned videos.
    """
    if source.folder is None or source.versioned:
        return held
    return source_folder(source.folder)
