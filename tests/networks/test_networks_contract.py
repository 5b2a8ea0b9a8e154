"""The contract of a network, over every file of `aurl/networks` and one that is written outside the package."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from outside import write_part
from torch import Tensor

from aurl.experiment.presets import preset_text
from aurl.experiment.read import parse_experiment
from aurl.experiment.settings import Experiment
from aurl.experiment.variants import NETWORKS, NetworkPart
from aurl.models.checkpoint import load_model, state_bytes
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel, build_network
from aurl.system import plugins
from aurl.system.errors import AurlError
from aurl.system.json_files import write_json

HEAVY = ("torch", "pandas", "matplotlib", "gensim")
SMALL: dict[str, dict[str, Any]] = {"rest": {"width": 8, "layers": 1, "heads": 2}}  # settings of a quick network
OUTSIDE = '''
"""One linear layer on the backbone, and the class embeddings as they are."""

from typing import TYPE_CHECKING

from aurl.networks.base import NetworkPart

if TYPE_CHECKING:
    from aurl.models.shape import ModelShape
    from aurl.models.zero_shot import ZeroShotModel


class Settings(NetworkPart):
    bias: bool = False


def build(settings: Settings, shape: "ModelShape") -> "ZeroShotModel":
    from torch import nn

    from aurl.models.zero_shot import ZeroShotModel

    class Linear(ZeroShotModel):
        def build_projectors(self, shape: "ModelShape", features: int) -> int:
            self.video_projector, self.word_projector = nn.Linear(features, shape.dimension, settings.bias), None
            return shape.dimension

    return Linear(shape)
'''


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The dotted name of a network in a file below the working folder."""
    return write_part(tmp_path, monkeypatch, "my_networks.linear", OUTSIDE)


def shape_with(network: dict[str, Any] | None, classes: int | None = 3) -> ModelShape:
    backbone = {"name": "r2plus1d", "width": 4, "blocks": [1, 1]}
    rest = {"embedding": 6, "word_hidden": 5, "dropout": 0.1, "dimension": 4, "word_projector": False}
    return ModelShape.model_validate({"backbone": backbone, **rest, "seen_classes": classes, "network": network})


def check_network(name: str, folder: Path) -> None:
    """Hold one network to the contract in `aurl/networks/base.py`."""
    module = plugins.load(NETWORKS, name)
    assert issubclass(module.Settings, NetworkPart)
    assert (module.__doc__ or "").strip()
    assert module.Settings(name=name), "every key but the name has a default"
    shape = shape_with({"name": name, **SMALL.get(name, {})})
    model, embeddings = trained_a_little(shape), torch.randn(5, 4, generator=torch.Generator().manual_seed(1))
    clips = torch.randint(0, 256, (4, 4, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))
    model.eval()
    with torch.inference_mode():
        videos, classes = model.embed_videos(clips), model.embed_classes(embeddings)
        assert videos.shape[1] == classes.shape[1]
        assert bool(videos.isfinite().all() and classes.isfinite().all())
        assert model.pool_clips(clips).shape == (4, model.backbone.features)
        for row in range(4):  # a clip alone, and a class alone
            torch.testing.assert_close(model.embed_videos(clips[row : row + 1])[0], videos[row], rtol=1e-4, atol=1e-5)
            torch.testing.assert_close(model.embed_classes(embeddings[row : row + 1])[0], classes[row])
        assert model.embed_videos(clips[:, :2]).shape == videos.shape, "clips may have any length"
        (folder / "w.safetensors").write_bytes(state_bytes(model))
        write_json(folder / "w.json", {"model": shape.model_dump(mode="json"), "clip_length": 4})
        loaded, _ = load_model(folder / "w.safetensors", folder / "w.json")
        assert torch.equal(loaded.embed_videos(clips), videos)
        assert torch.equal(loaded.embed_classes(embeddings), classes)


