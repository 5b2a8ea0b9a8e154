"""Dataset folders, the rendered world, and the manifest that all of them produce."""
