"""Give R(2+1)D as a class to use by itself: `R2Plus1D(width, blocks, num_classes)`."""

from aurl.backbones.r2plus1d import network_class

R2Plus1D = network_class()
