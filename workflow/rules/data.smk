"""Videos -> listing -> manifest -> packed frames."""


rule ingest:
    input: **reads("ingest")
    output: **makes("ingest")
    params: settings=settings("ingest")
    log: log_of("ingest")
    threads: threads("ingest")
    shell: "aurl --params {PARAMS:q} ingest {wildcards.dataset} --workers {threads} 2> {log:q}"


rule manifest:
    input: **reads("manifest")
    output: **makes("manifest")
    params: settings=settings("manifest")
    log: log_of("manifest")
    threads: threads("manifest")
    shell: "aurl --params {PARAMS:q} manifest {wildcards.dataset} --workers {threads} 2> {log:q}"


rule frames:
    input: **reads("frames")
    output: **makes("frames")
    params: settings=settings("frames")
    log: log_of("frames")
    shell: "aurl --params {PARAMS:q} frames {wildcards.dataset} --shard {wildcards.shard} 2> {log:q}"


rule frames_index:
    input: **reads("frames_index")
    output: **makes("frames_index")
    params: settings=settings("frames_index")
    log: log_of("frames_index")
    shell: "aurl --params {PARAMS:q} frames-index {wildcards.dataset} 2> {log:q}"
