"""Pack an experiment into one file that a stranger can verify, and verify it."""
