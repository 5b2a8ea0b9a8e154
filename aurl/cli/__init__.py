"""The `aurl` command."""

TYPE_CHECKING = False  # as in `aurl/__init__.py`
if TYPE_CHECKING:
    from typing import Any


def main() -> None:
    """Run a command: in the run's job server where Snakemake has started one, else in this process."""
    from aurl.cli.handed_over import hand_over

    hand_over()
    from aurl.cli.group import main as run

    run()


def __getattr__(name: str) -> "Any":
    """Load `cli`, the group of all commands, when it is first used."""
    if name != "cli":
        raise AttributeError(f"module 'aurl.cli' has no attribute '{name}'")
    from aurl.cli.group import cli

    return cli
