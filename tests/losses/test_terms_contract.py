"""The contract of loss terms: for every file of aurl/losses, and for a term written outside the package."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from outside import write_part
from pages import file_of
from repositories import REPOSITORY
from torch import Tensor, nn

from aurl.experiment.presets import preset_text
from aurl.experiment.read import parse_experiment
from aurl.experiment.settings import Experiment
from aurl.experiment.variants import LOSSES, TermSettings
from aurl.losses import unit
from aurl.losses.base import (
    ClassBatch,
    FeatureBatch,
    Inside,
    VideoBatch,
    class_generator,
    symbols,
    term_modules,
)
from aurl.report.figures.base import LOG_COLUMNS, FigureData, FigureInputs
from aurl.report.figures.training import draw
from aurl.report.tables.ablation import _components
from aurl.system import plugins
from aurl.system.errors import AurlError
from aurl.training.objective import Objective

TERMS = plugins.names(LOSSES)
OUTSIDE = '''
"""L_D: mean cosine distance of a video to its class; assumed."""

from typing import TYPE_CHECKING

from aurl.losses.base import TermSettings, VideoBatch

if TYPE_CHECKING:
    from torch import Tensor


class Settings(TermSettings):
    symbol = "L_D"
    reads = ("videos", "classes")
    margin: float = 0.0


def loss(settings: Settings, batch: VideoBatch) -> "Tensor":
    from torch.nn.functional import cosine_similarity

    return (1 - cosine_similarity(batch.videos, batch.classes[batch.labels]) - settings.margin).mean()
'''


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a term that lies below the working folder."""
    return write_part(tmp_path, monkeypatch, "my_terms.distance", OUTSIDE)


def experiment(terms: dict[str, Any], word_projector: bool = True) -> Experiment:
    """The preset micro with one variant `mine` more, which is trained; its network is one that the terms can ask."""
    raw = yaml.safe_load(preset_text("micro"))
    raw["variants"]["mine"] = {"losses": terms, "word_projector": word_projector}
    if any(name in TERMS and plugins.load(LOSSES, name).Settings.matches for name in terms):
        raw["variants"]["mine"] |= {"network": {"name": "rest"}}
    raw["trained"].append("mine")
    raw["evaluated"].append("mine")
    return parse_experiment(raw, "params.yaml")


def losses_with(name: str, settings: Any) -> tuple[dict[str, Any], bool]:
    """What a variant with the term must write, its other terms among it; and whether it may have a word projector."""
    told = plugins.load(LOSSES, name).Settings
    videos = {} if "videos" in told.reads else {"centres": 1} if told.matches else {"seen": 1}
    return {**videos, **dict.fromkeys(told.needs, 1), name: settings}, not (told.fixed_words or told.matches)


def rows(seed: int, number: int = 6, dimension: int = 5) -> Tensor:
    """Random unit rows that a gradient can reach."""
    random = torch.Generator().manual_seed(seed)
    return unit(torch.randn(number, dimension, generator=random, dtype=torch.float64)).requires_grad_()


class ToyNetwork:
    """What a term may ask of a network: projectors that are fixed, and whether videos and classes match."""

    video_projector, word_projector = nn.BatchNorm1d(5).double(), None
    weights = torch.randn(5, 5, generator=torch.Generator().manual_seed(5), dtype=torch.float64)

    def project_videos(self, features: Tensor) -> Tensor:
        return features @ self.weights

    def embed_classes(self, embeddings: Tensor) -> Tensor:
        return embeddings

    def match(self, features: Tensor, labels: Tensor) -> Tensor:
        return (features * self.weights[labels % 5]).sum(dim=1)


