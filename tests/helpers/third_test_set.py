"""Experiments with other test sets than the presets have."""

from pathlib import Path

import yaml

from aurl.experiment.presets import preset_text


def three_test_sets(folder: Path, published: str | None = None) -> Path:
    """Write `folder/three.yaml`: the experiment micro with ActivityNet as a third test set."""
    params = yaml.safe_load(preset_text("micro"))
    params["unseen"].append("activitynet")
    params["datasets"]["activitynet"] = {
        "source": {"folder": "datasets/activitynet"}, "tokens": "activitynet200", "broken": "leave_out", "shards": 1,
    }  # fmt: skip
    params["report"]["test_sets"]["anet"] = {
        "dataset": "activitynet", "label": "ActivityNet-200", "published": published,
    }  # fmt: skip
    path = folder / "three.yaml"
    path.write_text(yaml.safe_dump(params, sort_keys=False))
    return path
