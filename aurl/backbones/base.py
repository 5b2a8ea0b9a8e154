"""The contract of a visual backbone: a file of this folder, or a module from outside, with two names.

- `Settings(BackboneSettings)`: the backbone's keys of `model.backbone` in `params.yaml`, with their limits.
- `build(settings)`: the network, initialised from torch's generator. It maps clips, float (B, 3, T, H, W) and
  normalised, to (B, features), and has the attribute `features`. T, H and W may be any that the network can take; a
  network for single frames folds T into B and averages over T.

The file is imported wherever `params.yaml` is read, also where torch must not be: import torch inside functions.
"""

from typing import TYPE_CHECKING, Any, ClassVar

from aurl.experiment.settings import PartSettings
from aurl.system import plugins

if TYPE_CHECKING:
    import torch
    from torch import nn

FOLDER = "aurl.backbones"


class BackboneSettings(PartSettings):
    """Base of a backbone's settings.

    `memory_format` names torch's layout that is fastest for the weights (`compute.channels_last` turns it on).
    """

    memory_format: ClassVar[str] = "contiguous_format"


def build_backbone(settings: PartSettings) -> "nn.Module":
    """Build the backbone that the settings name."""
    network: nn.Module = plugins.load(FOLDER, settings.name).build(settings)
    return network


def memory_format(settings: PartSettings) -> "torch.memory_format":
    """Give torch's layout that is fastest for a backbone's weights."""
    import torch

    name: Any = getattr(settings, "memory_format", BackboneSettings.memory_format)
    layout: torch.memory_format = getattr(torch, name)
    return layout


def backbone_module(settings: PartSettings) -> str:
    """Name the module of a backbone, whose file belongs to the code of every stage that runs the model."""
    return plugins.module_of(FOLDER, settings.name)
