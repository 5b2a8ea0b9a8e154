"""The paper's tables, and figures."""


def tables():
    return list(JOBS.tables().outputs)


def figures():
    return list(JOBS.figures().outputs)


rule tables:
    input:
        results=list(JOBS.tables().inputs),  # metrics.csv, the seen classes, what is published, what was left out
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
        results=list(JOBS.figures().inputs),  # metrics, features, training logs, classes, frames of the test sets
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
