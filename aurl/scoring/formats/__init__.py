"""Formats of score files, one file each, named like the ending; `base.py` says what a file holds."""
