"""The typed experiment: params.yaml, checked."""
