"""A reproducible benchmark of AURL, alignment-uniformity aware zero-shot video classification (CVPR 2022)."""
