"""Report what a test set has in common with the seen classes and videos: `aurl overlap`."""
