"""The loss functions and the class generator under one name, for code outside this package.

A function lies beside the terms that use it, so that an edit retrains no other variant. For that reason nothing in
this package imports this module.
"""

from aurl.methods.mse import mean_squared_error
from aurl.methods.synthetic import ClassGenerator, IdentityGenerator, synthetic_contrastive
from aurl.models.cosine import contrastive, cosine_logits, unit

__all__ = [
    "ClassGenerator",
    "IdentityGenerator",
    "contrastive",
    "cosine_logits",
    "mean_squared_error",
    "synthetic_contrastive",
    "unit",
]
