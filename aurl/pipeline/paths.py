"""Where everything of an experiment lies. Rules, commands and tests take their names from here."""

from pathlib import Path


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
