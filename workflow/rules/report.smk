"""The paper's tables, figures, and the page that shows everything."""


rule tables:
    input: **reads("tables")
    output: **makes("tables")
    params: settings=settings("tables")
    log: log_of("tables")
    shell: "aurl --params {PARAMS:q} tables 2> {log:q}"


rule figures:
    input: **reads("figures")
    output: **makes("figures")
    params: settings=settings("figures")
    log: log_of("figures")
    shell: "aurl --params {PARAMS:q} figures 2> {log:q}"


rule report:
    input: **reads("report")
    output: **makes("report")
    params: settings=settings("report")
    log: log_of("report")
    shell: "aurl --params {PARAMS:q} report 2> {log:q}"
