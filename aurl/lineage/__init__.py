"""Stages and their code, provenance blocks, and recording with DVC."""
