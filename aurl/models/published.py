"""Read published weights and give their tensors this project's names.

The names of the tensors say which of three kinds a file is. Every name and shape must be as expected:

- `aurl`: the AURL authors' checkpoint. Modules as in the released code: `backbone.model` is torchvision's
  R(2+1)D-18 without its head, as a Sequential (stem, layer1 .. layer4, pooling); then `projection`,
  `backbone_words.regressor`, `projection_words`, and the visual centres `classifier`. `encode` and
  `encode_words` are the same modules again. `backbone.regressor` (Linear 512-300, left from the earlier
  paper) and `classifier_txts` are never applied.
- `e2e`: the earlier paper's (Brattoli et al., CVPR 2020), `model` as above and `regressor` (Linear 512-300).
  Its code averages the clips before the regressor and scales the result to unit length; cosines are the same.
- `r2plus1d`: torchvision's r2plus1d_18, the backbone alone; its 400-way head is not used.

*Assumed*: the released files hold what the released code saves; they were not at hand.
"""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from aurl.backbones.base import FOLDER, build_backbone
from aurl.models.checkpoint import compare_shapes
from aurl.models.shape import ModelShape
from aurl.models.torch_file import read_checkpoint
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.errors import AurlError
from aurl.system.plugins import load

LISTED = 10  # problems that an error names
WIDEST = 1 << 16  # no layer is wider; larger sizes would overflow
STAGE = {"aurl": r"backbone\.model\.", "e2e": r"model\.", "r2plus1d": "layer"}  # a stage's name up to its number
UNUSED: dict[str, set[str]] = {
    "aurl": {"backbone.regressor.weight", "backbone.regressor.bias", "classifier_txts.weight"},
    "e2e": set(),
    "r2plus1d": {"fc.weight", "fc.bias"},
}
COPIES = {  # the same module under a second name
    "encode.0.": "backbone.",
    "encode.1.": "projection.",
    "encode_words.0.": "backbone_words.",
    "encode_words.1.": "projection_words.",
}


@dataclass(frozen=True)
class PublishedWeights:
    """Hold a checked file of weights.

    `state` has the names of `ZeroShotModel`, of which kind `r2plus1d` fills the backbone's only; its numbers
    are float32. `shape` holds the parts of a `ModelShape` that follow from the tensors (not dropout and normalisation).
    `unused` are the file's tensors that the model has no use for, `filled` our names that the file lacks and that are
    0, `numbers` the plain integers beside the tensors (an epoch, say).
    """

    kind: str
    state: dict[str, Tensor]
    shape: dict[str, Any]
    unused: list[str]
    filled: list[str]
    numbers: dict[str, int]


def read_published(path: Path) -> PublishedWeights:
    """Read published weights of any known kind; nothing in the file is executed.

    Raises: AurlError if the file cannot be read, is of no known kind, or its tensors are not the expected ones.
    """
    checkpoint = read_checkpoint(path)
    tensors = without_prefix(checkpoint.tensors)
    kind = kind_of(tensors, path)
    tensors = without_copies(tensors, path) if kind == "aurl" else tensors
    shape = model_shape(kind, tensors, path)
    expected = expected_tensors(kind, shape)
    names = {their_name(kind, name): name for name in expected}
    filled = [name for theirs, name in names.items() if theirs not in tensors and name.endswith(".num_batches_tracked")]
    unused = sorted(UNUSED[kind] & set(tensors))
    known = {*names, *unused}
    problems = [f"{theirs} {tuple(tensor.shape)} unknown" for theirs, tensor in tensors.items() if theirs not in known]
    for theirs, name in names.items():
        wanted = expected[name]
        if theirs not in tensors:
            problems += [] if name in filled else [f"{theirs} {tuple(wanted.shape)} missing"]
        elif tensors[theirs].shape != wanted.shape:
            problems.append(f"{theirs} {tuple(tensors[theirs].shape)}, expected {tuple(wanted.shape)}")
        elif tensors[theirs].is_floating_point() != wanted.is_floating_point():
            problems.append(f"{theirs} {tensors[theirs].dtype}, expected {wanted.dtype}")
        elif not tensors[theirs].isfinite().all():
            problems.append(f"{theirs} has values that are not finite")
    refuse(path, kind, problems)
    zero = torch.zeros((), dtype=torch.int64)
    state = {
        name: zero.clone() if name in filled else tensors[theirs].to(expected[name].dtype).contiguous()
        for theirs, name in names.items()
    }
    return PublishedWeights(kind, state, shape, unused, filled, checkpoint.numbers)


def backbone_state(path: Path) -> dict[str, Tensor]:
    """Read the backbone's tensors from published weights, under the names of backbone `r2plus1d`."""
    state = read_published(path).state
    return {name.removeprefix("backbone."): tensor for name, tensor in state.items() if name.startswith("backbone.")}


def initialise_backbone(backbone: nn.Module, path: Path) -> None:
    """Start a backbone from published weights. Raises: AurlError if they are of another width or depth."""
    published = backbone_state(path)
    differences = compare_shapes(published, backbone.state_dict())
    if differences:
        raise AurlError(
            f"{path}: another width or depth than this experiment's backbone ({differences}); set model.backbone to"
            " what the file holds"
        )
    backbone.load_state_dict(published)


