"""Loss terms, one file each, and the paper's loss functions under one name.

Each function lies in the file of the term that uses it, so that an edit retrains no other variant. The names are looked
up when they are asked for: the settings of a term are read where torch is not loaded.
"""

import importlib
from typing import Any

_HOME = {
    "ClassGenerator": "aurl.losses.synthetic",
    "IdentityGenerator": "aurl.losses.synthetic",
    "synthetic_contrastive": "aurl.losses.synthetic",
    "mean_squared_error": "aurl.losses.mse",
    "contrastive": "aurl.models.cosine",
    "cosine_logits": "aurl.models.cosine",
    "unit": "aurl.models.cosine",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    """Look up one of the functions. Raises: AttributeError for any other name."""
    if name not in _HOME:
        raise AttributeError(f"module 'aurl.losses' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)
