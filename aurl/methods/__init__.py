"""Loss terms: one file each."""
