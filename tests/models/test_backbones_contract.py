"""The contract of a visual backbone, over every file of `aurl/backbones` and one that is written outside the package."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from outside import write_part
from pages import file_of
from torch import Tensor

from aurl.backbones.base import BackboneSettings, backbone_module, build_backbone, memory_format
from aurl.experiment.settings import PartSettings
from aurl.models.checkpoint import load_model, state_bytes
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel
from aurl.system import plugins
from aurl.system.errors import AurlError
from aurl.system.json_files import write_json

FOLDER = "aurl.backbones"
SMALL: dict[str, dict[str, Any]] = {"r2plus1d": {"width": 4, "blocks": [1, 1]}}  # settings of a quick network
CLIPS = [(2, 3, 4, 16, 16), (1, 3, 8, 24, 32), (3, 3, 1, 17, 16)]  # (B, 3, T, H, W)
HEAVY = ("torch", "pandas", "matplotlib", "gensim")
BAD = {"unknown_key": 1}
OUTSIDE = file_of("how-to/backbone.md", "my_networks/frames2d.py")  # the 2D backbone that the page shows


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The dotted name of a backbone in a file below the working folder."""
    return write_part(tmp_path, monkeypatch, "my_networks.frames2d", OUTSIDE)


def check_backbone(module: ModuleType, settings: PartSettings) -> None:
    """Check what the model needs of a backbone. Run it on your own: `check_backbone(module, module.Settings(...))`."""
    assert isinstance(settings, module.Settings)
    assert issubclass(module.Settings, BackboneSettings)
    assert (module.__doc__ or "").strip()
    assert memory_format(settings) in (torch.contiguous_format, torch.channels_last, torch.channels_last_3d)
    check_initialisation(settings)
    network = build_backbone(settings)
    features = int(network.features)  # type: ignore[arg-type]
    for shape in CLIPS:
        check_gradients(network.train(), torch.randn(shape), features)
    other = build_backbone(settings).eval()
    other.load_state_dict(network.state_dict())
    clips = torch.randn(CLIPS[0])
    with torch.inference_mode():
        assert torch.equal(other(clips), network.eval()(clips))
    other.to(memory_format=memory_format(settings))  # type: ignore[call-overload]
    with torch.inference_mode():
        torch.testing.assert_close(other(clips), network(clips), rtol=1e-3, atol=1e-5)


def check_initialisation(settings: PartSettings) -> None:
    """The seed decides the initial weights, and the device "meta" takes no memory."""
    states: list[dict[str, Tensor]] = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(build_backbone(settings).state_dict())
    first, same, differs = states
    assert all(torch.equal(value, same[name]) for name, value in first.items())
    assert any(not torch.equal(value, differs[name]) for name, value in first.items())
    with torch.device("meta"):
        shapes = {name: value.shape for name, value in build_backbone(settings).state_dict().items()}
    assert shapes == {name: value.shape for name, value in first.items()}


def check_gradients(network: torch.nn.Module, clips: Tensor, features: int) -> None:
    network.zero_grad(set_to_none=True)
    embedded = network(clips)
    assert embedded.shape == (len(clips), features)
    assert embedded.isfinite().all()
    embedded.square().sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
    if len(clips) > 1:
        assert any(bool(parameter.grad.any()) for parameter in network.parameters() if parameter.grad is not None)


def shape_with(backbone: dict[str, Any]) -> ModelShape:
    return ModelShape(
        backbone=backbone, embedding=6, word_hidden=5, dropout=0, dimension=4, word_projector=True, seen_classes=3
    )


@pytest.mark.parametrize("name", plugins.names(FOLDER))
def test_every_backbone_keeps_the_contract(name: str) -> None:
    module = plugins.load(FOLDER, name)
    check_backbone(module, module.Settings(name=name, **SMALL.get(name, {})))
    assert module.Settings(name=name), "every key but the name has a default"


def test_a_backbone_from_outside_keeps_the_contract(outside: str) -> None:
    module = plugins.load(FOLDER, outside)
    check_backbone(module, module.Settings(name=outside))


@pytest.mark.parametrize("name", plugins.names(FOLDER))
def test_the_settings_refuse_what_they_do_not_know(name: str) -> None:
    with pytest.raises(ValueError, match=f"backbone.{list(BAD)[0]}"):
        shape_with({"name": name, **BAD})


def test_a_bad_value_of_a_backbone_from_outside_is_named(outside: str) -> None:
    with pytest.raises(ValueError, match=r"backbone\.channels\n.*less than or equal to 64 .*input_value=65"):
        shape_with({"name": outside, "channels": 65})


def test_the_contract_sees_what_breaks_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that is drawn from no seed, has other features, or cuts the gradient is found."""
    for number, (good, bad) in enumerate([
        ("return Frames(settings.channels)", "network = Frames(settings.channels)\n"
         "    for parameter in network.parameters():\n        parameter.data[:] = 1\n    return network"),
        ("self.features = channels", "self.features = channels + 1"),
        ("self.convolution(images)", "self.convolution(images).detach()"),
        ("BackboneSettings):", "BackboneSettings):\n    memory_format = 'preserve_format'\n"),
    ]):  # fmt: skip
        assert OUTSIDE.count(good) == 1
        name = write_part(tmp_path, monkeypatch, f"my_networks.bad{number}", OUTSIDE.replace(good, bad))
        module = plugins.load(FOLDER, name)
        with pytest.raises((AssertionError, RuntimeError)):
            check_backbone(module, module.Settings(name=name))


def test_a_model_with_a_backbone_from_outside_is_saved_and_loaded(outside: str, tmp_path: Path) -> None:
    shape = shape_with({"name": outside, "channels": 5})
    assert backbone_module(shape.backbone) == outside
    model = ZeroShotModel(shape).eval()
    (tmp_path / "w.safetensors").write_bytes(state_bytes(model))
    write_json(tmp_path / "w.json", {"model": shape.model_dump(mode="json"), "clip_length": 4})
    loaded, described = load_model(tmp_path / "w.safetensors", tmp_path / "w.json")
    assert described["model"]["backbone"] == {"name": outside, "channels": 5}
    clips = torch.randint(0, 256, (2, 4, 16, 16, 3), dtype=torch.uint8)
    with torch.inference_mode():
        assert torch.equal(loaded.embed_videos(clips), model.embed_videos(clips))


def test_a_description_does_not_decide_which_code_runs(outside: str, tmp_path: Path) -> None:
    """Until params.yaml has named the backbone, its file is not imported because of a checkpoint's description."""
    (tmp_path / "my_networks" / "frames2d.py").write_text("open('executed', 'w').close()\n" + OUTSIDE)
    (tmp_path / "w.safetensors").write_bytes(state_bytes(torch.nn.Linear(1, 1)))
    raw = shape_with({"name": "r2plus1d"}).model_dump(mode="json") | {"backbone": {"name": outside}}
    write_json(tmp_path / "w.json", {"model": raw, "clip_length": 4})
    with pytest.raises(AurlError, match=r"backbone my_networks\.frames2d is from outside; set model\.backbone"):
        load_model(tmp_path / "w.safetensors", tmp_path / "w.json")
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("name", plugins.names(FOLDER))
def test_importing_a_backbone_imports_no_heavy_library(name: str) -> None:
    code = f"import sys, {FOLDER}.{name}; print(*[heavy for heavy in {HEAVY} if heavy in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
