"""Write an audit's report as text and JSON."""

import json
from typing import Any

from aurl.audit.audit import Report


def as_text(report: Report, chain: bool) -> str:
    """Write the findings, roots first, the others indented; before them the chain, if wanted."""
    lines = []
    if chain:
        for job in report.jobs:
            lines += [job.job.name, *(f"    {digest[:16]}  {path}" for path, digest in job.outputs.items())]
            lines += [f"    {key} = {_short(value)}" for key, value in job.settings.items()]
            lines += [f"    {digest[:16]}  {path} (code)" for path, digest in job.code.items()]
    for finding, root in report.findings():
        lines.append(f"{'' if root else '  follows: '}{finding}")
    lines += [f"note: {note}" for note in report.notes]
    outputs = sum(len(job.outputs) for job in report.jobs)
    verdict = f"{len(report.findings())} findings" if report.findings() else "all agree"
    return "\n".join([*lines, f"{len(report.jobs)} jobs, {outputs} artefacts audited: {verdict}"])


def as_json(report: Report) -> str:
    """Write everything that the audit saw."""
    roots = {str(finding) for finding, root in report.findings() if root}
    value = {
        "agree": not report.findings(),
        "notes": report.notes,
        "jobs": [
            {
                "stage": job.job.stage.name, "wildcards": job.job.wildcards, "inputs": list(map(str, job.job.depends)),
                "outputs": job.outputs, "settings": job.settings, "code": job.code,
                "findings": [{**vars(finding), "root": str(finding) in roots} for finding in job.findings],
            }
            for job in report.jobs
        ],
    }  # fmt: skip
    return json.dumps(value, indent=1)


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