def batch_for(settings: TermSettings) -> tuple[VideoBatch | ClassBatch, dict[str, Tensor]]:
    """A batch of the term's kind: 8 videos of 6 classes in 5 dimensions, on step 1; and its tensors by name."""
    given = {"videos": rows(1, 8), "classes": rows(2), "centres": rows(3)}
    shared = {"classes": given["classes"], "centres": given["centres"], "scale": 10.0}
    batch = VideoBatch(**shared, videos=given["videos"], labels=torch.tensor([0, 3, 1, 1, 2, 5, 4, 0]))
    if "features" in settings.reads:
        given["features"], network = rows(6, 8), cast(Any, ToyNetwork())
        inside = Inside(given["features"], rows(7).detach(), network, torch.Generator().manual_seed(4), 1)
        return FeatureBatch(**vars(batch), inside=inside), given
    if "videos" in settings.reads:
        return batch, given
    del given["videos"]
    return ClassBatch(**shared, random=torch.Generator().manual_seed(4)), given


def check_term(name: str) -> None:
    """Hold one loss term to the contract in `aurl/losses/base.py`."""
    module = plugins.load(LOSSES, name)
    check_description(module)
    settings = module.Settings(weight=1)
    check_loss(module.loss, settings)
    check_settings(name)
    check_shown(name, settings)
    if settings.generates_classes:
        theta, z = module.class_generator(settings)(rows(1), rows(2), torch.Generator().manual_seed(0))
        assert theta.shape == z.shape == (6, 5)


def check_description(module: Any) -> None:
    """The docstring names its source, the class tells what the term is, and only the weight has no default."""
    assert re.search(r"\b(paper|released code|assumed)\b", module.__doc__), "name the source"
    told = module.Settings
    assert told.symbol
    assert {*told.reads} <= {"videos", "classes", "centres", "features"}
    assert [key for key, field in told.model_fields.items() if field.is_required()] == ["weight"]


def check_loss(loss: Callable[..., Tensor], settings: TermSettings) -> None:
    """Finite; depends on what it reads and on nothing else; the same again; parts add up."""
    batch, given = batch_for(settings)
    value = loss(settings, batch)
    assert value.shape == ()
    assert torch.isfinite(value)
    value.backward()
    reached = {name for name, tensor in given.items() if tensor.grad is not None and tensor.grad.abs().sum() > 0}
    assert reached == {*settings.reads}
    assert torch.equal(loss(settings, batch_for(settings)[0]), value), "not the same with the same generator"
    assert loss(settings, replace(batch_for(settings)[0], scale=3.0)).isfinite()
    batch = batch_for(settings)[0]
    if isinstance(batch, VideoBatch) and not settings.whole_batch:
        parts = [loss(settings, part) for part in parts_of(batch, 4)]
        torch.testing.assert_close(torch.stack(parts).mean(), value)


def parts_of(batch: VideoBatch, number: int) -> Iterator[VideoBatch]:
    """A batch in equal parts, as gradient accumulation cuts it."""
    features = batch.inside.features.chunk(number) if isinstance(batch, FeatureBatch) else [None] * number
    for videos, labels, row in zip(batch.videos.chunk(number), batch.labels.chunk(number), features, strict=True):
        part = replace(batch, videos=videos, labels=labels)
        yield replace(part, inside=replace(part.inside, features=row)) if isinstance(part, FeatureBatch) else part


def check_settings(name: str) -> None:
    """A bare number is the weight, the dump is whole and valid, and bad weights are refused in one line."""
    terms, word_projector = losses_with(name, 2)
    read = experiment(terms, word_projector)
    settings = read.variants["mine"].losses[name]
    assert settings == plugins.load(LOSSES, name).Settings(weight=2)
    dumped = read.model_dump(mode="json")
    assert dumped["variants"]["mine"]["losses"][name].keys() == type(settings).model_fields.keys()
    assert parse_experiment(yaml.safe_load(yaml.safe_dump(dumped)), "snapshot") == read
    assert term_modules([read.variants["mine"]]) == sorted(plugins.module_of(LOSSES, term) for term in terms)
    key = re.escape(f"variants.mine.losses.{name}")
    for weight, allowed in (
        (0, "more than 0"),
        (-1, "more than 0"),
        ("many", "number"),
        (float("inf"), "finite"),
    ):
        for written in (weight, {"weight": weight}):
            with pytest.raises(AurlError, match=rf"^params\.yaml: {key}\.weight = {weight!r}: .*{allowed}") as caught:
                experiment(losses_with(name, written)[0], word_projector)
            assert "\n" not in str(caught.value)
    with pytest.raises(AurlError, match=rf"{key}\.weigth: unknown key; did you mean 'weight'\?"):
        experiment(losses_with(name, {"weigth": 1})[0], word_projector)
    with pytest.raises(AurlError, match=rf"{key}\.weight: this key is missing"):
        experiment(losses_with(name, {})[0], word_projector)


