"""Verify results against their lineage."""
