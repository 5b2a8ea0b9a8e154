"""Videos -> listing -> manifest -> packed frames."""


def source(dataset):
    return EXPERIMENT.datasets[dataset].source


RENDERED = [dataset for dataset in EXPERIMENT.datasets if source(dataset).render]
FOLDERS = [dataset for dataset in EXPERIMENT.datasets if source(dataset).folder]


def class_folders(dataset):
    """The dataset's folder and its class folders, whose times change when a file is added or removed.

    Where a versioned dataset is here already (after `aurl sync`, say), its folder need not be.
    Raises: AurlError if the folder is missing and the experiment cannot do without.
    """
    folder = source_folder(source(dataset).folder)
    if dataset in JOBS.absent:
        return [folder]
    if folder.is_dir():
        return [snakemake_path(path) for path in (folder, *sorted(path for path in folder.iterdir() if path.is_dir()))]
    if source(dataset).versioned and P.files(dataset).is_file():
        return []
    raise AurlError(
        f"params.yaml: datasets.{dataset}.source.folder: there is no folder '{folder}';"
        " put the dataset there or change the key (docs/datasets.md says what belongs into it)"
    )


try:
    SOURCE_FOLDERS = {dataset: class_folders(dataset) for dataset in FOLDERS}
except AurlError as error:
    sys.exit(f"aurl: error: {error}")


rule render:
    input:
        code=stage_code("ingest"),
    output:
        videos=kept(directory(P.dataset("{dataset}"))),
        listing=kept(P.files("{dataset}")),
        block=block(P.files("{dataset}")),
    wildcard_constraints:
        dataset="|".join(RENDERED) or "-",
    params:
        settings=settings("ingest"),
    log:
        P.log(P.files("{dataset}")),
    threads: workflow.cores
    shell:
        "aurl --params {PARAMS:q} render {wildcards.dataset} --workers {threads} 2> {log:q}"


rule ingest:
    input:
        folders=lambda wildcards: SOURCE_FOLDERS[wildcards.dataset],
        code=stage_code("ingest"),
    output:
        videos=kept(directory(P.dataset("{dataset}"))),
        listing=kept(P.files("{dataset}")),
        block=block(P.files("{dataset}")),
    wildcard_constraints:
        dataset="|".join(FOLDERS) or "-",
    params:
        settings=settings("ingest"),
    log:
        P.log(P.files("{dataset}")),
    threads: workflow.cores
    shell:
        "aurl --params {PARAMS:q} ingest {wildcards.dataset} --workers {threads} 2> {log:q}"


rule manifest:
    input:
        listing=P.files("{dataset}"),
        code=stage_code("manifest"),
    output:
        manifest=kept(P.manifest("{dataset}")),
        block=block(P.manifest("{dataset}")),
    params:
        settings=settings("manifest"),
    log:
        P.log(P.manifest("{dataset}")),
    threads: workflow.cores
    shell:
        "aurl --params {PARAMS:q} manifest {wildcards.dataset} --workers {threads} 2> {log:q}"


rule frames:
    input:
        manifest=P.manifest("{dataset}"),
        code=stage_code("frames"),
    output:
        shard=P.shard("{dataset}", "{shard}"),
        index=P.shard_index("{dataset}", "{shard}"),
        block=block(P.shard("{dataset}", "{shard}")),
    params:
        settings=settings("frames"),
    log:
        P.log(P.shard("{dataset}", "{shard}")),
    shell:
        "aurl --params {PARAMS:q} frames {wildcards.dataset} --shard {wildcards.shard} 2> {log:q}"


def shards(wildcards):
    return [
        path(wildcards.dataset, shard)
        for path in (P.shard, P.shard_index)
        for shard in range(EXPERIMENT.datasets[wildcards.dataset].shards)
    ]


rule frames_index:
    input:
        shards=shards,
        code=stage_code("frames_index"),
    output:
        index=kept(P.frames_index("{dataset}")),
        block=block(P.frames_index("{dataset}")),
    params:
        settings=settings("frames_index"),
    log:
        P.log(P.frames_index("{dataset}")),
    shell:
        "aurl --params {PARAMS:q} frames-index {wildcards.dataset} 2> {log:q}"
