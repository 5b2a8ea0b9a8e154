"""Assemble the `aurl` command, and turn errors into one line.

Heavy modules are imported by the command that needs them.
"""

import sys
from pathlib import Path

import click

from aurl.cli import bundle, experiment, inference, lineage, operate
from aurl.cli.stages import stage_commands
from aurl.system.errors import AurlError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aurl")
@click.option(
    "--params", type=click.Path(path_type=Path), default="params.yaml", show_default=True, help="The experiment."
)
@click.pass_context
def cli(context: click.Context, params: Path) -> None:
    """A reproducible benchmark of AURL, zero-shot video classification (CVPR 2022).

    'snakemake' runs the whole experiment of params.yaml. A command here is one of its stages, or looks after the
    whole.
    """
    context.obj = params


for command in stage_commands():
    cli.add_command(command)
for room in (experiment, operate, lineage, bundle, inference):  # a command of a stage's name adds to what the stage has
    for command in vars(room).values():
        if isinstance(command, click.Command):
            cli.add_command(command)


def main() -> None:
    """Run a command; bad input becomes one line on standard error and exit status 1."""
    try:
        cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except (click.Abort, KeyboardInterrupt):
        sys.exit("aurl: interrupted; finished results are kept")
    except AurlError as error:
        sys.exit(f"aurl: error: {error}")
    except FileNotFoundError as error:
        is_result = str(error.filename).startswith("results/")
        mend = f"run the stage that makes it ('snakemake -- {error.filename}')" if is_result else "check params.yaml"
        sys.exit(f"aurl: error: {error.filename}: no such file; {mend}")
    except OSError as error:
        sys.exit(
            f"aurl: error: {error.filename or 'writing results'}: {error.strerror or error}; finished results are untouched"
        )
