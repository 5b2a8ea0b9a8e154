"""Candidates for a method of our own: parts from outside the package, tried by `benchmarks/validation.py`."""
