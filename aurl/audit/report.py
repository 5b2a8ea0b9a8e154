"""Write an audit's report as text, JSON and a page."""

import html
import json
from pathlib import Path
from typing import Any

from aurl.audit.audit import JobReport, Report
from aurl.system.files import write_text


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
