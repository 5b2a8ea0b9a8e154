"""The paper's tables, and figures."""


def tables():
    return list(JOBS.tables().outputs)


def figures():
    return list(JOBS.figures().outputs)


rule tables:
    input:
        metrics=P.metrics_csv(),
        seen_classes=P.seen_classes(),
        published="data/published_results.csv",
        tokens="data/class_tokens.csv",
        manifests=[P.manifest(dataset) for dataset in EXPERIMENT.datasets],
        embeddings=[P.embeddings(dataset) for dataset in EXPERIMENT.datasets],
        code=stage_code("tables"),
    output:
        [kept(path) for path in tables()],
        block=block(tables()[0]),
    params:
        settings=settings("tables"),
    log:
        P.log(tables()[0]),
    shell:
        "aurl --params {PARAMS:q} tables 2> {log:q}"


rule figures:
    input:
        metrics=P.metrics_csv(),
        seen_classes=P.seen_classes(),
        code=stage_code("figures"),
    output:
        [kept(path) for path in figures()],
        block=block(figures()[0]),
    params:
        settings=settings("figures"),
    log:
        P.log(figures()[0]),
    shell:
        "aurl --params {PARAMS:q} figures 2> {log:q}"
