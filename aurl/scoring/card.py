"""Write a result card: Markdown with a YAML head in the form of Hugging Face's model cards.

Source of the form: https://huggingface.co/docs/hub/model-cards (`model-index`).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from aurl.experiment.external import TRACKS
from aurl.scoring.result import Result, Row
from aurl.scoring.show import as_text

NOT_STATED = "not stated"
TO_STATE = {
    "track": f"{', '.join(TRACKS[:-1])}, or {TRACKS[-1]}",
    "pretraining_videos": "data that the video side was trained on",
    "pretraining_text": "data that the text side was trained on",
    "overlap": "seen classes that are also test classes, by name and by tau",
    "words": "what stands for a class: name, prompts, descriptions",
    "clips": "clips of a video, frames of a clip, size of a frame",
    "seeds": "seeds of the trainings that are averaged",
    "ran_by": "who ran it",
}


def card(result: Result, sha256: str, overlap: Mapping[str, Any] | None = None) -> str:
    """Write the card of a result.

    Args:
        sha256: of the file with the scores.
        overlap: what seen and test classes share, as `aurl.overlap.report.card_facts` gives it.
    """
    stated = {"overlap": _overlap(overlap)} if overlap else {}
    facts = {
        "scores": {"file": Path(result.origin).name, "sha256": sha256},
        "test_set": {"name": result.test_set, "digest": result.test_set_digest, "videos": result.videos,
                     "videos_identified": result.identified},
        **dict.fromkeys(TO_STATE, NOT_STATED),
        **({"overlap": dict(overlap)} if overlap else {}),
    }  # fmt: skip
    name = Path(result.origin).stem
    head = {
        "tags": ["zero-shot-video-classification"],
        "model-index": [{"name": name, "results": [_entry(result, row) for row in result.rows]}],
        "aurl": facts,
    }
    lines = [
        f"# {name} on {result.test_set_label}",
        "",
        "```text",
        as_text(result),
        "```",
        "",
        *(f"- **{key}**: {stated.get(key, NOT_STATED)} ({meaning})" for key, meaning in TO_STATE.items()),
    ]
    text = yaml.safe_dump(head, sort_keys=False, allow_unicode=True, width=120)
    return f"---\n{text}---\n\n" + "\n".join(lines) + "\n"


def _overlap(facts: Mapping[str, Any]) -> str:
    """Say in a sentence what seen and test classes share."""
    seen, by_name, by_tau = facts["seen"], facts["by_name"], facts["by_tau"]
    unknown = facts["not_compared_by_tau"]
    unless = f" ({unknown} classes have words that the vectors do not know)" if unknown else ""
    return (
        f"of the test classes {len(by_name)} have the name of one of the {seen['classes']} seen classes of"
        f" {seen['origin']}, {len(by_tau)} are nearer than tau {facts['tau']:g} to one{unless}, and"
        f" {facts['test_classes_like_no_seen_class']} are like none"
    )


def _entry(result: Result, row: Row) -> dict[str, Any]:
    """Describe one protocol as an entry of `model-index`."""
    values = {"top-1": row.top1, "top-5": row.top5, "class mean": row.class_top1}
    metrics = [{"type": "accuracy", "name": name, "value": round(value, 6)}
               for name, value in values.items() if value is not None]  # fmt: skip
    for metric in metrics[:1]:
        if row.top1_std is not None:
            metric["standard_deviation"] = round(row.top1_std, 6)
        else:
            metric["interval"] = [round(end, 6) for end in row.intervals["top1"]]
    return {
        "task": {"type": "video-classification", "name": "Zero-shot video classification"},
        "dataset": {
            "type": result.test_set,
            "name": result.test_set_label,
            "split": f"{row.protocol}, {row.runs} run{'s' if row.runs > 1 else ''} of {row.classes} classes",
            "revision": row.digest,
        },
        "metrics": metrics,
    }
