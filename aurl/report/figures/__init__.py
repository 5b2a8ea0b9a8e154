"""One file for each figure; base.py states what such a file holds."""
