"""The zero-shot model, its shape, its checkpoints, and published weights."""
