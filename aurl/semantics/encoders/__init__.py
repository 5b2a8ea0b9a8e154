"""Text encoders: one file for each, loaded by its name."""
