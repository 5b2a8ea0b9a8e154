"""Class names -> class embeddings -> the seen classes to train on."""


rule embeddings:
    input: **reads("embeddings")
    output: **makes("embeddings")
    params: settings=settings("embeddings")
    log: log_of("embeddings")
    shell: "aurl --params {PARAMS:q} embeddings {wildcards.dataset} 2> {log:q}"


rule seen_classes:
    input: **reads("seen_classes")
    output: **makes("seen_classes")
    params: settings=settings("seen_classes")
    log: log_of("seen_classes")
    shell: "aurl --params {PARAMS:q} seen-classes 2> {log:q}"
