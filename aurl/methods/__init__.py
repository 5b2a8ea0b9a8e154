"""Zero-shot methods that fit on the stored features of a network: one file each."""
