"""Declare every stage once, in the order of the data.

`stage.py` explains the fields. To add a stage: write its module with a function `run(job)`, and declare it here. Its
rule in `workflow/rules/` is six lines; `python -m aurl.pipeline.dvc_yaml` writes `dvc.yaml` (docs/how-to/stage.md).
"""

from aurl.experiment.methods import METHODS
from aurl.experiment.parts import ENCODERS, LAYOUTS
from aurl.experiment.settings import PROTOCOLS
from aurl.pipeline.outputs import figure_files, table_files
from aurl.pipeline.stage import AllOf, Each, Input, Named, One, PartFiles, Parts, Shipped, Stage
from aurl.system import shipped

FRAME_KEYS = ("frames.size", "frames.quality", "frames.chroma")
LIMITS = ("frames.timeout_seconds", "frames.memory_mb")  # a video that needs more is unreadable, or left out
SHARD_KEYS = (*FRAME_KEYS, "datasets.{dataset}.shards")
TABLES = {f"{name}_{extension}": f"tables/{name}.{extension}" for name, extension in table_files()}
FIGURES = {"figures_index": "figures/index.json"} | {
    f"{name}_{extension}": f"figures/{name}.{extension}" for name, extension in figure_files()
}
MEASURES = Parts("aurl.evaluation.measures", alone=True)  # the columns of metrics.csv
LISTS = PartFiles(
    PROTOCOLS,
    "evaluation.protocols",
    "files",
    (str(shipped.TOKEN_TABLE), str(shipped.PROTOCOL_LISTS), str(shipped.TEST_SET_VIDEOS)),
)
PROTOCOL_PARTS = (Parts(PROTOCOLS, "evaluation.protocols"), Parts("aurl.evaluation.measures"))
BACKBONE = Parts("aurl.backbones", "model.backbone")
NETWORKS = (Parts("aurl.backbones"), Parts("aurl.networks"))  # a checkpoint names its own
SHOWN = (MEASURES, Parts("aurl.losses", "variants.*.losses", alone=True))  # the terms' symbols and check marks

METHODS_SHOWN = Parts(METHODS, "methods.*.method", alone=True)  # what a method may see

