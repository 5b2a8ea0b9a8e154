"""R(2+1)D, the projectors and the zero-shot model."""
