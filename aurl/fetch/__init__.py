"""Fetch the official datasets and word vectors: download, unpack safely, check."""
