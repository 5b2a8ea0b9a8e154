"""The paper's tables, figures, and the page that shows everything."""


def tables():
    return list(JOBS.tables().outputs)


def figures():
    return list(JOBS.figures().outputs)


def shown(paths, extension, category):
    """Outputs, of which Snakemake's own `--report` shows those with this extension."""
    caption = f"../report/{category}.rst"
    return [
        kept(report(str(path), caption=caption, category=f"{category.capitalize()}s", labels={category: path.stem}))
        if path.suffix == extension
        else kept(path)
        for path in paths
    ]


rule tables:
    input:
        results=list(JOBS.tables().inputs),  # metrics.csv, the statistics, the seen classes, what is published, what was left out
        code=stage_code("tables"),
    output:
        shown(tables(), ".html", "table"),
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
        shown(figures(), ".png", "figure"),
        block=block(figures()[0]),
    params:
        settings=settings("figures"),
    log:
        P.log(figures()[0]),
    shell:
        "aurl --params {PARAMS:q} figures 2> {log:q}"


rule report:
    input:
        results=list(JOBS.report().inputs),  # tables, figures, and what they were made from
        code=stage_code("report"),
    output:
        shown([P.report()], ".html", "page"),
        block=block(P.report()),
    params:
        settings=settings("report"),
    log:
        P.log(P.report()),
    shell:
        "aurl --params {PARAMS:q} report 2> {log:q}"
