"""Print every job of the Snakemake DAG as JSON: rule, wildcards, input, output, settings. Run it in a repository."""

import json
from pathlib import Path

from snakemake.api import SnakemakeApi
from snakemake.settings.types import ConfigSettings, DAGSettings, OutputSettings, Quietness, ResourceSettings


def jobs() -> list[dict[str, object]]:
    with SnakemakeApi(OutputSettings(quiet={Quietness.ALL}, keep_logger=False)) as api:
        workflow = api.workflow(
            resource_settings=ResourceSettings(cores=1),
            config_settings=ConfigSettings(configfiles=[Path("params.yaml")]),
            snakefile=Path("Snakefile"),
        )
        workflow.dag(DAGSettings(targets={"all"}, forceall=True))
        inner = workflow._workflow
        inner._prepare_dag(forceall=True, ignore_incomplete=True, lock_warn_only=True)
        inner._build_dag()
        return [
            {
                "rule": job.rule.name,
                "wildcards": dict(job.wildcards_dict),
                "input": [str(path) for path in job.input],
                "output": [str(path) for path in job.output],
                "settings": sorted(dict(job.params).get("settings", {})),
            }
            for job in inner.dag.jobs
            if job.output
        ]


if __name__ == "__main__":
    print(json.dumps(jobs()))
