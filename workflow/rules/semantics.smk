"""Class names -> class embeddings -> the seen classes to train on."""


rule embeddings:
    input:
        manifest=P.manifest("{dataset}"),
        encoder=list(encoder_files(EXPERIMENT.semantics.encoder).values()),
        code=stage_code("embeddings"),
    output:
        embeddings=kept(P.embeddings("{dataset}")),
        block=block(P.embeddings("{dataset}")),
    params:
        settings=settings("embeddings"),
    log:
        P.log(P.embeddings("{dataset}")),
    shell:
        "aurl --params {PARAMS:q} embeddings {wildcards.dataset} 2> {log:q}"


rule seen_classes:
    input:
        embeddings=[P.embeddings(dataset) for dataset in EXPERIMENT.datasets],
        code=stage_code("seen_classes"),
    output:
        seen_classes=kept(P.seen_classes()),
        block=block(P.seen_classes()),
    params:
        settings=settings("seen_classes"),
    log:
        P.log(P.seen_classes()),
    shell:
        "aurl --params {PARAMS:q} seen-classes 2> {log:q}"
