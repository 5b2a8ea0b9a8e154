"""Name the track of each row: rows of different tracks do not compare."""

from aurl.experiment.external import OWN_TRACK
from aurl.experiment.methods import METHODS, MethodSettings
from aurl.experiment.settings import Experiment
from aurl.system import plugins

TRACK_OF = {"inductive": OWN_TRACK, "names": "unseen names", "transductive": "transductive"}  # by what a row may see


def may_see(row: MethodSettings) -> str:
    """Name what a row may see.

    Its method says so, but inference that uses the test videos together is `transductive`.
    """
    if row.inference != "scores" and row.bank == "test":
        return "transductive"
    return str(plugins.load(METHODS, row.method).Method.MAY_SEE)


def track_of(experiment: Experiment, row: str) -> str:
    """Name the track of a row of the experiment: a variant, a row of a method, or a row from outside."""
    if row in experiment.external:
        return experiment.external[row].track
    return TRACK_OF[may_see(experiment.methods[row])] if row in experiment.methods else OWN_TRACK
