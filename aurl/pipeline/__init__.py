"""Which jobs an experiment has, and how one is run."""
