"""Training loop, optimiser and schedule, checkpoint and resume."""
