"""Save and load the state of an unfinished training, so that it resumes bit-equal."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from aurl.system.errors import one_line
from aurl.system.files import write_bytes
from aurl.system.progress import notice


@dataclass
class ResumeState:
    """Hold everything that a step depends on, and the log so far, float64 (steps, columns)."""

    step: int
    model: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    log: Tensor


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
    """Read the saved state; None if there is none, it is damaged, or it belongs to another training."""
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as handle:
            described = json.loads(handle.metadata()["aurl"])
            tensors = {name: handle.get_tensor(name) for name in handle.keys()}  # noqa: SIM118 (not a mapping)
        if described["sha256"] != _digest(tensors):
            raise ValueError("its contents are not those that were written")
    except Exception as error:  # a damaged file makes the reader raise many kinds
        reason = one_line(f"{type(error).__name__}: {error}", 200)
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
    """Compute the hex SHA-256 over names and bytes, sorted by name."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Put saved optimiser tensors, named `<parameter index>.<key>`, back."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", 1)
        state.setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
