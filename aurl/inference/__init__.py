"""Predictions and embeddings for files of your own."""
