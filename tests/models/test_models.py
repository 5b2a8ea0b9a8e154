"""R(2+1)D as torchvision names it, and the zero-shot model."""

from pathlib import Path

import pytest
import torch

from aurl.models.checkpoint import load_model, state_bytes
from aurl.models.r2plus1d import R2Plus1D
from aurl.models.shape import ModelShape
from aurl.models.zero_shot import ZeroShotModel, projector
from aurl.system.errors import AurlError
from aurl.system.json_files import write_json

SMALL = {
    "backbone": {"name": "r2plus1d", "width": 4, "blocks": [1, 1]}, "embedding": 12, "word_hidden": 10, "dropout": 0.0,
    "mean": (0.4, 0.4, 0.4), "std": (0.2, 0.2, 0.2), "dimension": 6,
}  # fmt: skip


def parameters(model: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_r2plus1d_18_has_torchvisions_parameters_and_names() -> None:
    model = R2Plus1D(num_classes=400)
    assert parameters(model) == 31_505_325
    assert parameters(R2Plus1D()) == 31_300_125
    state = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    # shapes from torchvision.models.video.r2plus1d_18, one of each kind
    assert state["stem.0.weight"] == (45, 3, 1, 7, 7)
    assert state["stem.3.weight"] == (64, 45, 3, 1, 1)
    assert state["layer1.0.conv1.0.0.weight"] == (144, 64, 1, 3, 3)
    assert state["layer1.0.conv1.0.3.weight"] == (64, 144, 3, 1, 1)
    assert state["layer2.0.conv1.0.0.weight"] == (230, 64, 1, 3, 3)
    assert state["layer2.0.conv2.0.0.weight"] == (230, 128, 1, 3, 3)
    assert state["layer3.0.conv1.0.0.weight"] == (460, 128, 1, 3, 3)
    assert state["layer4.0.conv1.0.0.weight"] == (921, 256, 1, 3, 3)
    assert state["layer2.0.downsample.0.weight"] == (128, 64, 1, 1, 1)
    assert state["layer4.1.conv2.1.running_var"] == (512,)
    assert state["fc.weight"] == (400, 512)
    assert "layer1.0.downsample.0.weight" not in state


def test_backbone_gives_512_features_of_a_clip() -> None:
    with torch.inference_mode():
        assert R2Plus1D().eval()(torch.zeros(1, 3, 4, 32, 32)).shape == (1, 512)


def test_projector_is_three_linear_and_batchnorm_layers_with_two_relus() -> None:
    kinds = [type(layer).__name__ for layer in projector(512, 2048)]
    assert kinds == ["Linear", "BatchNorm1d", "ReLU", "Linear", "BatchNorm1d", "ReLU", "Linear", "BatchNorm1d"]
    assert parameters(projector(512, 2048)) == (512 + 1) * 2048 + 2 * (2048 + 1) * 2048 + 3 * 2 * 2048


@pytest.mark.parametrize("word_projector", [False, True])
def test_model_embeds_both_sides_into_one_space(word_projector: bool) -> None:
    model = ZeroShotModel(ModelShape(**SMALL, word_projector=word_projector, seen_classes=5)).eval()
    clips = torch.randint(0, 256, (3, 4, 16, 16, 3), dtype=torch.uint8)
    classes = torch.randn(5, 6)
    with torch.inference_mode():
        videos, embedded = model.embed_videos(clips), model.embed_classes(classes)
    space = 12 if word_projector else 6
    assert videos.shape == (3, space)
    assert embedded.shape == (5, space)
    assert model.visual_centres is not None
    assert model.visual_centres.shape == (5, space)
    assert model.visual_centres.min() >= 0
    assert model.visual_centres.max() < 1
    assert torch.equal(embedded, classes) != word_projector


def test_frames_are_scaled_and_normalised() -> None:
    model = ZeroShotModel(ModelShape(**SMALL, word_projector=False, seen_classes=None)).eval()
    seen: list[torch.Tensor] = []
    model.backbone.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    clips = torch.zeros(1, 4, 16, 16, 3, dtype=torch.uint8)
    clips[..., 1] = 255
    model.embed_videos(clips)
    assert seen[0].shape == (1, 3, 4, 16, 16)
    assert seen[0][0, 0].unique().tolist() == pytest.approx([(0 - 0.4) / 0.2])
    assert seen[0][0, 1].unique().tolist() == pytest.approx([(1 - 0.4) / 0.2])
    assert seen[0].is_contiguous(memory_format=torch.channels_last_3d)


def test_normalisation_is_no_part_of_the_checkpoint() -> None:
    assert not {"mean", "std"} & set(
        ZeroShotModel(ModelShape(**SMALL, word_projector=False, seen_classes=None)).state_dict()
    )


@pytest.mark.parametrize(("width", "blocks", "frames", "size"), [(4, (1, 1), 4, 16), (8, (1, 1, 1), 8, 32)])
def test_gradients_in_bfloat16_are_those_of_float32(
    width: int, blocks: tuple[int, ...], frames: int, size: int
) -> None:
    """Each of these ends with 2 frames, where torch's own padding leaves garbage in the weights' gradients."""
    torch.manual_seed(0)
    model = R2Plus1D(width, blocks).eval()
    clips = torch.randn(3, 3, frames, size, size)
    gradients = {}
    for enabled in (False, True, True):
        waste = [torch.full((500, 500), 1e30) for _ in range(8)]  # what uninitialised memory will then hold
        del waste
        model.zero_grad(set_to_none=True)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
            features = model(clips)
        features.float().square().sum().backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None
            if not enabled:
                gradients[name] = parameter.grad.clone()
                continue
            error = (parameter.grad - gradients[name]).norm() / gradients[name].norm()
            assert error < 0.1, name


def test_an_older_description_gives_the_same_model(tmp_path: Path) -> None:
    """It has `width` and `blocks` beside the other keys."""
    torch.manual_seed(0)
    model = ZeroShotModel(ModelShape(**SMALL, word_projector=True, seen_classes=5)).eval()
    (tmp_path / "w.safetensors").write_bytes(state_bytes(model))
    rest = {key: value for key, value in SMALL.items() if key != "backbone"}
    old = {"width": 4, "blocks": [1, 1], **rest, "word_projector": True, "seen_classes": 5}
    for number, described in enumerate((old, {**SMALL, "word_projector": True, "seen_classes": 5})):
        write_json(tmp_path / f"{number}.json", {"model": described, "clip_length": 4})
        loaded, _ = load_model(tmp_path / "w.safetensors", tmp_path / f"{number}.json")
        clips = torch.randint(0, 256, (3, 4, 16, 16, 3), dtype=torch.uint8)
        with torch.inference_mode():
            assert torch.equal(loaded.embed_videos(clips), model.embed_videos(clips))
    write_json(tmp_path / "2.json", {"model": {**old, "width": 6}, "clip_length": 4})
    with pytest.raises(
        AurlError, match=r"its description says: .* first backbone\.stem\.0.*, expected \(4, 3, 1, 7, 7"
    ):
        load_model(tmp_path / "w.safetensors", tmp_path / "2.json")
