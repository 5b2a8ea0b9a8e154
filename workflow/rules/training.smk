"""One checkpoint for each variant and seed: trained, or imported from published weights."""


rule train:
    input: **reads("train")
    output: **makes("train")
    wildcard_constraints: **RULES.constraints("train")
    params: settings=settings("train")
    log: log_of("train")
    threads: threads("train")
    priority: 1  # the longest jobs first: short ones fill the cores while the last training ends
    resources: gpu=gpus("train")
    shell: "aurl --params {PARAMS:q} train --variant {wildcards.variant} --seed {wildcards.seed} 2> {log:q}"


rule import_weights:
    input: **reads("import_weights")
    output: **makes("import_weights")
    wildcard_constraints: **RULES.constraints("import_weights")
    params: settings=settings("import_weights")
    log: log_of("import_weights")
    shell: "aurl --params {PARAMS:q} import-weights --variant {wildcards.variant} --seed {wildcards.seed} 2> {log:q}"
