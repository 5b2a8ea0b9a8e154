"""Test a network on videos, without training: `aurl test`."""
