"""Visual backbones, one file each."""
