"""Select rows of wildcards: the jobs of a stage, or the files that one job reads.

Where an experiment may do without data that is not here (`absent: leave_out`), the selections hold what can be made:
no training, because the strict-label filter needs every other dataset's classes, but imported networks on the test sets that
are here, and the tables.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aurl.experiment.settings import Experiment
from aurl.pipeline.missing_data import VECTORS

Row = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """An experiment, and the data that it lacks: dataset (or `vectors`) -> where it is expected."""

    experiment: Experiment
    missing: Mapping[str, str]

    def datasets(self) -> list[str]:
        """List the datasets that are here."""
        return [name for name in self.experiment.datasets if name not in self.missing]

    def embedded(self) -> list[str]:
        """List the datasets whose classes can be embedded."""
        return [] if VECTORS in self.missing else self.datasets()

    @property
    def complete(self) -> bool:
        """Say whether all that training needs is here; datasets that are only evaluated are not part of it."""
        datasets, held_out = self.experiment.datasets, self.experiment.held_out
        return all(name in datasets and (datasets[name].evaluate_only or name in held_out) for name in self.missing)

    def networks(self) -> list[str]:
        """List the variants that can have a checkpoint."""
        return [name for name in self.experiment.variants if name in self.experiment.imported or self.complete]

    def trained(self) -> list[str]:
        """List the variants that are trained here."""
        return [name for name in self.networks() if name not in self.experiment.imported]

    def evaluated(self) -> list[str]:
        """List the networks that are rows of the tables."""
        return [name for name in self.experiment.evaluated if name in self.networks()]

    def stored(self) -> list[str]:
        """List the networks whose backbone features are stored, where the seen videos are here."""
        stored = self.experiment.backbone_features.networks
        return [name for name in stored if name in self.networks()] if self.complete else []

    def fitted(self) -> list[str]:
        """List the rows that methods fit; they need the seen videos."""
        return [name for name, method in self.experiment.methods.items() if method.features in self.stored()]

    def tested(self) -> list[str]:
        """List the test sets that something can be measured on."""
        wanted = self.networks() or self.experiment.external
        return [name for name in self.experiment.unseen if name in self.embedded()] if wanted else []

    def held_out(self) -> list[str]:
        """List the held-out videos of seen classes that are here, where the strict-label filter can be applied."""
        return [name for name in self.experiment.held_out if name not in self.missing] if self.complete else []

    def external(self) -> list[str]:
        """List the rows from outside that have scores of a test set that is here."""
        datasets = {key: test_set.dataset for key, test_set in self.experiment.report.test_sets.items()}
        rows = self.experiment.external.items()
        return [name for name, row in rows if any(datasets[key] in self.tested() for key in row.files)]

    def decoded(self) -> list[str]:
        """List the datasets whose frames are needed."""
        return self.datasets() if self.complete else self.tested()

    def generator(self) -> str | None:
        """Name the first variant that mixes classes at random, where the classes of all datasets are here."""
        for name, variant in self.experiment.rows.items():
            if any(term.generates_classes for term in variant.losses.values()) and not self.missing:
                return name
        return None


@dataclass(frozen=True)
class Selection:
    """Rows of wildcards, and the lists of `params.yaml` that DVC takes them from."""

    rows: Callable[[Scope], list[Row]]
    matrix: Mapping[str, str]


def _of_datasets(names: Callable[[Scope], list[str]], key: str = "${datasets}") -> Selection:
    return Selection(lambda scope: [{"dataset": name} for name in names(scope)], {"dataset": key})


def _of_networks(names: Callable[[Scope], list[str]], key: str) -> Selection:
    return Selection(
        lambda scope: [{"variant": name, "seed": seed} for name in names(scope) for seed in scope.experiment.seeds],
        {"variant": key, "seed": "${seeds}"},
    )


def _shards(scope: Scope) -> list[Row]:
    datasets = scope.experiment.datasets
    return [{"dataset": name, "shard": shard} for name in scope.decoded() for shard in range(datasets[name].shards)]


def _cells(scope: Scope, rows: list[str]) -> list[Row]:
    return [
        {"variant": variant, "seed": seed, "dataset": dataset}
        for variant in rows
        for seed in scope.experiment.seeds
        for dataset in scope.tested()
    ]


def _stored(scope: Scope) -> list[Row]:
    return [
        {"network": network, "seed": seed, "dataset": dataset}
        for network in scope.stored()
        for seed in scope.experiment.seeds
        for dataset in scope.embedded()
    ]


def _generalised(scope: Scope) -> list[Row]:
    return [{"variant": variant, "held_out": name} for variant in scope.evaluated() for name in scope.held_out()]


def _generator(scope: Scope) -> list[Row]:
    variant = scope.generator()
    return [] if variant is None else [{"variant": variant, "seed": scope.experiment.seeds[0]}]


SELECTIONS: Mapping[str, Selection] = {
    "once": Selection(lambda scope: [{}], {}),
    "once_if_complete": Selection(lambda scope: [{}] if scope.complete else [], {}),
    "datasets": _of_datasets(Scope.datasets),
    "decoded": _of_datasets(Scope.decoded),
    "embedded": _of_datasets(Scope.embedded),
    "tested": _of_datasets(Scope.tested, "${unseen}"),
    "filtering": _of_datasets(lambda scope: scope.experiment.filtering, "${unseen}"),
    "held_out": _of_datasets(Scope.held_out, "${held_out}"),
    "shards": Selection(_shards, {"dataset": "${datasets}", "shard": ""}),
    "trained": _of_networks(Scope.trained, "${trained}"),
    "imported": _of_networks(lambda scope: list(scope.experiment.imported), "${imported}"),
    "network_cells": Selection(
        lambda scope: _cells(scope, scope.evaluated()),
        {"variant": "${evaluated}", "seed": "${seeds}", "dataset": "${unseen}"},
    ),
    "method_cells": Selection(
        lambda scope: _cells(scope, scope.fitted()),
        {"variant": "${methods}", "seed": "${seeds}", "dataset": "${unseen}"},
    ),
    "cells": Selection(lambda scope: _cells(scope, [*scope.evaluated(), *scope.fitted()]), {}),  # only read, not made
    "stored": Selection(
        _stored, {"network": "${backbone_features.networks}", "seed": "${seeds}", "dataset": "${datasets}"}
    ),
    "fitted": _of_networks(Scope.fitted, "${methods}"),
    "networks": _of_networks(Scope.evaluated, "${evaluated}"),
    "generalised": Selection(_generalised, {"variant": "${evaluated}", "held_out": "${held_out}"}),
    "external": Selection(lambda scope: [{"row": name} for name in scope.external()], {"row": "${external}"}),
    "generator": Selection(_generator, {"variant": "${variants}", "seed": "${seeds}"}),
}
