"""Say what tables and figures show of the rows that methods fit. Imports no torch."""

from collections.abc import Mapping

from aurl.experiment.methods import METHODS, MethodSettings
from aurl.system import plugins


def assumed(row: MethodSettings) -> str:
    """Say what the sources of a row's method leave open, and its file decides."""
    return str(plugins.load(METHODS, row.method).Method.ASSUMED)


def rows_of_networks(methods: Mapping[str, MethodSettings]) -> dict[str, str]:
    """Map networks to the rows that repeat their own inference, whose columns belong to the network's row."""
    plain = {name: row for name, row in methods.items() if row.inference == "scores"}
    return {row.features: name for name, row in plain.items() if plugins.load(METHODS, row.method).Method.OF_NETWORK}
