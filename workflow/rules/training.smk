"""One checkpoint for each variant and seed: trained, or imported from published weights."""


def gpus(compute):
    """How many GPUs a process asks for: one where it would use it, so that two jobs never share it."""
    return int(compute.device == "cuda" or (compute.device == "auto" and Path("/dev/nvidia0").exists()))


rule train:
    input:
        manifest=P.manifest(EXPERIMENT.seen),
        frames=P.frames_index(EXPERIMENT.seen),
        embeddings=P.embeddings(EXPERIMENT.seen),
        seen_classes=P.seen_classes(),
        code=stage_code("train"),
    output:
        checkpoint=kept(P.checkpoint("{variant}", "{seed}")),
        description=kept(P.checkpoint_description("{variant}", "{seed}")),
        steps=kept(P.steps("{variant}", "{seed}")),
        block=block(P.checkpoint("{variant}", "{seed}")),
    wildcard_constraints:
        variant="|".join(EXPERIMENT.trained) or "-",
    params:
        settings=settings("train"),
    log:
        P.log(P.checkpoint("{variant}", "{seed}")),
    threads: (EXPERIMENT.training.compute.threads + EXPERIMENT.training.compute.workers) * EXPERIMENT.training.processes
    priority: 1  # the longest jobs first: short ones fill the cores while the last training ends
    resources:
        gpu=gpus(EXPERIMENT.training.compute) * EXPERIMENT.training.processes,
    shell:
        "aurl --params {PARAMS:q} train --variant {wildcards.variant} --seed {wildcards.seed} 2> {log:q}"


rule import_weights:
    input:
        weights=lambda wildcards: JOBS.import_weights(wildcards.variant, int(wildcards.seed)).inputs,
        code=stage_code("import_weights"),
    output:
        checkpoint=kept(P.checkpoint("{variant}", "{seed}")),
        description=kept(P.checkpoint_description("{variant}", "{seed}")),
        block=block(P.checkpoint("{variant}", "{seed}")),
    wildcard_constraints:
        variant="|".join(EXPERIMENT.imported) or "-",
    params:
        settings=settings("import_weights"),
    log:
        P.log(P.checkpoint("{variant}", "{seed}")),
    shell:
        "aurl --params {PARAMS:q} import-weights --variant {wildcards.variant} --seed {wildcards.seed} 2> {log:q}"