INGEST = Stage(
    "ingest",
    "List a dataset's videos with their SHA-256; render them, or copy them if the dataset is versioned.",
    entry="aurl.datasets.ingest",
    jobs="datasets",
    reads={"world": Shipped((str(shipped.RENDERED_WORLD),))},
    makes={"listing": "datasets/{dataset}.csv", "videos": "datasets/{dataset}"},
    folders=("videos",),
    settings=("datasets.{dataset}.source",),
    parts=(Parts(LAYOUTS, "datasets.{dataset}.source.layout", unless="datasets.{dataset}.source.render"),),
    all_cores=True,
)
MANIFEST = Stage(
    "manifest",
    "Decode every video of a dataset and write one row for each.",
    entry="aurl.frames.manifest",
    jobs="datasets",
    reads={"listing": One("listing"), "videos": One("videos", tracked=False)},
    makes={"manifest": "manifests/{dataset}.csv"},
    settings=("datasets.{dataset}.source", "datasets.{dataset}.broken", *LIMITS),
    free=("frames",),
    all_cores=True,
)
FRAMES = Stage(
    "frames",
    "Extract the frames of one shard of a dataset.",
    entry="aurl.frames.extract",
    jobs="shards",
    reads={"manifest": One("manifest"), "videos": One("videos", tracked=False)},
    makes={
        "shard": "frames/{dataset}/shards/{shard}.jpegs",
        "shard_index": "frames/{dataset}/shards/{shard}.safetensors",
    },
    settings=(*SHARD_KEYS, "datasets.{dataset}.broken", *LIMITS),
    free=("frames", "datasets.{dataset}.source"),
    dvc="frames",
)
FRAMES_INDEX = Stage(
    "frames_index",
    "List a dataset's shards with their SHA-256.",
    entry="aurl.frames.packing",
    jobs="decoded",
    reads={"shards": Each("shard", "shards"), "indexes": Each("shard_index", "shards")},
    makes={"frames_index": "frames/{dataset}/index.json"},
    settings=SHARD_KEYS,
    free=("frames",),
    dvc="frames",
)
EMBEDDINGS = Stage(
    "embeddings",
    "Embed a dataset's class names with the word vectors.",
    entry="aurl.semantics.embedding",
    jobs="embedded",
    reads={
        "manifest": One("manifest"),
        "encoder": PartFiles(ENCODERS, "semantics.encoder", "inputs"),
    },
    makes={"embeddings": "embeddings/{dataset}.safetensors"},
    settings=("semantics.encoder", "datasets.{dataset}.tokens", "datasets.{dataset}.broken"),
    free=("unseen", "datasets.{dataset}.equal_words"),
    parts=(Parts(ENCODERS, "semantics.encoder"),),
    recompute="deep",
)
SEEN_CLASSES = Stage(
    "seen_classes",
    "Apply the strict-label filter: which seen classes to train on.",
    entry="aurl.semantics.seen",
    jobs="once_if_complete",
    reads={"seen": One("embeddings", of_seen=True), "unseen": Each("embeddings", "filtering")},
    makes={"seen_classes": "seen_classes.csv"},
    settings=("semantics.tau", "semantics.expected_seen_classes"),
    recompute="deep",
)
TRAIN = Stage(
    "train",
    "Train one variant with one seed; resumes after a kill.",
    entry="aurl.training.loop",
    jobs="trained",
    reads={
        "manifest": One("manifest", of_seen=True),
        "frames": One("frames_index", of_seen=True),
        "embeddings": One("embeddings", of_seen=True),
        "seen_classes": One("seen_classes"),
    },
    makes={
        "checkpoint": "checkpoints/{variant}/seed{seed}.safetensors",
        "description": "checkpoints/{variant}/seed{seed}.json",
        "steps": "checkpoints/{variant}/seed{seed}.steps.csv",
    },
    settings=("model", "training", "variants.{variant}", "datasets.{seen}.broken"),
    parts=(
        *(BACKBONE, Parts("aurl.losses", "variants.{variant}.losses")),
        Parts("aurl.networks", "variants.{variant}.network", optional=True),
    ),
    compute="training.compute",
    processes="training.processes",
    seeds="aurl.training.seeds",
    recompute="retrain",
    state="resume/{variant}/seed{seed}.safetensors",
    dvc_kind={"steps": {"x": "step", "y": "loss", "title": "Loss of {variant}, seed {seed}"}},
)
IMPORT_WEIGHTS = Stage(
    "import_weights",
    "Turn a file of published weights into a variant's checkpoint.",
    entry="aurl.models.imported",
    jobs="imported",
    reads={"weights": Named("imported.{variant}.file", in_dvc=False)},
    makes={"checkpoint": TRAIN.makes["checkpoint"], "description": TRAIN.makes["description"]},
    settings=("model", "imported.{variant}"),
    parts=(BACKBONE,),
)
BACKBONE_FEATURES = Stage(
    "backbone_features",
    "Store the backbone features of a dataset's clips, for methods.",
    entry="aurl.fitting.stored",
    jobs="stored",
    reads={
        "checkpoint": One("checkpoint", of_network=True),
        "description": One("description", of_network=True),
        "manifest": One("manifest"),
        "frames": One("frames_index"),
        "embeddings": One("embeddings"),
    },
    makes={"backbone_features": "backbone_features/{network}/seed{seed}/{dataset}.safetensors"},
    settings=(
        *("evaluation.clips", "evaluation.batch_size", "evaluation.compute", "datasets.{dataset}.broken"),
        *("backbone_features.seen_clips", "seen"),
    ),
    parts=NETWORKS,
    compute="evaluation.compute",
    recompute="deep",
)
METHOD_READS: dict[str, Input] = {
    "checkpoint": One("checkpoint", of_network=True),
    "description": One("description", of_network=True),
    "seen_features": One("backbone_features", of_seen=True),
    "seen_embeddings": One("embeddings", of_seen=True),
    "seen_classes": One("seen_classes"),
}
FIT = Stage(
    "fit",
    "Fit a method on the stored features of the seen videos.",
    entry="aurl.fitting.fit",
    jobs="fitted",
    reads={**METHOD_READS, "unseen_embeddings": Each("embeddings", "filtering")},
    makes={"fitted": "methods/{variant}/seed{seed}.safetensors"},
    settings=("methods.{variant}",),
    parts=(Parts(METHODS, "methods.{variant}.method"), *NETWORKS),
    recompute="deep",
)
FEATURES = Stage(
    "features",
    "Embed a test set with a trained model, at every clip count.",
    entry="aurl.evaluation.video_embeddings",
    jobs="network_cells",
    reads={
        "checkpoint": One("checkpoint"),
        "description": One("description"),
        "manifest": One("manifest"),
        "frames": One("frames_index"),
        "embeddings": One("embeddings"),
    },
    makes={"features": "features/{variant}/seed{seed}/{dataset}.safetensors"},
    settings=("evaluation.clips", "evaluation.batch_size", "evaluation.compute", "datasets.{dataset}.broken"),
    parts=NETWORKS,
    compute="evaluation.compute",
    recompute="deep",
)
EVALUATE = Stage(
    "evaluate",
    "Evaluate every protocol of one variant, seed and test set.",
    entry="aurl.evaluation.evaluate",
    jobs="network_cells",
    reads={"features": One("features"), "lists": LISTS},
    makes={"metrics": "metrics/{variant}/seed{seed}/{dataset}.json"},
    settings=("evaluation.protocols",),
    parts=PROTOCOL_PARTS,
    recompute="deep",
    dvc_kind={"metrics": "metrics"},
)
METHOD_SCORES = Stage(
    "method_scores",
    "Score a test set with a fitted method, and evaluate every protocol.",
    entry="aurl.fitting.score",
    jobs="method_cells",
    reads={
        **METHOD_READS,
        "fitted": One("fitted"),
        "features": One("backbone_features"),
        "embeddings": One("embeddings"),
        "lists": LISTS,
    },
    makes={"features": FEATURES.makes["features"], "metrics": EVALUATE.makes["metrics"]},
    settings=("methods.{variant}", "evaluation.protocols", "evaluation.hubs"),
    parts=(Parts(METHODS, "methods.{variant}.method"), *NETWORKS, *PROTOCOL_PARTS),
    recompute="deep",
    dvc_kind={"metrics": "metrics"},
)
EXTERNAL = Stage(
    "external",
    "Evaluate every protocol on the score files of a row from outside.",
    entry="aurl.scoring.external",
    jobs="external",
    reads={
        "scores": Named("external.{row}.files", in_dvc=False),
        "manifests": Each("manifest", "tested"),
        "frames": Each("frames_index", "tested"),
        "embeddings": Each("embeddings", "tested"),
        "lists": LISTS,
    },
    makes={"external_metrics": "external/{row}.json", "external_hits": "external/{row}.safetensors"},
    settings=("external.{row}", "evaluation.protocols", "report.test_sets", "datasets"),
    parts=(*PROTOCOL_PARTS, Parts("aurl.scoring.formats")),
    recompute="deep",
    dvc_kind={"external_metrics": "metrics"},
)
GENERALISED = Stage(
    "generalised",
    "Measure generalised zero-shot recognition of one variant, all seeds, on held-out videos of seen classes.",
    entry="aurl.evaluation.held_out",
    jobs="generalised",
    reads={
        "checkpoints": Each("checkpoint", "networks"),
        "descriptions": Each("description", "networks"),
        "manifests": Each("manifest", "held_out"),
        "frames": Each("frames_index", "held_out"),
        "seen": One("embeddings", of_seen=True),
        "seen_classes": One("seen_classes"),
        "features": Each("features", "network_cells"),
        "unseen": Each("embeddings", "tested"),
        "verbs": Shipped((str(shipped.VERB_LEMMAS), str(shipped.VERB_EXCEPTIONS))),
    },
    makes={
        "generalised": "metrics/{variant}/generalised/{held_out}.json",
        "curve": "metrics/{variant}/generalised/{held_out}.csv",
    },
    settings=(
        *(
            "variants.{variant}",
            "semantics.tau",
            "report.ablation_clips",
            "evaluation.batch_size",
            "evaluation.compute",
        ),
        "datasets.{held_out}.broken",
    ),
    parts=NETWORKS,
    compute="evaluation.compute",
    recompute="deep",
    dvc_kind={
        "generalised": "metrics",
        "curve": {"x": "unseen", "y": "seen", "title": "Seen over unseen accuracy, {variant}"},
    },
)
COLLECT = Stage(
    "collect",
    "Collect all metrics into metrics.csv.",
    entry="aurl.evaluation.collect",
    jobs="once",
    reads={
        "metrics": Each("metrics", "cells"),
        "external": Each("external_metrics", "external"),
        "generalised": Each("generalised", "generalised"),
    },
    makes={"metrics_csv": "metrics.csv"},
    settings=("variants", "methods", "external", "seeds", "unseen"),
    parts=(MEASURES,),
    recompute="always",
)
STATISTICS = Stage(
    "statistics",
    "Compute intervals of the accuracies over all classes, and paired tests of the ablation.",
    entry="aurl.evaluation.uncertainty",
    jobs="once",
    reads={
        "features": Each("features", "cells"),
        "external": Each("external_hits", "external"),
        "published": Shipped((str(shipped.PUBLISHED),)),
    },
    makes={"statistics": "statistics.json"},
    settings=(
        *("evaluation.statistics", "report.ablation_clips", "report.proposed", "report.baseline", "variants"),
        *("evaluated", "seeds", "methods", "external", "unseen"),
    ),
    recompute="deep",
)
RESULTS: dict[str, Input] = {
    "metrics": One("metrics_csv"),
    "statistics": One("statistics"),
    "seen_classes": Each("seen_classes", "once_if_complete"),
    "published": Shipped((str(shipped.PUBLISHED),)),
    "published_methods": Shipped((str(shipped.PUBLISHED_METHODS),)),
    "predictions": Shipped((shipped.PREDICTIONS,)),
    "tokens": Shipped((str(shipped.TOKEN_TABLE),)),
    "world": Shipped((str(shipped.RENDERED_WORLD),)),  # the ceilings
    "verbs": Shipped((str(shipped.VERB_LEMMAS), str(shipped.VERB_EXCEPTIONS))),
    "manifests": Each("manifest", "datasets"),
    "embeddings": Each("embeddings", "embedded"),
    "frames": Each("frames_index", "decoded"),
}
TABLE_KEYS = (
    *("report", "seen", "unseen", "variants", "evaluated", "imported", "methods", "external", "datasets"),
    "semantics.tau",
)
TABLES_STAGE = Stage(
    "tables",
    "Write the paper's tables: ours, published, difference.",
    entry="aurl.report.write_tables",
    jobs="once",
    reads=RESULTS,
    makes=TABLES,
    settings=TABLE_KEYS,
    parts=(*SHOWN, METHODS_SHOWN, Parts("aurl.report.tables")),
    recompute="always",
)
FIGURES_STAGE = Stage(
    "figures",
    "Draw the figures.",
    entry="aurl.report.drawing.draw",
    jobs="once",
    reads={
        "metrics": One("metrics_csv"),
        "published": Shipped((str(shipped.PUBLISHED),)),  # the labels of variants
        "seen_classes": Each("seen_classes", "once_if_complete"),
        "features": Each("features", "network_cells"),
        "curves": Each("curve", "generalised"),
        "steps": Each("steps", "trained"),
        "checkpoint": Each("checkpoint", "generator"),
        "description": Each("description", "generator"),
        "manifests": Each("manifest", "tested"),
        "frames": Each("frames_index", "tested"),
        "embeddings": Each("embeddings", "embedded"),
    },
    makes=FIGURES,
    settings=(
        "report",
        "variants",
        "evaluated",
        "methods",
        "external",
        "datasets",
        "seen",
        "seeds",
        "semantics.tau",
        "evaluation.clips",
        "evaluation.protocols",
    ),
    parts=(*SHOWN, METHODS_SHOWN, *NETWORKS, Parts("aurl.report.figures")),
    recompute="deep",
)
REPORT = Stage(
    "report",
    "Write report.html: tables, figures and how they were made, in one page.",
    entry="aurl.report.page",
    jobs="once",
    reads={**RESULTS, "tables": AllOf("tables"), "figures": AllOf("figures")},
    makes={"report": "report.html"},
    settings=(
        *("seen", "unseen", "datasets", *FRAME_KEYS, "semantics", "model", "training", "variants", "trained"),
        *("imported", "evaluated", "backbone_features", "methods", "external", "seeds", "evaluation", "report"),
    ),
    parts=(*SHOWN, METHODS_SHOWN, Parts("aurl.report.tables")),
    folder="report/template",
    repeats=False,
)

METHOD_STAGES = (FIT.name, METHOD_SCORES.name)  # whose wildcard `variant` is a row of a method
STAGES: dict[str, Stage] = {value.name: value for value in list(globals().values()) if isinstance(value, Stage)}
