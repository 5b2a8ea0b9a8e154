"""Rows of methods in params.yaml: names, keys and networks that are refused, in one line each."""

from typing import Any

import pytest
import yaml

from aurl.experiment.methods import METHODS
from aurl.experiment.presets import preset_text
from aurl.experiment.read import parse_experiment
from aurl.experiment.settings import Experiment
from aurl.system import plugins
from aurl.system.errors import AurlError


def with_row(**row: Any) -> Experiment:
    """The preset micro with one row more."""
    raw = yaml.safe_load(preset_text("micro"))
    raw["methods"]["mine"] = {"features": "ls_e2e", **row}
    return parse_experiment(raw, "params.yaml")


@pytest.mark.parametrize("name", plugins.names(METHODS))
def test_every_method_is_a_row_without_further_keys(name: str) -> None:
    read = with_row(method=name)
    assert read.methods["mine"] == plugins.load(METHODS, name).Settings(method=name, features="ls_e2e")
    assert parse_experiment(yaml.safe_load(yaml.safe_dump(read.model_dump(mode="json"))), "snapshot") == read


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"method": "devize"}, "'devize' is no part of aurl.methods; did you mean 'devise'?"),
        ({"method": "my_methods.absent"}, "'my_methods.absent': no such module"),
        ({}, "methods.mine.method: this key is missing; it must name one of action2vec, ale, "),
        ({"method": "conse", "margin": 0.1}, "methods.mine.margin: unknown key; known: "),
        ({"method": "devise", "marginn": 0.1}, "methods.mine.marginn: unknown key; did you mean 'margin'?"),
        ({"method": "eszsl", "steps": 9}, "methods.mine.steps: unknown key; "),
        ({"method": "sje", "margin": 0}, "methods.mine.margin = 0: must be more than 0"),
        ({"method": "dem", "lr": float("nan")}, "methods.mine.lr = nan: must be a finite number"),
        ({"method": "ridge", "features": "mse"}, "methods.mine.features = 'mse': not in backbone_features.networks"),
        (
            {"method": "ridge", "inference": "cslss"},
            "methods.mine.inference = 'cslss': must be 'scores', 'csls'",
        ),
    ],
)
def test_refused(row: dict[str, Any], message: str) -> None:
    with pytest.raises(AurlError) as caught:
        with_row(**row)
    assert message in str(caught.value)
    assert str(caught.value).startswith("params.yaml: ")
    assert "\n" not in str(caught.value)
