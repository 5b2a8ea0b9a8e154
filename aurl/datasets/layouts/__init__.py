"""Dataset layouts: one file for each, loaded by its name."""
