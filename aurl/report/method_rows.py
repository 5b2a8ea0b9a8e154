"""Say what tables and figures show of the rows that methods fit. Imports no torch."""

from collections.abc import Mapping

from aurl.experiment.methods import METHODS, MethodSettings
from aurl.system import plugins


def may_see(row: MethodSettings) -> str:
    """Name what a row may see: its method's word, or `transductive` if its inference uses the test videos together."""
    if row.inference != "scores" and row.bank == "test":
        return "transductive"
    return str(plugins.load(METHODS, row.method).Method.MAY_SEE)


def rows_of_networks(methods: Mapping[str, MethodSettings]) -> dict[str, str]:
    """Map networks to the rows that repeat their own inference, whose columns belong to the network's row."""
    plain = {name: row for name, row in methods.items() if row.inference == "scores"}
    return {row.features: name for name, row in plain.items() if plugins.load(METHODS, row.method).Method.OF_NETWORK}
