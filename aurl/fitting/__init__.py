"""Stored features of networks, and the methods that are fitted on them."""
