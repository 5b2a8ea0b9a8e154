"""Backbone features of every dataset, the methods that are fitted on them, and their scores."""


rule backbone_features:
    input: **reads("backbone_features")
    output: **makes("backbone_features")
    params: settings=settings("backbone_features")
    log: log_of("backbone_features")
    threads: threads("backbone_features")
    resources: gpu=gpus("backbone_features")
    shell: "aurl --params {PARAMS:q} backbone-features --network {wildcards.network} --seed {wildcards.seed} {wildcards.dataset} 2> {log:q}"


rule fit:
    input: **reads("fit")
    output: **makes("fit")
    params: settings=settings("fit")
    log: log_of("fit")
    shell: "aurl --params {PARAMS:q} fit --variant {wildcards.variant} --seed {wildcards.seed} 2> {log:q}"


rule method_scores:
    input: **reads("method_scores")
    output: **makes("method_scores")
    wildcard_constraints: **RULES.constraints("method_scores")
    params: settings=settings("method_scores")
    log: log_of("method_scores")
    shell: "aurl --params {PARAMS:q} method-scores --variant {wildcards.variant} --seed {wildcards.seed} {wildcards.dataset} 2> {log:q}"
