"""Evaluate scores or embeddings of any method by every named protocol of a public test set."""

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aurl.evaluation.named.base import Run, digest, load, protocol_names
from aurl.evaluation.test_sets import TestSet
from aurl.evaluation.test_sets import test_set as find_test_set
from aurl.scoring.geometry import geometry
from aurl.scoring.matching import Matched, match, require
from aurl.scoring.ranks import hits_of
from aurl.scoring.result import Result, make_row
from aurl.scoring.submission import Submission, from_arrays
from aurl.system.errors import AurlError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

NOT_IDENTIFIED = "Videos not identified: labels were given, and only the number of videos of each class was checked."
NOT_LISTED = "The videos of this test set are not listed here: they and their labels are as the file says."
WRONG_ORDER = 5, 0.25, 20  # times better by other names; top-1 then, at least; videos a class to say so


def evaluate(
    scores: "ArrayLike | None" = None,
    videos: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    *,
    test_set: str | TestSet,
    labels: Sequence[str] | None = None,
    protocols: Sequence[str] | None = None,
    video_embeddings: "ArrayLike | None" = None,
    class_embeddings: "ArrayLike | None" = None,
) -> Result:
    """Evaluate a method's scores, or embeddings, on a public test set.

    Args:
        scores: (n, C) numpy or torch, larger is better; or video_embeddings (n, d) and class_embeddings (C, d),
            which are compared by cosine.
        videos: n official file names, whose labels are known; or labels: n true class names.
        classes: C class names. The order of videos and classes is free.
        test_set: such as `ucf101`.
        protocols: names of `aurl.protocols(test_set)`; all that these scores can be tested by, if not given.
    Raises: AurlError for names that do not match, missing or double ones, values that are no numbers.
    """
    arrays: dict[str, Any] = {
        "scores": scores, "video_embeddings": video_embeddings, "class_embeddings": class_embeddings,
    }  # fmt: skip
    chosen = find_test_set(test_set) if isinstance(test_set, str) else test_set
    return evaluate_submission(from_arrays(videos, labels, classes, **arrays), chosen, protocols)


def evaluate_submission(submission: Submission, test_set: TestSet, protocols: Sequence[str] | None = None) -> Result:
    """Evaluate a submission. Raises: AurlError, as `evaluate`."""
    matched = match(submission, test_set)
    runs, notes = choose_runs(matched, protocols)
    require(matched, (run for of_protocol in runs.values() for run in of_protocol))
    refuse_wrong_order(matched)
    return evaluate_runs(matched, runs, notes)


def evaluate_runs(matched: Matched, runs: dict[str, list[Run]], notes: Sequence[str] = ()) -> Result:
    """Evaluate matched scores by the runs of each protocol."""
    test_set = matched.test_set
    results = hits_of(matched, [run for of_protocol in runs.values() for run in of_protocol])
    rows, hits, start = [], {}, 0
    for name, of_protocol in runs.items():
        hits[name] = results[start : start + len(of_protocol)]
        start += len(of_protocol)
        module = load(name)
        for number in module.AVERAGES or (len(of_protocol),):
            averaged = of_protocol[:number]
            rows.append(make_row(name, module.LABEL, digest(averaged, test_set), hits[name][:number], matched.labels))
    identified = matched.videos is not None
    about = [] if identified else [NOT_IDENTIFIED if test_set.videos else NOT_LISTED]
    about += [*_ties(matched), *notes]
    facts = matched.origin, test_set.name, test_set.label, test_set.digest, identified, len(matched.labels)
    return Result(*facts, rows, geometry(matched), about, hits, matched.labels, matched.keys)


def choose_runs(matched: Matched, protocols: Sequence[str] | None) -> tuple[dict[str, list[Run]], list[str]]:
    """List the runs of the chosen protocols, or of all that can be done; and why others cannot.

    Raises: AurlError for an unknown protocol, or a chosen one that cannot be done.
    """
    test_set, runs, missing = matched.test_set, {}, defaultdict(list)
    for name in dict.fromkeys(protocols) if protocols else protocol_names():
        module = load(name)
        if test_set.name not in module.TEST_SETS:
            if protocols:
                known = [other for other in protocol_names() if test_set.name in load(other).TEST_SETS]
                raise AurlError(f"protocol '{name}' is not of {test_set.label}, which has {', '.join(known)}")
            continue
        listed = module.runs(test_set)
        reason = next(filter(None, map(matched.covers, listed)), "")
        if reason and protocols:
            raise AurlError(f"{matched.origin}: protocol '{name}': {reason}")
        if reason:
            missing[reason].append(name)
        else:
            runs[name] = listed
    notes = [f"Not tested: {', '.join(names)}: {reason}." for reason, names in missing.items()]
    if not runs:
        raise AurlError(f"{matched.origin}: no protocol can be done: {' '.join(notes)}")
    return runs, notes


def refuse_wrong_order(matched: Matched) -> None:
    """Refuse scores whose columns follow another order of classes than their names.

    Of all ways to name the columns the best is computed. A method that is far better by it than by its own names was
    saved with the wrong names. Raises: AurlError.
    """
    times, least, videos = WRONG_ORDER
    if matched.scores is None or not matched.present.all() or len(matched.labels) < videos * len(matched.present):
        return
    counts = np.zeros((len(matched.present), len(matched.present)), np.int64)
    np.add.at(counts, (matched.labels, matched.scores.argmax(axis=1)), 1)
    own = np.trace(counts) / counts.sum()
    if own * times >= 1:
        return
    from scipy.optimize import linear_sum_assignment  # here: rarely needed, and slow to import

    best = counts[linear_sum_assignment(counts, maximize=True)].sum() / counts.sum()
    if best >= max(least, times * own):
        raise AurlError(
            f"{matched.origin}: top-1 is {100 * own:.1f} %, but {100 * best:.1f} % if the columns are named in another"
            " order; the columns of the scores do not follow 'class'"
        )


def _ties(matched: Matched) -> list[str]:
    """Say how many videos have equal scores for their own class and another."""
    if matched.scores is None:
        return []
    own = np.take_along_axis(matched.scores, matched.labels[:, None], 1)
    tied = int((((matched.scores == own).sum(axis=1) > 1) & matched.present[matched.labels]).sum())
    if not tied:
        return []
    return [
        f"{tied:,} videos have equal scores for their class and others; of these the first by name is ranked first."
    ]
