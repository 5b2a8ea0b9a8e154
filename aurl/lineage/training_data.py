"""Say what videos a checkpoint was trained on, from the provenance blocks beside it."""

from pathlib import Path

from aurl.lineage.blocks import block_or_none
from aurl.pipeline.paths import ResultPaths

RENDERED = "was trained on rendered videos: its answer for a real video means nothing (README.md: what you get)"
RESULTS_OF = 3  # folders between a checkpoint and the folder of results


def note_of(checkpoint: Path) -> str:
    """Warn of a checkpoint that was trained on rendered videos; empty for any other."""
    root = checkpoint.resolve().parents[RESULTS_OF - 1] if len(checkpoint.resolve().parents) > RESULTS_OF else None
    if root is None:
        return ""
    paths = ResultPaths(root.name, root.parent)
    block = block_or_none(paths.provenance(checkpoint.resolve()))
    manifest = next((path for path in block.identity.inputs if "/manifests/" in path), None) if block else None
    if manifest is None:
        return ""
    listing = block_or_none(paths.provenance(paths.of("listing", dataset=Path(manifest).stem)))
    sources = listing.identity.settings.items() if listing else ()
    rendered = any(key.endswith(".source") and value.get("render") for key, value in sources)
    return f"{checkpoint}: {RENDERED}" if rendered else ""


def is_result(video: Path) -> bool:
    """Say whether a video lies below the results of an experiment, as the rendered ones do."""
    return "results" in video.resolve().parts and "datasets" in video.resolve().parts
