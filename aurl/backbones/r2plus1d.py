"""R(2+1)D (Tran et al., CVPR 2018), the paper's backbone g(I). Names and shapes of tensors are torchvision's."""

from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import Field, field_validator

from aurl.backbones.base import BackboneSettings
from aurl.experiment.settings import Positive, Size

if TYPE_CHECKING:
    from torch import Tensor, nn

MOST_BLOCKS = 100


class Settings(BackboneSettings):
    """Any width and depth; width 64 and blocks [2, 2, 2, 2] are R(2+1)D-18.

    `blocks` are the residual blocks of each stage; every stage after the first doubles the width and halves T, H, W.
    """

    memory_format: ClassVar[str] = "channels_last_3d"
    width: Annotated[Size, Field(description="channels of the first stage; every later stage has twice as many")] = 64
    blocks: Annotated[
        list[Positive], Field(min_length=1, max_length=6), Field(description="residual blocks of each stage")
    ] = [2, 2, 2, 2]

    @field_validator("blocks")
    @classmethod
    def _few(cls, blocks: list[int]) -> list[int]:
        if sum(blocks) > MOST_BLOCKS:
            raise ValueError(f"blocks must be at most {MOST_BLOCKS} in all")
        return blocks


def build(settings: Settings) -> "nn.Module":
    """Build the network with initial weights from torch's generator."""
    network: nn.Module = network_class()(settings.width, settings.blocks)
    return network


@cache
def network_class() -> Any:
    """Define the network. It is defined here because its base classes need torch, and `Settings` must not."""
    from torch import is_autocast_enabled, nn
    from torch.nn import functional

    class TemporalConvolution(nn.Conv3d):
        """A 3x1x1 convolution over time.

        Clips of 2 frames get their zero frames beforehand where a CPU computes in bfloat16: with padding of its own,
        torch 2.13 (oneDNN) returns uninitialised memory there as the weight's gradient.
        """

        def forward(self, x: "Tensor") -> "Tensor":
            if x.shape[2] == 2 and x.device.type == "cpu" and is_autocast_enabled("cpu"):
                return functional.conv3d(functional.pad(x, (0, 0, 0, 0, 1, 1)), self.weight, stride=self.stride)
            return super().forward(x)

    def stem(width: int) -> nn.Sequential:
        """Make the factorised 7x7 stem, 3 -> 45 -> 64 channels at full width (the middle in proportion otherwise)."""
        middle = 45 * width // 64
        return nn.Sequential(
            nn.Conv3d(3, middle, (1, 7, 7), stride=(1, 2, 2), padding=(0, 3, 3), bias=False),
            nn.BatchNorm3d(middle),
            nn.ReLU(inplace=True),
            TemporalConvolution(middle, width, (3, 1, 1), padding=(1, 0, 0), bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(inplace=True),
        )

    def factorised_convolution(planes_in: int, planes_out: int, middle: int, stride: int) -> nn.Sequential:
        """Make a 3x3x3 convolution of a spatial 1x3x3 and a temporal 3x1x1 one."""
        return nn.Sequential(
            nn.Conv3d(planes_in, middle, (1, 3, 3), stride=(1, stride, stride), padding=(0, 1, 1), bias=False),
            nn.BatchNorm3d(middle),
            nn.ReLU(inplace=True),
            TemporalConvolution(middle, planes_out, (3, 1, 1), stride=(stride, 1, 1), padding=(1, 0, 0), bias=False),
        )

    class BasicBlock(nn.Module):
        """A residual block; both convolutions use the block's middle width 27*in*out // (9*in + 3*out)."""

        def __init__(self, planes_in: int, planes_out: int, stride: int) -> None:
            super().__init__()
            middle = 27 * planes_in * planes_out // (9 * planes_in + 3 * planes_out)
            self.conv1 = nn.Sequential(
                factorised_convolution(planes_in, planes_out, middle, stride),
                nn.BatchNorm3d(planes_out),
                nn.ReLU(inplace=True),
            )
            self.conv2 = nn.Sequential(
                factorised_convolution(planes_out, planes_out, middle, 1), nn.BatchNorm3d(planes_out)
            )
            self.downsample = (
                nn.Sequential(
                    nn.Conv3d(planes_in, planes_out, 1, stride=stride, bias=False), nn.BatchNorm3d(planes_out)
                )
                if stride > 1 or planes_in != planes_out
                else None
            )

        def forward(self, x: "Tensor") -> "Tensor":
            shortcut = x if self.downsample is None else self.downsample(x)
            return functional.relu(self.conv2(self.conv1(x)) + shortcut, inplace=True)

    class R2Plus1D(nn.Module):
        """Clips (B, 3, T, H, W) -> (B, width * 2^(stages - 1)) after global average pooling, or (B, classes)."""

        def __init__(
            self, width: int = 64, blocks: Sequence[int] = (2, 2, 2, 2), num_classes: int | None = None
        ) -> None:
            super().__init__()
            self.stem = stem(width)
            planes = width
            self.stages = len(blocks)
            for stage, depth in enumerate(blocks):
                planes_out = width * 2**stage
                stride = 1 if stage == 0 else 2
                layer = [BasicBlock(planes, planes_out, stride)]
                layer += [BasicBlock(planes_out, planes_out, 1) for _ in range(depth - 1)]
                self.add_module(f"layer{stage + 1}", nn.Sequential(*layer))
                planes = planes_out
            self.features = planes
            self.fc = None if num_classes is None else nn.Linear(planes, num_classes)
            self.apply(initialise)

        def forward(self, x: "Tensor") -> "Tensor":
            x = self.stem(x)
            for stage in range(self.stages):
                x = self.get_submodule(f"layer{stage + 1}")(x)
            x = x.mean(dim=(2, 3, 4))
            return x if self.fc is None else self.fc(x)

    return R2Plus1D


def initialise(module: "nn.Module") -> None:
    """Draw Conv3d weights from Kaiming's normal distribution over fan-out; BatchNorm is 1 and 0 (torchvision).

    A module without memory (device "meta") is left: torch needs seconds to draw nothing.
    """
    from torch import nn

    if isinstance(module, nn.Conv3d) and not module.weight.is_meta:
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.BatchNorm3d):
        nn.init.ones_(module.weight)
        nn.init.zeros_(module.bias)