def trained_a_little(shape: ModelShape) -> ZeroShotModel:
    """A network with other weights than its first ones: the seed decides both, and gradients reach the backbone."""
    states: list[dict[str, Tensor]] = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        model = build_network(shape).train()
        model.learn_classes(torch.eye(3, 4), [torch.eye(4)[: number + 1] for number in range(3)])
        clips = torch.randint(0, 256, (4, 4, 16, 16, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(3))
        videos, features = model.embed_inside(clips)
        loss = videos.square().mean()
        if shape.network is not None and shape.network.matches:
            scores = model.match(features, torch.tensor([0, 1, 2, 0]))
            assert scores.shape == (4,)
            loss = loss + scores.square().mean()
        loss.backward()
        assert any(
            bool(parameter.grad.any()) for parameter in model.backbone.parameters() if parameter.grad is not None
        )
        torch.optim.SGD(model.parameters(), lr=0.1).step()
        states.append({name: value.clone() for name, value in model.state_dict().items()})
    first, same, differs = states
    assert all(torch.equal(value, same[name]) for name, value in first.items())
    assert any(not torch.equal(value, differs[name]) for name, value in first.items())
    torch.manual_seed(0)
    model.load_state_dict(first)
    return model


def experiment(variant: dict[str, Any]) -> Experiment:
    raw = yaml.safe_load(preset_text("micro"))
    raw["variants"]["mine"] = variant
    raw["trained"].append("mine")
    return parse_experiment(raw, "params.yaml")


@pytest.mark.parametrize("name", plugins.names(NETWORKS))
def test_every_network_keeps_the_contract(name: str, tmp_path: Path) -> None:
    check_network(name, tmp_path)


def test_a_network_from_outside_keeps_the_contract(outside: str, tmp_path: Path) -> None:
    check_network(outside, tmp_path)
    read = experiment({"losses": {"mse": 1}, "word_projector": False, "network": {"name": outside, "bias": True}})
    assert read.variants["mine"].model_dump(mode="json")["network"] == {"name": outside, "bias": True}


def test_the_contract_sees_a_network_that_breaks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    batch = (
        "    def project_videos(self, features):\n            return self.video_projector(features - features.mean(0))"
    )
    for number, (good, bad) in enumerate([
        ("return shape.dimension", "return shape.dimension\n\n    " + batch),
        ("settings.bias), None", "settings.bias).requires_grad_(False), None\n"
         "            self.backbone.requires_grad_(False)"),
    ]):  # fmt: skip
        name = write_part(tmp_path, monkeypatch, f"my_networks.bad{number}", OUTSIDE.replace(good, bad))
        with pytest.raises((AssertionError, RuntimeError)):
            check_network(name, tmp_path)


def test_a_description_does_not_decide_which_code_runs(outside: str, tmp_path: Path) -> None:
    (tmp_path / "my_networks" / "linear.py").write_text("open('executed', 'w').close()\n" + OUTSIDE)
    (tmp_path / "w.safetensors").write_bytes(state_bytes(torch.nn.Linear(1, 1)))
    raw = shape_with(None).model_dump(mode="json") | {"network": {"name": outside}}
    write_json(tmp_path / "w.json", {"model": raw, "clip_length": 4})
    with pytest.raises(AurlError, match=r"network my_networks\.linear is from outside; name it in a variant"):
        load_model(tmp_path / "w.safetensors", tmp_path / "w.json")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ({"losses": {"seen": 1, "matching": 1}, "word_projector": True}, "needs a network that matches videos"),
        ({"losses": {"matching": 1}, "word_projector": False, "network": {"name": "rest"}}, "add the loss term 'centres'"),
        ({"losses": {"centres": 1}, "word_projector": True, "network": {"name": "rest"}}, "set word_projector to false"),
        ({"losses": {"seen": 1}, "word_projector": True, "network": {"name": "rets"}}, "did you mean 'rest'?"),
        ({"losses": {"centres": 1}, "word_projector": False, "network": {"name": "rest", "width": 10}}, "a multiple of"),
    ],
)  # fmt: skip
def test_a_network_that_does_not_fit_is_refused_in_one_line(variant: dict[str, Any], words: str) -> None:
    with pytest.raises(AurlError, match=r"^params\.yaml: variants\.mine") as caught:
        experiment(variant)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_old_description_stays_the_papers_network() -> None:
    shape = shape_with(None)
    assert "network" not in shape.model_dump(mode="json")
    assert type(build_network(shape)) is ZeroShotModel


@pytest.mark.parametrize("name", plugins.names(NETWORKS))
def test_importing_a_network_imports_no_heavy_library(name: str) -> None:
    code = f"import sys, {NETWORKS}.{name}; print(*[heavy for heavy in {HEAVY} if heavy in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
