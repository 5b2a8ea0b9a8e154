"""Scores of any method on a public test set: read, matched by name, tested by every named protocol."""
