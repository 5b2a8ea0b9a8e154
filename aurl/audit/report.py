"""Write an audit's report as text and JSON."""

import json

from aurl.audit.audit import Report
from aurl.system.terminal import counted, shortened

LONGEST_VALUE = 100  # characters
FEW = 5  # missing artefacts that each have a line


def as_text(report: Report, chain: bool) -> str:
    """Write the findings, roots first, the others indented; before them the chain, if wanted."""
    lines = []
    if chain:
        for job in report.jobs:
            lines += [job.job.name, *(f"    {digest[:16]}  {path}" for path, digest in job.outputs.items())]
            lines += [f"    {key} = {value_text(value)}" for key, value in job.settings.items()]
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


def value_text(value: object) -> str:
    """Write the value of a parameter as JSON, cut where it is long."""
    return shortened(json.dumps(value), LONGEST_VALUE)
