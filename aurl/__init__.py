"""A reproducible benchmark of AURL, alignment-uniformity aware zero-shot video classification (CVPR 2022).

The names of `__all__` are the public ones (docs/python.md). Each loads its module, and so perhaps torch, when it is
first used:

>>> import aurl
>>> aurl.evaluation_indices(num_frames=10, clips=2, clip_length=4).tolist()
[[0, 1, 2, 3], [5, 6, 7, 8]]
>>> aurl.parts("losses")
['centres', 'cross_entropy', 'matching', 'mixed_videos', 'mse', 'seen', 'synthetic']
>>> from pathlib import Path
>>> aurl.load_experiment(Path("params.yaml")).unseen
['drawn_ucf', 'drawn_hmdb']

With a trained checkpoint:

    model, description = aurl.load_model(Path("results/mini/checkpoints/aurl/seed0.safetensors"))
    space = model.embed_classes(torch.from_numpy(vectors))  # (classes, dimension) -> (classes, space)
"""

import importlib

TYPE_CHECKING = False  # not from typing, whose import takes half of a served job's start (aurl/cli/handed_over.py)
if TYPE_CHECKING:  # for type checkers and editors; at run time `__getattr__` loads a name
    from typing import Any

    from aurl.evaluation.generalised import generalised as generalised
    from aurl.evaluation.metrics import closeness as closeness
    from aurl.evaluation.metrics import dispersion as dispersion
    from aurl.evaluation.named.base import protocols as protocols
    from aurl.evaluation.protocols.half_splits import half_class_split as half_class_split
    from aurl.evaluation.test_sets import test_set as test_set
    from aurl.evaluation.video_embeddings import embed_videos as embed_videos
    from aurl.experiment.presets import load_preset as load_preset
    from aurl.experiment.read import load_experiment as load_experiment
    from aurl.frames.clips import evaluation_indices as evaluation_indices
    from aurl.inference.embed import embed_files as embed_files
    from aurl.inference.model import class_embeddings as class_embeddings
    from aurl.inference.model import load as load
    from aurl.inference.predict import predict as predict
    from aurl.inference.words import embed_classes as embed_classes
    from aurl.losses.synthetic import ClassGenerator as ClassGenerator
    from aurl.models.checkpoint import load_model as load_model
    from aurl.models.cosine import contrastive as contrastive
    from aurl.report.experiment import Experiment as Experiment
    from aurl.scoring.evaluate import evaluate as evaluate
    from aurl.semantics.seen import filter_seen as filter_seen

_MODULES = {  # public name -> the module that defines it
    "Experiment": "aurl.report.experiment",
    "load_experiment": "aurl.experiment.read",
    "load_preset": "aurl.experiment.presets",
    "load_model": "aurl.models.checkpoint",
    "predict": "aurl.inference.predict",
    "load": "aurl.inference.model",
    "class_embeddings": "aurl.inference.model",
    "embed_files": "aurl.inference.embed",
    "embed_videos": "aurl.evaluation.video_embeddings",
    "embed_classes": "aurl.inference.words",
    "evaluate": "aurl.scoring.evaluate",
    "test_set": "aurl.evaluation.test_sets",
    "protocols": "aurl.evaluation.named.base",
    "generalised": "aurl.evaluation.generalised",
    "half_class_split": "aurl.evaluation.protocols.half_splits",
    "evaluation_indices": "aurl.frames.clips",
    "filter_seen": "aurl.semantics.seen",
    "closeness": "aurl.evaluation.metrics",
    "dispersion": "aurl.evaluation.metrics",
    "contrastive": "aurl.models.cosine",
    "ClassGenerator": "aurl.losses.synthetic",
}
_FOLDERS = {  # kind of part -> the folder of its files
    "losses": "aurl.losses",
    "methods": "aurl.methods",
    "backbones": "aurl.backbones",
    "networks": "aurl.networks",
    "encoders": "aurl.semantics.encoders",
    "layouts": "aurl.datasets.layouts",
    "protocols": "aurl.evaluation.protocols",
    "named_protocols": "aurl.evaluation.named",
    "score_formats": "aurl.scoring.formats",
    "measures": "aurl.evaluation.measures",
    "tables": "aurl.report.tables",
    "figures": "aurl.report.figures",
}

__all__ = sorted([*_MODULES, "parts"])


def parts(kind: str) -> list[str]:
    """List the names of all parts of a kind, such as `methods` or `encoders`.

    Raises: ValueError for an unknown kind.
    """
    from aurl.system.plugins import names

    if kind not in _FOLDERS:
        raise ValueError(f"'{kind}' is no kind of part; known: {', '.join(_FOLDERS)}")
    return names(_FOLDERS[kind])


def __getattr__(name: str) -> "Any":
    """Load a public name from its module (PEP 562)."""
    if name not in _MODULES:
        raise AttributeError(f"module 'aurl' has no attribute '{name}'")
    return getattr(importlib.import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    """List the public names, for completion."""
    return __all__
