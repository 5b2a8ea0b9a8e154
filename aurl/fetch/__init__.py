"""Fetching the official datasets and word vectors: download, safe unpacking, and a check of what is there."""
