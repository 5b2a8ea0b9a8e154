"""Checkpoints (safetensors plus JSON: nothing that unpickles) and the state of unfinished trainings."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save
from torch import Tensor

from aurl.models.zero_shot import WithoutMemory, ZeroShotModel
from aurl.system.errors import AurlError
from aurl.system.files import write_bytes
from aurl.system.progress import notice

MOST_STAGES, MOST_BLOCKS, LARGEST = 6, 100, 1 << 24  # of a description that is believed so far as to be compared


@dataclass
class ResumeState:
    """Everything that a step depends on besides its number, and the log so far, float64 (steps, columns)."""

    step: int
    model: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    log: Tensor


def state_bytes(model: torch.nn.Module) -> bytes:
    """A model's state dict as safetensors: equal states give equal bytes."""
    return save({name: tensor.detach().cpu().contiguous() for name, tensor in model.state_dict().items()})


def load_model(checkpoint: Path, description: Path) -> tuple[ZeroShotModel, dict[str, Any]]:
    """Rebuild a trained model on the CPU, in evaluation mode, with its description.

    Raises: AurlError if either file is damaged, or they do not fit each other.
    """
    try:
        described = json.loads(description.read_text())
        state = load_file(checkpoint)
        _check_description(described, state)
        model = ZeroShotModel(**described["model"])
        model.load_state_dict(state)
    except Exception as error:  # safetensors, JSON and torch each raise their own
        reason = " ".join(str(error).split())[:300]
        raise AurlError(f"{checkpoint}: not a usable checkpoint ({reason}); delete it and run again") from None
    return model.eval(), described


def _check_description(described: dict[str, Any], state: dict[str, Tensor]) -> None:
    """Compare a description with the tensors of the file before memory of the described size is taken.

    Raises: ValueError, or what a value of a wrong type raises.
    """
    shape = described["model"]
    numbers = [*(shape[key] for key in ("width", "embedding", "word_hidden", "dimension")), *shape["blocks"]]
    numbers += [described["clip_length"]] + ([] if shape["seen_classes"] is None else [shape["seen_classes"]])
    if len(shape["blocks"]) > MOST_STAGES or sum(shape["blocks"]) > MOST_BLOCKS:
        raise ValueError(f"blocks {str(shape['blocks'])[:60]} are none of such a network")
    if not all(type(number) is int and 0 < number <= LARGEST for number in numbers):
        raise ValueError("a size in its description is no whole number, or impossible")
    with WithoutMemory():
        expected = ZeroShotModel(**shape).state_dict()
    differing = [name for name in {**expected, **state} if _shape(expected, name) != _shape(state, name)]
    if differing:
        first = differing[0]
        raise ValueError(
            f"{first}: {_shape(state, first)}, its description says {_shape(expected, first)};"
            f" {len(differing)} tensors differ"
        )


def _shape(state: dict[str, Tensor], name: str) -> str:
    return str(tuple(state[name].shape)) if name in state else "missing"


def save_resume(path: Path, identity: str, step: int, model: torch.nn.Module, optimizer: torch.optim.Optimizer,
                rows: Tensor) -> None:  # fmt: skip
    """Write the state after `step` steps; `identity` names the training that may resume from it."""
    tensors = {f"model.{name}": tensor for name, tensor in model.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{index}.{key}": value for key, value in state.items() if isinstance(value, Tensor)}
    tensors["log"] = rows
    cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    described = {"identity": identity, "step": step, "sha256": _digest(cpu)}
    write_bytes(path, save(cpu, {"aurl": json.dumps(described)}))


def load_resume(path: Path, identity: str) -> ResumeState | None:
    """The saved state, or None where there is none, it is damaged, or it belongs to another training."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as handle:
            described = json.loads(handle.metadata()["aurl"])
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a mapping)
        if described["sha256"] != _digest(tensors):
            raise ValueError("its contents are not those that were written")
    except Exception as error:  # a damaged file: whatever the reader makes of it
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:200]
        notice(f"{path}: unreadable resume state ({reason}); training starts from the beginning")
        return None
    if described["identity"] != identity:
        notice(f"{path}: belongs to a training with other inputs or settings; training starts from the beginning")
        return None
    return ResumeState(
        described["step"],
        {name.removeprefix("model."): tensor for name, tensor in tensors.items() if name.startswith("model.")},
        {name.removeprefix("optimizer."): tensor for name, tensor in tensors.items() if name.startswith("optimizer.")},
        tensors["log"],
    )


def _digest(tensors: dict[str, Tensor]) -> str:
    """Hex SHA-256 over names and bytes, sorted by name."""
    found = hashlib.sha256()
    for name in sorted(tensors):
        found.update(name.encode())
        found.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return found.hexdigest()


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put saved optimiser tensors, named `<parameter index>.<key>`, back."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
