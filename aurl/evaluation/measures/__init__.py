"""Measures of a network on a test set, one file each; `base.py` says what a file holds."""
