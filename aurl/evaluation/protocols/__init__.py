"""Test protocols, one file each; `base.py` says what a file holds."""
