"""Look after an experiment: status, rerun, presets, imports."""
