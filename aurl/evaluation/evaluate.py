"""Evaluate one network on one test set: from its features to its metrics file."""

from collections.abc import Mapping
from pathlib import Path

from aurl.evaluation.feature_file import read_features
from aurl.evaluation.metrics_file import write_metrics
from aurl.evaluation.protocols.base import evaluate_all
from aurl.experiment.settings import Settings
from aurl.pipeline.jobs import Job


def evaluate(features: Path, protocols: Mapping[str, Settings], output: Path) -> None:
    """Evaluate every protocol and write the metrics file.

    Args:
        protocols: name (or dotted name) of a protocol -> its settings.
    Raises: AurlError for a damaged features file, or a protocol that gives unusable rows.
    """
    write_metrics(output, evaluate_all(read_features(features), protocols))


def run(job: Job) -> None:
    """Run the stage `evaluate`."""
    evaluate(job.inputs.features, job.settings["evaluation.protocols"], job.outputs.metrics)