def check_shown(name: str, settings: TermSettings) -> None:
    """The training figure draws the term, and the ablation table marks it, by its symbol."""
    terms, word_projector = losses_with(name, 1)
    read = experiment(terms, word_projector)
    variants = read.variants
    log = pd.DataFrame({column: np.arange(6.0) for column in [*LOG_COLUMNS, *terms]}).assign(epoch=[0, 0, 0, 1, 1, 1])
    data = FigureData(
        FigureInputs(Path(), None, {}, {}, {}, {}, {}, {}),
        {"variants": variants, "evaluated": list(variants), "report": read.report},
    )
    data.steps = {("mine", 0): log}
    with chdir(REPOSITORY):  # labels come from its table of published methods
        figure = draw(data).figure
    panels = {axes.get_ylabel(): axes for axes in figure.axes if axes.lines}
    assert panels.keys() == {
        "loss", "training top-1 [%]", "learning rate",
        *(f"{plugins.load(LOSSES, term).Settings.symbol}, weighted" for term in terms),
    }  # fmt: skip
    assert panels[f"{settings.symbol}, weighted"].lines
    marks = _components(["mine", "nobody"], variants)
    assert marks.get(settings.symbol, ["", ""]) == ["x" if settings.marked else "", ""]
    assert marks["CG"][0] == ("x" if settings.generates_classes else "")


@pytest.mark.parametrize("name", TERMS)
def test_every_term_keeps_the_contract(name: str) -> None:
    check_term(name)


def test_the_term_of_the_how_to_keeps_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = file_of("how-to/variant.md", "my_terms/uniformity.py")
    name = write_part(tmp_path, monkeypatch, "my_terms.uniformity", text)
    check_term(name)
    module = plugins.load(LOSSES, name)
    batch, _ = batch_for(module.Settings)
    pairs = [
        (a - b).square().sum().mul(-2).exp() for n, a in enumerate(batch.classes) for b in batch.classes[:n]
    ]  # 15 of 6 classes
    torch.testing.assert_close(module.loss(module.Settings(weight=1), batch), torch.stack(pairs).mean().log())


def test_a_term_from_outside_keeps_the_contract(outside: str) -> None:
    check_term(outside)
    assert experiment({outside: {"weight": 1, "margin": 0.5}}).variants["mine"].losses[outside].margin == 0.5  # type: ignore[attr-defined]


def test_the_contract_notices_a_term_that_breaks_it(outside: str) -> None:
    module = plugins.load(LOSSES, outside)
    settings = module.Settings(weight=1)
    with pytest.raises(AssertionError):
        check_loss(lambda settings, batch: module.loss(settings, batch) + batch.centres.sum(), settings)
    with pytest.raises(AssertionError):
        check_loss(lambda settings, batch: module.loss(settings, batch) * len(batch.videos), settings)
    with pytest.raises(AssertionError):
        check_loss(lambda settings, batch: module.loss(settings, batch) + torch.rand(()), settings)


def test_the_tables_columns_of_the_paper_stay_and_a_fifth_term_follows(outside: str) -> None:
    paper = ["L_S", "e2e", "L_US", "CG"]
    assert list(_components([], experiment({"seen": 1}).variants)) == paper
    variants = experiment({"seen": 1, outside: 1}).variants
    assert list(_components(list(variants), variants)) == [*paper, "L_D"]
    assert list(symbols(variants.values()).values()) == ["MSE", "L_S", "L_C", "L_US", "L_D"]


@pytest.mark.parametrize("name", [*TERMS, "base"])
def test_importing_a_term_loads_no_heavy_library_and_no_other_term(name: str) -> None:
    script = f"import sys, aurl.losses.{name}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    loaded = set(done.stdout.split())
    assert not loaded & {"torch", "numpy", "pandas", "matplotlib", "gensim", "aurl.models.cosine"}
    assert {module for module in loaded if module.startswith("aurl.losses.")} == {
        f"aurl.losses.{name}",
        "aurl.losses.base",
    }


