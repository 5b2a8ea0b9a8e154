"""Load checkpoints: safetensors with a description in JSON; neither can run code."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor

from aurl.models.shape import described_shape
from aurl.models.zero_shot import ZeroShotModel, build_network
from aurl.system.errors import AurlError, one_line


def state_bytes(model: torch.nn.Module) -> bytes:
    """Give a model's state dict as safetensors: equal states give equal bytes."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()})


def load_model(checkpoint: Path, description: Path | None = None) -> tuple[ZeroShotModel, dict[str, Any]]:
    """Rebuild a trained model on the CPU, in evaluation mode, with its description.

    Args:
        description: by default the file beside the checkpoint, of the same name with .json.
    Raises: AurlError if either file is missing or damaged, or they do not fit each other.
    """
    description = description or checkpoint.with_suffix(".json")
    if not checkpoint.is_file():
        raise AurlError(f"{checkpoint}: no such checkpoint; give a .safetensors file that 'aurl train' has written")
    if not description.is_file():
        raise AurlError(f"{description}: no such file; a checkpoint's description must be beside {checkpoint.name}")
    try:
        described = json.loads(description.read_text())
        state = load_file(checkpoint)
        shape = described_shape(described["model"])
        if type(described["clip_length"]) is not int or described["clip_length"] < 1:
            raise ValueError("the clip_length in its description is no whole number, or impossible")
        with torch.device("meta"):  # before memory of the described size is taken
            differences = compare_shapes(state, build_network(shape).state_dict())
        if differences:
            raise ValueError(f"not what its description says: {differences}")
        model = build_network(shape)
        model.load_state_dict(state)
    except Exception as error:  # safetensors, JSON and torch each raise their own
        raise AurlError(f"{checkpoint}: not a usable checkpoint ({one_line(error)}); delete it and run again") from None
    return model.eval(), described


def compare_shapes(state: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> str:
    """Say in which tensors' shapes two state dicts differ; an empty text if in none."""

    def shape(tensors: Mapping[str, Tensor], name: str) -> str:
        return str(tuple(tensors[name].shape)) if name in tensors else "missing"

    differing = [name for name in {**expected, **state} if shape(state, name) != shape(expected, name)]
    if not differing:
        return ""
    first = differing[0]
    return f"{len(differing)} tensors differ, first {first}: {shape(state, first)}, expected {shape(expected, first)}"
