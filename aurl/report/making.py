"""How an experiment was made, as plain values: what only the lineage knows, handed to the page."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Verdict:
    """What an audit said, in a line, with its findings; `agrees` is None where none was made."""

    agrees: bool | None
    told: str
    findings: list[str]


@dataclass(frozen=True)
class Making:
    """How the experiment was made, as plain values.

    Attributes:
        made: date and time of the page.
        params: the whole experiment.
        preset: name of the preset that the experiment is compared with, None if there is none of its name.
        changes: the differences from it, one line each.
        stages: stage -> number of jobs, in order.
        edges: (stage, stage that reads from it).
        artefacts: (variant, dataset) -> the metrics file of each seed.
        commit: what is checked out, and whether tracked files differ from it; empty outside of git.
    """

    made: str
    params: dict[str, Any]
    preset: str | None
    changes: list[str]
    stages: dict[str, int]
    edges: set[tuple[str, str]]
    artefacts: dict[tuple[str, str], list[str]]
    commit: dict[str, Any]
    verdict: Verdict
