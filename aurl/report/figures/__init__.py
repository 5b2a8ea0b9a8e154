"""The figures, one module for each, in one style."""
