"""Define what a stage declares: what it reads, makes and depends on.

One `Stage` in `stages.py` is the only place that knows a stage. Snakemake's rule, the stage of `dvc.yaml`, the `aurl`
command, the provenance block, the status and the audit are derived from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class One:
    """One file that another stage makes.

    Attributes:
        artefact: the name of the output, which no two stages use for different files.
        of_seen: take the seen dataset's file instead of the job's own dataset's.
        of_network: take the file of the network whose features the row's method reads, instead of the row's own.
        tracked: False for a path whose contents are held by digests in another input (videos).
    """

    artefact: str
    of_seen: bool = False
    of_network: bool = False
    tracked: bool = True


@dataclass(frozen=True)
class Each:
    """One file for each row of a selection; rows must agree with the job's own wildcards."""

    artefact: str
    rows: str


@dataclass(frozen=True)
class AllOf:
    """Every output of a stage that has one job, by the outputs' names."""

    stage: str


@dataclass(frozen=True)
class Shipped:
    """Files that come with the repository, such as `data/class_tokens.csv`; a path may be a pattern."""

    patterns: tuple[str, ...]

    def paths(self) -> list[Path]:
        """List the files, those of a pattern sorted."""
        return [path for each in self.patterns for path in (sorted(Path().glob(each)) if "*" in each else [Path(each)])]


@dataclass(frozen=True)
class Named:
    """A file or folder that a parameter names, at a dotted key; or several, a mapping of names to settings with `file`.

    Attributes:
        in_dvc: False where DVC cannot name it (a key with a wildcard); a digest in the parameters holds it instead.
    """

    key: str
    in_dvc: bool = True


@dataclass(frozen=True)
class PartFiles:
    """The files that parts read, as a function of each part's module lists them, where it has that function.

    Attributes:
        folder, key: the parts, as in `Parts`.
        function: its name; it takes the part's settings and returns paths, or a mapping of names to paths.
        shipped: folders and files that come with the repository, in which the files of parts by name lie. DVC depends on
            them whichever parts are chosen, so that `dvc.yaml` is the same.
    """

    folder: str
    key: str
    function: str
    shipped: tuple[str, ...] = ()


Input = One | Each | PartFiles | AllOf | Shipped | Named
Recompute = Literal["never", "always", "deep", "retrain"]


@dataclass(frozen=True)
class Parts:
    """The code of parts that parameters name, as a folder of parts and a dotted key; no key means all parts.

    The value at the key is a name, a mapping with the key `name`, or a mapping whose keys are names. `*` in a key
    stands for every key of a mapping. With `alone` the code is the part's own file without what that imports, for a
    stage that only shows what the part says of itself. A value at `unless` means that no part is used, and so does a
    missing key with `optional`.
    """

    folder: str
    key: str | None = None
    alone: bool = False
    unless: str | None = None
    optional: bool = False


@dataclass(frozen=True)
class Stage:
    """The declaration of a stage.

    Attributes:
        name: name of the rule, of the command and of the provenance block's `stage`.
        help: the command's help, one sentence.
        entry: the module whose `run(job)` does the work. It and what it imports are the stage's code.
        jobs: the selection (`selections.py`) that has one row of wildcards for each job.
        reads: name -> input.
        makes: name -> path below `results/<experiment>/`. The first output names the provenance block.
        settings: dotted keys of the parameters that shape the results; a job is given no others.
        free: dotted keys that shape how a job runs but not what it makes; changing them reruns nothing.
        parts: parts named by parameters, whose code belongs to the stage's.
        folder: a folder of the package whose files belong to the code as modules do (templates).
        folders: outputs that are folders.
        compute: dotted key of the stage's compute settings; None for a CPU.
        processes: dotted key of how many processes one job starts.
        seeds: the module whose `axis_seeds` spawns the stage's seeds from its wildcard `seed`.
        recompute: when an audit does the work again: never, always, with `--deep`, or with `--retrain`.
        state: path of a file that keeps unfinished work, relative like outputs.
        repeats: False where equal inputs give other bytes (the page holds times).
        all_cores: whether one job may use all cores.
        dvc: name of the stage of `dvc.yaml`, where it joins several stages.
        dvc_kind: output -> `metrics`, or the settings of a plot.
    """

    name: str
    help: str
    entry: str
    jobs: str
    reads: Mapping[str, Input]
    makes: Mapping[str, str]
    settings: tuple[str, ...] = ()
    free: tuple[str, ...] = ()
    parts: tuple[Parts, ...] = ()
    folder: str | None = None
    folders: tuple[str, ...] = ()
    compute: str | None = None
    processes: str | None = None
    seeds: str | None = None
    recompute: Recompute = "never"
    state: str | None = None
    repeats: bool = True
    all_cores: bool = False
    dvc: str | None = None
    dvc_kind: Mapping[str, str | Mapping[str, str]] = field(default_factory=dict)

    @property
    def artefact(self) -> str:
        """The name of the first output, after which the provenance block is named."""
        return next(iter(self.makes))

    @property
    def command(self) -> str:
        """The name of the `aurl` command."""
        return self.name.replace("_", "-")
