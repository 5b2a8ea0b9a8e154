"""Lineage at 500 stages: time of `aurl record`, `aurl audit` and `dvc status`.

    python benchmarks/lineage_scale.py

Runs `micro` with 20 seeds in a copy of this working tree (a quarter of an hour): its contents are small, so that what
is timed is the number of stages, not the bytes. Writes benchmarks/measured/lineage_scale.json.
"""

import tempfile
from pathlib import Path

import yaml
from processes import REPOSITORY, copy_repository, run

from aurl.experiment.presets import preset_text
from aurl.system.json_files import write_json

OUTPUT = REPOSITORY / "benchmarks/measured/lineage_scale.json"
SEEDS = 20


def main() -> None:
    """Run the experiment, then time every command."""
    with tempfile.TemporaryDirectory(prefix="aurl-lineage-") as top:
        folder = copy_repository(Path(top) / "copy")
        experiment = yaml.safe_load(preset_text("micro")) | {"seeds": list(range(SEEDS))}
        (folder / "params.yaml").write_text(yaml.safe_dump(experiment, sort_keys=False))
        run(folder, "snakemake", "--cores", "2")

        def seconds(*command: str) -> float:
            return round(run(folder, *command).seconds, 2)

        measured = {"aurl record, everything new [s]": seconds("aurl", "record")}
        measured["dvc status [s]"] = seconds("dvc", "status")
        measured["aurl audit --all, every digest computed [s]"] = seconds("aurl", "audit", "--all", "--no-cache")
        run(folder, "aurl", "audit", "--all")
        measured["aurl audit --all, digests known [s]"] = seconds("aurl", "audit", "--all")
        experiment["report"]["title"] += ", scaled"
        (folder / "params.yaml").write_text(yaml.safe_dump(experiment, sort_keys=False))
        run(folder, "snakemake", "--cores", "2")
        measured["aurl record, one stage changed [s]"] = seconds("aurl", "record")
        stages = yaml.safe_load((folder / "dvc.lock").read_text())["stages"]
        write_json(OUTPUT, {"stages": len(stages), **measured})
    print(OUTPUT.read_text(), end="")


if __name__ == "__main__":
    main()
