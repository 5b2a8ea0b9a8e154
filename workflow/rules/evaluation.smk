"""Features of every test set, their metrics, metrics.csv, and the statistics."""


rule features:
    input:
        checkpoint=P.checkpoint("{variant}", "{seed}"),
        description=P.checkpoint_description("{variant}", "{seed}"),
        manifest=P.manifest("{dataset}"),
        frames=P.frames_index("{dataset}"),
        embeddings=P.embeddings("{dataset}"),
        code=stage_code("features"),
    output:
        features=kept(P.features("{variant}", "{seed}", "{dataset}")),
        block=block(P.features("{variant}", "{seed}", "{dataset}")),
    params:
        settings=settings("features"),
    log:
        P.log(P.features("{variant}", "{seed}", "{dataset}")),
    threads: EXPERIMENT.evaluation.compute.threads
    resources:
        gpu=gpus(EXPERIMENT.evaluation.compute),
    shell:
        "aurl --params {PARAMS:q} features --variant {wildcards.variant} --seed {wildcards.seed} {wildcards.dataset} 2> {log:q}"


rule evaluate:
    input:
        features=P.features("{variant}", "{seed}", "{dataset}"),
        code=stage_code("evaluate"),
    output:
        metrics=kept(P.metrics("{variant}", "{seed}", "{dataset}")),
        block=block(P.metrics("{variant}", "{seed}", "{dataset}")),
    params:
        settings=settings("evaluate"),
    log:
        P.log(P.metrics("{variant}", "{seed}", "{dataset}")),
    shell:
        "aurl --params {PARAMS:q} evaluate --variant {wildcards.variant} --seed {wildcards.seed} {wildcards.dataset} 2> {log:q}"


rule collect:
    input:
        metrics=list(JOBS.collect().inputs),
        code=stage_code("collect"),
    output:
        metrics=kept(P.metrics_csv()),
        block=block(P.metrics_csv()),
    params:
        settings=settings("collect"),
    log:
        P.log(P.metrics_csv()),
    shell:
        "aurl --params {PARAMS:q} collect 2> {log:q}"


rule statistics:
    input:
        features=list(JOBS.statistics().inputs),
        code=stage_code("statistics"),
    output:
        statistics=kept(P.statistics()),
        block=block(P.statistics()),
    params:
        settings=settings("statistics"),
    log:
        P.log(P.statistics()),
    shell:
        "aurl --params {PARAMS:q} statistics 2> {log:q}"