def test_reading_an_experiment_with_a_term_from_outside_loads_no_heavy_library(outside: str) -> None:
    text = yaml.safe_dump(experiment({"seen": 1, outside: 1}).model_dump(mode="json"))
    Path("params.yaml").write_text(text)
    script = (
        "import sys; from pathlib import Path; from aurl.experiment.read import load_experiment;"
        "load_experiment(Path('params.yaml')); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert outside in done.stdout.split()
    assert not {*done.stdout.split()} & {"torch", "numpy", "pandas", "matplotlib", "gensim"}


class Model:
    """What the objective asks of a model."""

    visual_centres = rows(3)


def test_the_objective_is_the_weighted_sum_of_the_terms(outside: str) -> None:
    variant = experiment({"seen": 2, "centres": 3, "synthetic": 5, outside: 7}).variants["mine"]
    objective = Objective(variant.losses, 10.0)
    videos, classes, labels = rows(1, 8), rows(2), torch.arange(8) % 6
    model: Any = Model()
    parts = objective.of_videos(model, videos, classes, labels)
    assert list(parts) == ["seen", "centres", outside]
    batch = VideoBatch(classes, model.visual_centres, 10.0, videos, labels)
    for name, weight in (("seen", 2), ("centres", 3), (outside, 7)):
        assert torch.equal(parts[name], weight * plugins.load(LOSSES, name).loss(variant.losses[name], batch))
    parts = objective.of_classes(model, classes, torch.Generator().manual_seed(4))
    random = torch.Generator().manual_seed(4)
    alone = ClassBatch(classes, model.visual_centres, 10.0, random)
    assert torch.equal(
        parts["synthetic"], 5 * plugins.load(LOSSES, "synthetic").loss(variant.losses["synthetic"], alone)
    )


def test_centres_are_learned_and_classes_generated_exactly_where_a_term_says_so(outside: str) -> None:
    variants = experiment({"seen": 1, outside: 1}).variants
    assert [name for name, variant in variants.items() if variant.visual_centres] == ["aurl", "aurl_no_cg"]
    assert [name for name, variant in variants.items() if class_generator(variant) is not None] == ["aurl"]
    assert experiment({"centres": 1}).variants["mine"].visual_centres


@pytest.mark.parametrize(
    ("terms", "word_projector", "words"),
    [
        ({"synthetic": 1}, True, "'synthetic' needs 'centres' beside it"),
        ({"mse": 1}, True, "'mse' is for fixed word vectors: set word_projector to false"),
    ],
)
def test_terms_that_do_not_fit_a_variant_are_refused(terms: dict[str, Any], word_projector: bool, words: str) -> None:
    with pytest.raises(AurlError, match=words):
        experiment(terms, word_projector)


def test_a_variant_whose_terms_read_no_video_or_nothing_learned_is_refused(outside: str) -> None:
    file = Path("my_terms/distance.py")
    file.write_text(OUTSIDE.replace('("videos", "classes")', '("classes",)'))
    with pytest.raises(AurlError, match="no term reads the videos"):
        experiment({outside: 1})
    with pytest.raises(AurlError, match="reads classes alone: set word_projector to true"):
        experiment({"seen": 1, outside: 1}, word_projector=False)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("class Settings(TermSettings)", "class Settings"), "must define a class Settings(TermSettings) and loss"),
        (("def loss", "def lost"), "must define a class Settings(TermSettings) and loss"),
        (("from typing", "import no_such_module\nfrom typing"), "cannot be imported (ModuleNotFoundError"),
    ],
)
def test_a_file_that_is_no_term_is_named(outside: str, change: tuple[str, str], words: str) -> None:
    Path("my_terms/distance.py").write_text(OUTSIDE.replace(*change))
    with pytest.raises(AurlError, match=re.escape(words)) as caught:
        experiment({outside: 1})
    assert str(caught.value).startswith(f"params.yaml: variants.mine.losses.{outside}: ")
    assert "\n" not in str(caught.value)
