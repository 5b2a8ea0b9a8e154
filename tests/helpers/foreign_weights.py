"""Files of weights as other projects save them."""

import argparse
import re
from collections import OrderedDict
from typing import Any

import numpy as np
import torch
from torch import Tensor

from aurl.models.published import COPIES
from aurl.models.zero_shot import ZeroShotModel


def aurl_state(model: ZeroShotModel) -> "OrderedDict[str, Tensor]":
    """A model's state under the names of the released code, written out by hand."""
    state: OrderedDict[str, Tensor] = OrderedDict()
    for name, tensor in model.state_dict().items():
        name = re.sub(r"^backbone\.stem\.", "backbone.model.0.", name)
        name = re.sub(r"^backbone\.layer", "backbone.model.", name)
        name = re.sub(r"^word_projector\.0\.", "backbone_words.regressor.", name)
        for ours, theirs in (("video_projector", "projection"), ("word_projector.1", "projection_words")):
            for place, layer in (
                ("0", "l1.0"),
                ("1", "l1.1"),
                ("3", "l2.0"),
                ("4", "l2.1"),
                ("6", "l3.0"),
                ("7", "l3.1"),
            ):
                name = name.replace(f"{ours}.{place}.", f"{theirs}.{layer}.")
        state[name.replace("visual_centres", "classifier.weight")] = tensor
    state["backbone.regressor.weight"], state["backbone.regressor.bias"] = torch.randn(6, 8), torch.randn(6)
    for copy, original in COPIES.items():
        state |= {copy + name[len(original) :]: state[name] for name in list(state) if name.startswith(original)}
    state["classifier_txts.weight"] = torch.rand_like(state["classifier.weight"])
    return state


def beside(**more: Any) -> dict[str, Any]:
    """What the authors' code saves beside the tensors."""
    options = argparse.Namespace(lr=0.1, network="r2plus1d_18", nested=argparse.Namespace(path="x", sizes=(112, 112)))
    numbers = {"accuracy": np.float64(44.4), "best": np.float32(1), "counts": [np.int64(7)], "flag": np.bool_(True)}
    return {"opt": options, **numbers, "epoch": 149, **more}
