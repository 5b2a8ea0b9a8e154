"""Protocols of the field by name, one file each; `base.py` says what a file holds."""
