"""The code of a variant's training holds the terms that the variant names, and no other term."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from outside import write_outside

import aurl.losses
from aurl.experiment.presets import preset_text
from aurl.experiment.read import parse_experiment
from aurl.lineage import blocks
from aurl.losses import mse, synthetic
from aurl.models import cosine
from aurl.pipeline.jobs import Jobs
from aurl.system.plugins import PACKAGE

TERM = '''
"""L_Q: mean square of all numbers; assumed."""

from aurl.losses.base import TermSettings, VideoBatch


class Settings(TermSettings):
    symbol = "L_Q"
    reads = ("videos",)


def loss(settings: Settings, batch: VideoBatch):
    from aurl.models.cosine import unit

    return unit(batch.videos).square().mean()
'''


def jobs(**variants: Any) -> Jobs:
    """Jobs of the preset micro, with trained variants more."""
    raw = yaml.safe_load(preset_text("micro"))
    raw["variants"] |= variants
    raw["trained"] += list(variants)
    return Jobs(parse_experiment(raw, "params.yaml"))


def code_by_variant(all_jobs: Jobs) -> dict[str, tuple[str, ...]]:
    return {name: all_jobs.of("train", variant=name, seed=0).code for name in all_jobs.experiment.variants}


def digests_by_variant(codes: dict[str, tuple[str, ...]]) -> dict[str, dict[str, str]]:
    return {name: blocks.code_digests(code) for name, code in codes.items()}


def test_a_variant_holds_its_own_terms_only() -> None:
    codes = code_by_variant(jobs())
    terms = {name: {path for path in code if path.startswith("aurl/losses/")} for name, code in codes.items()}
    shared = {"aurl/losses/base.py"}
    synthesised = shared | {f"aurl/losses/{name}.py" for name in ("seen", "centres", "synthetic")}
    assert terms == {
        "mse": shared | {"aurl/losses/mse.py"},
        "ls": shared | {"aurl/losses/seen.py"},
        "ls_e2e": shared | {"aurl/losses/seen.py"},
        "aurl": synthesised,
        "aurl_no_cg": synthesised,
    }
    assert all("aurl/models/cosine.py" in code and "aurl/losses/__init__.py" not in code for code in codes.values())


@pytest.mark.parametrize(
    ("term", "changed"),
    [
        ("synthetic", {"aurl", "aurl_no_cg"}),
        ("centres", {"aurl", "aurl_no_cg"}),
        ("mse", {"mse"}),
        ("seen", {"ls", "ls_e2e", "aurl", "aurl_no_cg"}),
        ("base", {"mse", "ls", "ls_e2e", "aurl", "aurl_no_cg"}),
    ],
)
def test_an_edit_of_a_term_changes_the_code_of_its_variants_only(
    term: str, changed: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = code_by_variant(jobs())
    shutil.copytree(PACKAGE, tmp_path / "aurl", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(blocks, "REPOSITORY", tmp_path)
    before = digests_by_variant(codes)
    with (tmp_path / "aurl/losses" / f"{term}.py").open("a") as handle:
        handle.write("# another version\n")
    after = digests_by_variant(codes)
    assert {name for name in codes if before[name] != after[name]} == changed


def test_a_term_from_outside_is_code_of_its_variant_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_outside(tmp_path, monkeypatch, "outside_terms", "square", TERM)
    shutil.copytree(PACKAGE, tmp_path / "aurl", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(blocks, "REPOSITORY", tmp_path)
    mine = {"losses": {"seen": 1, "outside_terms.square": 1}, "word_projector": True}
    codes = code_by_variant(jobs(mine=mine))
    assert {name for name, code in codes.items() if "outside_terms/square.py" in code} == {"mine"}
    assert set(codes["mine"]) - set(codes["ls"]) == {"outside_terms/square.py"}
    before = digests_by_variant(codes)
    with (tmp_path / "outside_terms/square.py").open("a") as handle:
        handle.write("# another version\n")
    after = digests_by_variant(codes)
    assert {name for name in codes if before[name] != after[name]} == {"mine"}


def test_losses_names_the_functions_of_the_terms_and_nothing_in_the_package_takes_them_from_it() -> None:
    assert aurl.losses.contrastive is cosine.contrastive
    assert aurl.losses.cosine_logits is cosine.cosine_logits
    assert aurl.losses.unit is cosine.unit
    assert aurl.losses.mean_squared_error is mse.mean_squared_error
    for name in ("ClassGenerator", "IdentityGenerator", "synthetic_contrastive"):
        assert getattr(aurl.losses, name) is getattr(synthetic, name)
    imports = re.compile(
        rf"from aurl\.losses import .*\b({'|'.join(aurl.losses.__all__)})\b|import aurl\.losses$", re.MULTILINE
    )
    assert [path for path in PACKAGE.rglob("*.py") if imports.search(path.read_text())] == []