def without_prefix(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Remove the `module.` of torch's DataParallel from the names, if all of them have it."""
    prefix = "module." if all(name.startswith("module.") for name in tensors) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}


def kind_of(tensors: Mapping[str, Tensor], path: Path) -> str:
    """Recognise the kind by the names: `aurl`, `e2e` or `r2plus1d`. Raises: AurlError for other names."""
    if any(name.startswith("backbone.model.") for name in tensors):
        return "aurl"
    if any(name.startswith("model.") for name in tensors) and "regressor.weight" in tensors:
        return "e2e"
    if any(name.startswith("stem.") for name in tensors):
        return "r2plus1d"
    first = ", ".join(list(tensors)[:3])
    raise AurlError(
        f"{path}: weights of an unknown kind (its tensors: {first}, ...); known are the AURL authors' checkpoint,"
        " that of Brattoli et al., and torchvision's r2plus1d_18"
    )


def without_copies(tensors: Mapping[str, Tensor], path: Path) -> dict[str, Tensor]:
    """Leave out tensors that repeat another. Raises: AurlError if one is not bit-equal to its original."""
    kept, problems = {}, []
    for name, tensor in tensors.items():
        copied = next((prefix for prefix in COPIES if name.startswith(prefix)), None)
        if copied is None:
            kept[name] = tensor
            continue
        original = COPIES[copied] + name.removeprefix(copied)
        if original not in tensors or not bit_equal(tensor, tensors[original]):
            problems.append(f"{name} is not equal to {original}")
    refuse(path, "aurl", problems)
    return kept


def bit_equal(left: Tensor, right: Tensor) -> bool:
    """Say whether two tensors have the same type, shape and bits."""
    if left.dtype != right.dtype or left.shape != right.shape:
        return False
    return torch.equal(*(tensor.contiguous().reshape(-1).view(torch.uint8) for tensor in (left, right)))


def model_shape(kind: str, tensors: Mapping[str, Tensor], path: Path) -> dict[str, Any]:
    """Read the parts of a `ModelShape` from names and shapes. Raises: AurlError if a tensor is missing."""

    def size(name: str, axis: int) -> int:
        theirs = their_name(kind, name)
        if theirs not in tensors:
            refuse(path, kind, [f"{theirs} missing"])
        shape = tensors[theirs].shape
        if axis >= len(shape) or not 0 < shape[axis] <= WIDEST:
            refuse(path, kind, [f"{theirs} {tuple(shape)} has an impossible shape"])
        return shape[axis]

    matches = filter(None, (re.match(STAGE[kind] + r"([1-9])\.(\d+)\.", name) for name in tensors))
    blocks = Counter(int(stage) for stage, _ in {match.groups() for match in matches})
    depths = [max(1, blocks[number]) for number in range(1, max(blocks, default=1) + 1)]
    width = size("backbone.stem.3.weight", 0)
    shape: dict[str, Any] = {"backbone": {"name": "r2plus1d", "width": width, "blocks": depths}}
    if kind == "e2e":
        dimension = size("video_projector.weight", 0)
        unused = {"embedding": dimension, "word_hidden": dimension}  # by a model without word projector
        shape |= {"dimension": dimension, "word_projector": False, "seen_classes": None, **unused}
    if kind == "aurl":
        shape |= {
            "embedding": size("video_projector.0.weight", 0),
            "word_hidden": size("word_projector.0.weight", 0),
            "dimension": size("word_projector.0.weight", 1),
            "word_projector": True,
            "seen_classes": size("visual_centres", 0),
        }
    return shape


def expected_tensors(kind: str, shape: dict[str, Any]) -> dict[str, Tensor]:
    """Give our names with tensors of the right shape and type, without memory. Raises: ValidationError."""
    with torch.device("meta"):
        if kind == "r2plus1d":
            backbone = build_backbone(load(FOLDER, "r2plus1d").Settings.model_validate(shape["backbone"]))
            return {f"backbone.{name}": tensor for name, tensor in backbone.state_dict().items()}
        return ZeroShotModel(ModelShape(**shape)).state_dict()


def their_name(kind: str, name: str) -> str:
    """Give the name that a tensor of our model has in a file of that kind."""
    module, _, inner = name.partition(".")
    if module == "backbone":
        stage, _, rest = inner.partition(".")
        number = "0" if stage == "stem" else stage.removeprefix("layer")
        return {"aurl": f"backbone.model.{number}.{rest}", "e2e": f"model.{number}.{rest}", "r2plus1d": inner}[kind]
    if kind == "e2e":
        return f"regressor.{inner}"  # video_projector
    if module == "visual_centres":
        return "classifier.weight"
    if module == "word_projector" and inner.startswith("0."):
        return f"backbone_words.regressor.{inner.removeprefix('0.')}"
    theirs, layers = ("projection", inner) if module == "video_projector" else ("projection_words", inner[2:])
    layer, _, rest = layers.partition(".")
    return f"{theirs}.l{int(layer) // 3 + 1}.{int(layer) % 3}.{rest}"  # Linear, BatchNorm1d, ReLU each


def refuse(path: Path, kind: str, problems: list[str]) -> None:
    """Raise an AurlError with the first problems, if there are any."""
    if problems:
        more = f"; and {len(problems) - LISTED} more" if len(problems) > LISTED else ""
        raise AurlError(f"{path}: not the tensors of kind '{kind}': {'; '.join(problems[:LISTED])}{more}")
