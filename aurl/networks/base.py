"""The contract of a network: a file of this folder, or a module from outside, with two names.

- `Settings(NetworkPart)`: the network's keys of `variants.NAME.network` in `params.yaml`, and what it tells of itself.
- `build(settings, shape)`: the network, initialised from torch's generator. It extends `ZeroShotModel` of
  `aurl/models/zero_shot.py`, and overrides what is different: `build_projectors`, `read_clips`, `project_videos`,
  `embed_classes`, `pool_clips`, and `match` if `Settings.matches`.

A network embeds a clip whatever other clips are in the batch once it is in evaluation mode, and embeds any class from
its class embedding c(y) alone. All that it needs for this is in its state dict. `learn_classes` gets the seen classes
and their words before the training.

The file is imported wherever `params.yaml` is read, also where torch must not be: import torch inside functions.
"""

from aurl.experiment.variants import NetworkPart

__all__ = ["NetworkPart"]
