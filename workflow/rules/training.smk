"""One checkpoint for each variant and seed."""


def gpus(compute):
    """How many GPUs a job asks for: one where it would use it, so that two jobs never share it."""
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
    params:
        settings=settings("train"),
    log:
        P.log(P.checkpoint("{variant}", "{seed}")),
    threads: EXPERIMENT.training.compute.threads
    resources:
        gpu=gpus(EXPERIMENT.training.compute),
    shell:
        "aurl --params {PARAMS:q} train --variant {wildcards.variant} --seed {wildcards.seed} 2> {log:q}"
