"""Orchestration: what Snakemake, process starts and idle cores cost beside the stages' own work.

    python benchmarks/run.py orchestration        # AURL_ORCHESTRATION=micro takes another preset

`mini` from nothing in a copy of this working tree, on two cores; README's times come from here. A stage's own work is
the CPU time in its provenance block less that of starting Python and importing the stage's modules, which a job of the
job server does not do. The run is measured once, everything else five times.
"""

import json
import os
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from harness import Comparison, interleaved, ratios, seconds
from processes import REPOSITORY, Usage, copy_repository, cpu_of_children, run

from aurl.experiment.presets import preset_text
from aurl.experiment.read import load_experiment
from aurl.pipeline.stages import STAGES

CORES, STARTS, SHOWN = 2, 5, 6
BARE = """
rule all:
    input: expand("out/{{number}}.txt", number=range({jobs}))
rule job:
    input: "Snakefile"
    output: "out/{{number}}.txt"
    {params}
    shell: "touch {{output}}"
"""


def measure() -> list[Comparison]:
    """Measure the whole experiment once; then nothing to do, and a dry run, against a bare workflow."""
    preset = os.environ.get("AURL_ORCHESTRATION", "mini")
    with tempfile.TemporaryDirectory(prefix="aurl-orchestration-") as top:
        folder = copy_repository(Path(top) / "copy")
        (folder / "params.yaml").write_text(preset_text(preset))
        usage = run(folder, "snakemake", "--cores", str(CORES))
        name = load_experiment(folder / "params.yaml").experiment
        blocks = [json.loads(path.read_text()) for path in (folder / f"results/{name}/provenance").rglob("*.json")]
        return [whole_run(preset, usage, blocks), *second_run(preset, folder, Path(top), len(blocks) + 1)]


def whole_run(preset: str, usage: Usage, blocks: list[dict[str, dict[str, object]]]) -> Comparison:
    """Compare the wall time with the stages' own work."""
    starts: dict[str, float] = {}
    work: dict[str, float] = defaultdict(float)
    started = used = 0.0
    for block in blocks:
        stage, cpu = str(block["identity"]["stage"]), float(str(block["circumstance"]["cpu_seconds"]))
        if stage not in starts:
            starts[stage] = start_of(stage)
        start = 0.0 if block["circumstance"].get("forked") else min(cpu, starts[stage])
        work[stage] += cpu - start
        started, used = started + start, used + cpu
    own = sum(work.values())
    most = sorted(work.items(), key=lambda item: -item[1])[:SHOWN]
    figures: dict[str, float | str] = {
        "wall [s]": usage.seconds, "peak memory of all processes together [MiB]": usage.peak_mib,
        "own work [CPU s]": own, "Python and imports [CPU s]": started,
        "Snakemake, shells and ends of processes [CPU s]": usage.cpu - used, "jobs": len(blocks),
        **{f"{stage} [CPU s]": value for stage, value in most},
    }  # fmt: skip
    against = "CPU time of the stages' own work / 2"
    return Comparison(
        f"`{preset}`: wall time", against, [usage.seconds * CORES / own], 1.25, "smaller", figures, "One round."
    )


def second_run(preset: str, folder: Path, top: Path, jobs: int) -> list[Comparison]:
    """Compare a run with nothing to do, and a dry run, with a workflow of one rule with as many jobs."""
    bare = {}
    for name, params in (("plain", ""), ("parameter", "params: lambda wildcards: {'a': 1}")):
        bare[name] = top / name
        bare[name].mkdir()
        (bare[name] / "Snakefile").write_text(BARE.format(jobs=jobs - 1, params=params))
        run(bare[name], "snakemake", "--cores", str(CORES), "--scheduler", "greedy")
    rows = []
    for what, options in (("second run, nothing to do", ()), ("dry run", ("--dry-run",))):
        command = ("snakemake", "--cores", str(CORES), "--quiet", "all", *options)
        ours, plain, same = interleaved(
            lambda command=command: run(folder, *command),
            lambda command=command: run(bare["plain"], *command),
            lambda command=command: run(bare["parameter"], *command),
            clock=cpu_of_children,
        )
        figures: dict[str, float | str] = {
            "wall [s]": statistics.median(seconds(lambda command=command: run(folder, *command)) for _ in range(STARTS)),
            "ours [CPU s]": statistics.median(ours), "bare [CPU s]": statistics.median(plain),
            "bare with a parameter [CPU s]": statistics.median(same),
        }  # fmt: skip
        against = f"a bare workflow of {jobs} jobs, whose rule has a parameter, CPU time"
        rows += [
            Comparison(f"`{preset}`: {what}", against, ratios(ours, same), 1.5, "smaller", figures),
            Comparison(f"`{preset}`: {what}", "the same without parameters, CPU time", ratios(ours, plain), 1.5, "smaller",
                       note="Where a rule has parameters, Snakemake imports pandas to compare them."),
        ]  # fmt: skip
    return rows


def start_of(stage: str) -> float:
    """CPU seconds of a process that only imports what a stage's command imports: the median of five."""
    command = (sys.executable, "-c", f"import aurl.cli.group, {STAGES[stage].entry}")
    return statistics.median(run(REPOSITORY, *command).cpu for _ in range(STARTS))
