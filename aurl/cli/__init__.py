"""The `aurl` command."""

from aurl.cli.group import cli, main

__all__ = ["cli", "main"]
