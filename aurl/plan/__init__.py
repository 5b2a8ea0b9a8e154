"""Estimate what an experiment takes, before anything runs."""
