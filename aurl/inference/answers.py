"""Write predictions for a terminal, as csv and as JSON."""

import csv
import io
import json
from collections.abc import Iterator

from aurl.inference.predict import Answer, Prediction
from aurl.system.terminal import narrow_table

HEAD = ("rank", "class", "cosine", "margin")


def ranked(prediction: Prediction, top: int) -> Iterator[tuple[int, str, float, float | None]]:
    """Yield rank, class, cosine and margin: by how much the cosine is above the next class's; None for the last."""
    following = [cosine for _, cosine in prediction.ranking[1:]] + [None]
    for rank, ((name, cosine), after) in enumerate(zip(prediction.ranking, following, strict=True), start=1):
        if rank > top:
            return
        yield rank, name, cosine, None if after is None else cosine - after


def as_text(answer: Answer, top: int) -> str:
    """Write the best classes of every video as a table below its path."""
    return "\n\n".join(f"{each.video}\n{_table(each, top)}" for each in answer.predictions)


def as_csv(answer: Answer, top: int) -> str:
    """Write a row for each video and each of its best classes; a video without an answer has its reason alone."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["video", *HEAD, "failure"])
    for prediction in answer.predictions:
        for rank, name, cosine, margin in ranked(prediction, top):
            writer.writerow([prediction.video, rank, name, f"{cosine:.6f}", _six(margin), ""])
    writer.writerows([video, "", "", "", "", reason] for video, reason in answer.failures.items())
    return stream.getvalue().rstrip("\n")


def as_json(answer: Answer, top: int, note: str = "") -> str:
    """Write the best classes of every video, and why others have none.

    Args:
        note: what a reader must know of the checkpoint.
    """
    predictions = [
        {
            "video": str(prediction.video),
            "classes": [
                {"class": name, "cosine": round(cosine, 6), "margin": None if margin is None else round(margin, 6)}
                for _, name, cosine, margin in ranked(prediction, top)
            ],
        }
        for prediction in answer.predictions
    ]
    failures = [{"video": str(video), "reason": reason} for video, reason in answer.failures.items()]
    value = {"note": note} if note else {}
    return json.dumps({**value, "predictions": predictions, "failures": failures}, indent=1, ensure_ascii=False)


def _table(prediction: Prediction, top: int) -> str:
    rows = [
        (str(rank), name, f"{cosine:.3f}", "" if margin is None else f"{margin:.3f}")
        for rank, name, cosine, margin in ranked(prediction, top)
    ]
    return narrow_table(HEAD, rows, left=("class",))


def _six(value: float | None) -> str:
    return "" if value is None else f"{value:.6f}"
