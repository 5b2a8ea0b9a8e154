"""Features of every test set, their metrics, generalised recognition, metrics.csv, and the statistics."""


rule features:
    input: **reads("features")
    output: **makes("features")
    wildcard_constraints: **RULES.constraints("features")
    params: settings=settings("features")
    log: log_of("features")
    threads: threads("features")
    resources: gpu=gpus("features")
    shell: "aurl --params {PARAMS:q} features --variant {wildcards.variant} --seed {wildcards.seed} {wildcards.dataset} 2> {log:q}"


rule evaluate:
    input: **reads("evaluate")
    output: **makes("evaluate")
    wildcard_constraints: **RULES.constraints("evaluate")
    params: settings=settings("evaluate")
    log: log_of("evaluate")
    shell: "aurl --params {PARAMS:q} evaluate --variant {wildcards.variant} --seed {wildcards.seed} {wildcards.dataset} 2> {log:q}"


rule generalised:
    input: **reads("generalised")
    output: **makes("generalised")
    params: settings=settings("generalised")
    log: log_of("generalised")
    threads: threads("generalised")
    resources: gpu=gpus("generalised")
    shell: "aurl --params {PARAMS:q} generalised --variant {wildcards.variant} {wildcards.held_out} 2> {log:q}"


rule external:
    input: **reads("external")
    output: **makes("external")
    params: settings=settings("external")
    log: log_of("external")
    shell: "aurl --params {PARAMS:q} external --row {wildcards.row} 2> {log:q}"


rule collect:
    input: **reads("collect")
    output: **makes("collect")
    params: settings=settings("collect")
    log: log_of("collect")
    shell: "aurl --params {PARAMS:q} collect 2> {log:q}"


rule statistics:
    input: **reads("statistics")
    output: **makes("statistics")
    params: settings=settings("statistics")
    log: log_of("statistics")
    shell: "aurl --params {PARAMS:q} statistics 2> {log:q}"
