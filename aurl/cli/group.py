"""Assemble the `aurl` command, and turn errors into lines for a person.

Heavy modules are imported by the command that needs them.
"""

import sys
from pathlib import Path
from typing import NoReturn

import click

from aurl.cli import bundle, experiment, inference, lineage, operate
from aurl.cli.places import enter
from aurl.cli.stages import stage_commands
from aurl.system.errors import AurlError
from aurl.system.locks import note_interrupts
from aurl.system.terminal import WIDTH, wrapped

GROUPS = {  # the stages stand below these, and a command without a group last
    "Use": ["use", "plan", "status", "rerun", "predict", "test", "encode", "score", "check-method"],
    "Results": ["summary", "compare", "report"],
    "Lineage": ["record", "sync", "audit", "history", "bundle", "verify", "leaderboard"],
    "Data": ["fetch", "import-weights", "add-scores", "overlap"],
}
STAGES_TITLE = "Stages of the workflow, which 'snakemake' runs"
OTHERS_TITLE = "Others"


class GroupedCommands(click.Group):
    """Show the commands in groups, each with its whole first sentence."""

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write a section for each group."""
        for title, names in self.sections().items():
            with formatter.section(title):
                formatter.write_dl([(name, first_sentence(self.commands[name])) for name in names])

    def sections(self) -> dict[str, list[str]]:
        """Map each title to the names of its commands; hidden ones have no place."""
        shown = {name for name, command in self.commands.items() if not command.hidden}
        grouped = {title: [name for name in names if name in shown] for title, names in GROUPS.items()}
        left = shown - {name for names in grouped.values() for name in names}
        stages = [str(command.name) for command in STAGE_COMMANDS if command.name in left]
        sections = grouped | {STAGES_TITLE: stages, OTHERS_TITLE: sorted(left - set(stages))}
        return {title: names for title, names in sections.items() if names}


def first_sentence(command: click.Command) -> str:
    """Return the first sentence of a command's help, however long."""
    paragraph = " ".join((command.help or "").split("\n\n")[0].split())
    return paragraph.partition(". ")[0].removesuffix(".") + "."


@click.group(cls=GroupedCommands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDTH})
@click.version_option(package_name="aurl")
@click.option("-C", "folder", type=click.Path(path_type=Path), metavar="DIR", help="Work in the clone DIR.")
@click.option("--params", type=click.Path(path_type=Path), help="The experiment.  [default: params.yaml]")
@click.pass_context
def cli(context: click.Context, folder: Path | None, params: Path | None) -> None:
    """A reproducible benchmark of AURL, zero-shot video classification (CVPR 2022).

    'snakemake' runs the whole experiment of params.yaml. A command here is one of its stages, or looks after the
    whole. It works in every folder of a clone; files that you name are looked up from where you are.
    """
    context.obj = enter(folder, params)


STAGE_COMMANDS = list(stage_commands())
for command in STAGE_COMMANDS:
    cli.add_command(command)
for room in (experiment, operate, lineage, bundle, inference):  # a command of a stage's name adds to what the stage has
    for command in vars(room).values():
        if isinstance(command, click.Command):
            cli.add_command(command)


def main() -> None:
    """Run a command; bad input becomes a line on standard error and exit status 1."""
    note_interrupts()
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
        _fail(str(error))
    except FileNotFoundError as error:
        is_result = str(error.filename).startswith("results/")
        mend = f"run the stage that makes it ('snakemake -- {error.filename}')" if is_result else "check params.yaml"
        _fail(f"{error.filename}: no such file; {mend}")
    except OSError as error:
        _fail(f"{error.filename or 'writing results'}: {error.strerror or error}; finished results are untouched")


def _fail(message: str) -> NoReturn:
    """End with a message: whole lines in a log, broken at blanks on a terminal."""
    text = f"aurl: error: {message}"
    if sys.stderr.isatty():
        text = "\n".join(
            part for line in text.splitlines() for part in (wrapped(line, "  ") if len(line) > WIDTH else [line])
        )
    sys.exit(text)
