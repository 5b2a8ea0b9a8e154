"""A small trained network in a file, and a video with its stored frames, for tests of what uses them."""

import shutil
from pathlib import Path

import media
import torch

from aurl.experiment.settings import FrameSettings
from aurl.frames.packing import stored_settings, write_index, write_shard
from aurl.inference.embed import decode_video
from aurl.models.checkpoint import state_bytes
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.json_files import write_json


def write_network(path: Path, frames: FrameSettings, dimension: int = 300) -> Path:
    """Write a seeded network and its description, as a training leaves them."""
    torch.manual_seed(1)
    shape = {
        "backbone": {"name": "r2plus1d", "width": 4, "blocks": [1, 1]}, "embedding": 12, "word_hidden": 10,
        "dropout": 0.0, "mean": [0.4, 0.4, 0.4], "std": [0.2, 0.2, 0.2], "dimension": dimension,
        "word_projector": True, "seen_classes": None,
    }  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(state_bytes(ZeroShotModel(ModelShape(**shape))))
    write_json(path.with_suffix(".json"), {"model": shape, "clip_length": 8, "variant": "aurl", "seed": 0,
                                           "classes": None, "frames": stored_settings(frames)})  # fmt: skip
    return path


def write_video(folder: Path, frames: FrameSettings) -> Path:
    """Write `video.avi` (which is an mp4) and its frames to `frames/index.json`."""
    shutil.copy(media.h264(folder / "made.mp4"), folder / "video.avi")
    shard = folder / "frames/0.jpegs", folder / "frames/0.safetensors"
    shard[0].parent.mkdir()
    _, jpegs = decode_video(folder / "video.avi", **stored_settings(frames))
    write_shard(*shard, iter([jpegs]))
    write_index([shard], stored_settings(frames), folder / "frames/index.json")
    return folder / "video.avi"
