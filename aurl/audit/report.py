"""Write an audit's report as text, JSON and a page."""

import html
import json
from pathlib import Path
from typing import Any

from aurl.audit.audit import JobReport, Report
from aurl.system.files import write_text
from aurl.system.terminal import counted

FEW = 5  # missing artefacts that each have a line


def as_text(report: Report, chain: bool) -> str:
    """Write the findings, roots first, the others indented; before them the chain, if wanted."""
    lines = []
    if chain:
        for job in report.jobs:
            lines += [job.job.name, *(f"    {digest[:16]}  {path}" for path, digest in job.outputs.items())]
            lines += [f"    {key} = {_short(value)}" for key, value in job.settings.items()]
            lines += [f"    {digest[:16]}  {path} (code)" for path, digest in job.code.items()]
    lines += _finding_lines(report)
    lines += [f"note: {note}" for note in report.notes]
    outputs = sum(len(job.outputs) for job in report.jobs)
    verdict = counted(len(report.findings()), "finding") if report.findings() else "all agree"
    return "\n".join([*lines, f"{counted(len(report.jobs), 'job')}, {outputs} artefacts audited: {verdict}"])


def _finding_lines(report: Report) -> list[str]:
    """Write each finding in a line; many missing artefacts in one."""
    findings, outputs = report.findings(), report.outputs()
    absent = [finding for finding, _ in findings if finding.kind == "missing" and finding.subject in outputs]
    if len(absent) <= FEW:
        return [f"{'' if root else '  follows: '}{finding}" for finding, root in findings]
    mend = "'aurl sync' or 'snakemake' brings them"
    if len(absent) == len(outputs):
        return [f"nothing is here: all {len(absent)} artefacts are missing; {mend}"]
    head = f"missing: {len(absent)} of {len(outputs)} artefacts, first {absent[0].subject}; {mend}"
    others = [(finding, root) for finding, root in findings if finding not in absent]
    return [head, *(f"{'' if root else '  follows: '}{finding}" for finding, root in others)]


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


def write_page(report: Report, path: Path, title: str) -> None:
    """Write a page that needs no other file: every job with its digests and findings."""
    escaped, verdict = html.escape(title), f"{len(report.findings())} findings" if report.findings() else "All agree"
    rows = "".join(map(_row, report.jobs))
    write_text(
        path,
        f'<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><title>{escaped}</title>\n'
        "<style>body{font-family:sans-serif;margin:2em}td,th{vertical-align:top;text-align:left;"
        "padding:.3em .8em;border-bottom:1px solid #ccc}</style>\n"
        f"</head>\n<body>\n<h1>{escaped}</h1>\n<p>{verdict}.</p>\n"
        f"<table>\n<tr><th>job</th><th>artefacts, SHA-256</th><th>findings</th></tr>\n{rows}</table>\n</body>\n</html>\n",
    )


def _row(job: JobReport) -> str:
    outputs = "<br>".join(f"{html.escape(path)} <code>{digest[:16]}</code>" for path, digest in job.outputs.items())
    findings = "<br>".join(html.escape(str(finding)) for finding in job.findings) or "agrees"
    return f"<tr><td>{html.escape(job.job.name)}</td><td>{outputs}</td><td>{findings}</td></tr>\n"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 100 else f"{text[:97]}..."
