"""The training loop, its step, optimiser, schedule and resume state."""
