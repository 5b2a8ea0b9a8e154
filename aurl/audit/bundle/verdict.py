"""Hold what a verification saw, level by level, and write it as text and JSON."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from aurl.audit.audit import Finding
from aurl.system.errors import printable

LEVELS = {
    "files": "every file has the SHA-256 that the metadata state",
    "chain": "every job read what other jobs made, with the parameters and seeds of the experiment",
    "code": "the code and data of every job are in the bundle, at its commit",
    "splits": "every test split follows from its seed",
    "metrics": "embeddings, metrics and statistics follow from what they were made from",
    "tables": "metrics.csv and the tables follow from the metrics",
    "features": "features follow from checkpoints and frames, figures from features",
}
MOST_SHOWN = 20


@dataclass(frozen=True)
class Unchecked:
    """Name what could not be checked, and what would be needed."""

    subject: str
    needs: str


@dataclass
class Level:
    """Hold what one level checked.

    A number of things, the findings, and what it could not check.
    """

    name: str
    checked: int = 0
    findings: list[Finding] = field(default_factory=list)
    unchecked: list[Unchecked] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """Say `failed`, `passed`, `partly` (some could not be checked) or `not checked`."""
        if self.findings:
            return "failed"
        if not self.checked:
            return "not checked"
        return "partly" if self.unchecked else "passed"

    def add(self, kind: str, subject: str, reason: str) -> None:
        """Add a finding."""
        self.findings.append(Finding(kind, subject, reason))


@dataclass
class Verdict:
    """Hold the result of a verification.

    Attributes:
        bundle: SHA-256 of the metadata, which names the bundle. signed: who signed it, in words.
        differing: stage -> files of its code, or data, that the installed version has in another version.
        chain: lines of the chain behind a cell.
    """

    path: str
    bundle: str
    experiment: str
    commit: str
    signed: str
    levels: dict[str, Level] = field(default_factory=lambda: {name: Level(name) for name in LEVELS})
    differing: dict[str, list[str]] = field(default_factory=dict)
    chain: list[str] = field(default_factory=list)

    @property
    def agrees(self) -> bool:
        """Say whether no level has a finding."""
        return not any(level.findings for level in self.levels.values())

    @property
    def reached(self) -> str:
        """Name the last level up to which each one passed, at least in part.

        `none` if files failed.
        """
        reached = "none"
        for name, level in self.levels.items():
            if level.verdict not in ("passed", "partly"):
                break
            reached = name
        return reached

    def summary(self) -> str:
        """Say the result in one line."""
        findings = sum(len(level.findings) for level in self.levels.values())
        if findings:
            return f"{findings} finding{'s' * (findings != 1)}: this bundle does not prove its numbers"
        if all(level.verdict == "passed" for level in self.levels.values()):
            return "everything agrees"
        return "everything that could be checked agrees; see what could not"


def as_text(verdict: Verdict) -> str:
    """Write a verdict as lines."""
    lines = [
        f"{verdict.path}: bundle {verdict.bundle[:16]}, experiment {verdict.experiment},"
        f" commit {verdict.commit[:12]}, {verdict.signed}",
        *verdict.chain,
    ]
    for name, level in verdict.levels.items():
        lines.append(f"{level.verdict:<12} {name:<8} {level.checked:>6,}  {LEVELS[name]}")
        lines += _first([f"    {finding}" for finding in level.findings])
    lines += _unchecked(verdict)
    for stage, files in verdict.differing.items():
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        lines.append(f"note: {stage}: the installed version has another {files[0]}{more}")
    return printable("\n".join([*lines, verdict.summary()]))


def as_json(verdict: Verdict) -> str:
    """Write everything that a verification saw."""
    levels = {
        name: {"verdict": level.verdict, "checked": level.checked, "findings": [asdict(each) for each in level.findings],
               "unchecked": [asdict(each) for each in level.unchecked]}
        for name, level in verdict.levels.items()
    }  # fmt: skip
    value: dict[str, Any] = asdict(verdict) | {"levels": levels, "agrees": verdict.agrees, "reached": verdict.reached}
    return json.dumps(value, indent=1, ensure_ascii=True)


def _unchecked(verdict: Verdict) -> Iterator[str]:
    """Say what was not checked, grouped by what it needs."""
    groups: dict[str, list[str]] = {}
    for level in verdict.levels.values():
        for each in level.unchecked:
            groups.setdefault(each.needs, []).append(each.subject)
    for needs, subjects in groups.items():
        more = f" and {len(subjects) - 1} more" if len(subjects) > 1 else ""
        yield f"not checked: {subjects[0]}{more}: {needs}"


def _first(lines: list[str]) -> list[str]:
    more = len(lines) - MOST_SHOWN
    return lines[:MOST_SHOWN] + ([f"    and {more:,} more (--json shows all)"] if more > 0 else [])
