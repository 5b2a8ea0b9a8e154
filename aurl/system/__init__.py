"""Handle files, errors, progress and locks, without knowing the experiment."""
