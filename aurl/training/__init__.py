"""Train a variant: loop, step, optimiser, schedule and resume state."""
