"""Published weights: read without running anything, recognised by their tensors, renamed, imported."""

import argparse
import functools
import hashlib
import io
import json
import math
import os
import pickle
import re
import struct
import time
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import pytest
import torch
from foreign_weights import aurl_state, beside
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor

from aurl.models.checkpoint import load_model
from aurl.models.imported import import_checkpoint
from aurl.models.published import backbone_state, initialise_backbone, read_published, their_name
from aurl.models.r2plus1d import R2Plus1D
from aurl.models.shape import ModelShape
from aurl.models.torch_file import load_plain, read_checkpoint
from aurl.models.zero_shot import ZeroShotModel
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file

SMALL = {
    "backbone": {"name": "r2plus1d", "width": 4, "blocks": [2, 1]},
    "embedding": 12,
    "word_hidden": 10,
    "dimension": 6,
}
REST = {"dropout": 0.05, "mean": (0.43216, 0.394666, 0.37645), "std": (0.22803, 0.22145, 0.216989)}
COPIES = {"encode.0.": "backbone.", "encode.1.": "projection.", "encode_words.0.": "backbone_words.",
          "encode_words.1.": "projection_words."}  # fmt: skip


@functools.cache
def trained(word_projector: bool = True, seen_classes: int | None = 7, seed: int = 0) -> ZeroShotModel:
    """A small model with statistics that are not those of the start."""
    torch.manual_seed(seed)
    model = ZeroShotModel(ModelShape(**SMALL, **REST, word_projector=word_projector, seen_classes=seen_classes)).train()
    for _ in range(2):
        model.embed_videos(torch.randint(0, 256, (4, 4, 16, 16, 3), dtype=torch.uint8))
        model.embed_classes(torch.randn(5, 6))
    return model.eval()


def e2e_state(model: ZeroShotModel) -> dict[str, Tensor]:
    """A model's state under the names of the earlier paper's code, saved from torch's DataParallel."""
    parts = {"backbone.stem": "model.0", "backbone.layer": "model.", "video_projector": "regressor"}
    return {
        "module." + re.sub("|".join(parts), lambda found: parts[found[0]], name): tensor
        for name, tensor in model.state_dict().items()
    }


def same_outputs(left: ZeroShotModel, right: ZeroShotModel) -> None:
    clips = torch.randint(0, 256, (3, 4, 16, 16, 3), dtype=torch.uint8)
    words = torch.randn(5, 6)
    with torch.inference_mode():
        assert torch.equal(left.embed_videos(clips), right.embed_videos(clips))
        assert torch.equal(left.embed_classes(words), right.embed_classes(words))


def imported(path: Path, folder: Path) -> tuple[ZeroShotModel, dict[str, Any]]:
    checkpoint, description = folder / "out" / "seed0.safetensors", folder / "out" / "seed0.json"
    import_checkpoint(path, "published", 0, clip_length=16, checkpoint=checkpoint, description=description, **REST)
    return load_model(checkpoint, description)


# --- the three kinds -------------------------------------------------------------------------------------


@pytest.mark.parametrize("zip_format", [True, False])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_the_authors_checkpoint_gives_the_same_outputs(tmp_path: Path, zip_format: bool, prefix: str) -> None:
    model, path = trained(), tmp_path / "AURL662_checkpoint.pth.tar"
    state = OrderedDict((prefix + name, tensor) for name, tensor in aurl_state(model).items())
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    saved = beside(state_dict=state, optim_state_dict=optimizer.state_dict())
    torch.save(saved, path, _use_new_zipfile_serialization=zip_format)
    assert zipfile.is_zipfile(path) == zip_format
    published = read_published(path)
    assert published.kind == "aurl"
    assert published.shape == {**SMALL, "word_projector": True, "seen_classes": 7}
    assert published.unused == ["backbone.regressor.bias", "backbone.regressor.weight", "classifier_txts.weight"]
    assert (published.filled, published.numbers) == ([], {"epoch": 149})
    assert {name: value.dtype for name, value in published.state.items()} == {
        name: value.dtype for name, value in model.state_dict().items()
    }
    found, described = imported(path, tmp_path)
    same_outputs(found, model)
    assert torch.equal(found.visual_centres, model.visual_centres)
    assert described["classes"] is None
    assert described["clip_length"] == 16
    assert (described["variant"], described["seed"]) == ("published", 0)
    assert described["source"] == {
        "file": path.name, "sha256": sha256_file(path), "kind": "aurl", "unused": published.unused, "filled": [],
        "numbers": {"epoch": 149},
    }  # fmt: skip


@pytest.mark.parametrize("zip_format", [True, False])
def test_the_earlier_papers_checkpoint_gives_the_same_outputs(tmp_path: Path, zip_format: bool) -> None:
    model, path = trained(word_projector=False, seen_classes=None), tmp_path / "checkpoint.pth.tar"
    torch.save(beside(state_dict=e2e_state(model)), path, _use_new_zipfile_serialization=zip_format)
    published = read_published(path)
    assert (published.kind, published.unused) == ("e2e", [])
    assert (published.shape["dimension"], published.shape["word_projector"]) == (6, False)
    same_outputs(imported(path, tmp_path)[0], model)


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_torchvisions_backbone_is_for_initialisation_only(tmp_path: Path, form: str) -> None:
    torch.manual_seed(0)
    model, path = R2Plus1D(4, [2, 1], num_classes=9), tmp_path / f"r2plus1d.{form}"
    if form == "safetensors":
        save_file(model.state_dict(), path)
    else:
        torch.save(model.state_dict(), path, _use_new_zipfile_serialization=form == "zip")
    published = read_published(path)
    assert (published.kind, published.shape) == ("r2plus1d", {"backbone": SMALL["backbone"]})
    assert published.unused == ["fc.bias", "fc.weight"]
    backbone = R2Plus1D(4, [2, 1])
    initialise_backbone(backbone, path)
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in backbone.state_dict().items())
    with pytest.raises(AurlError, match="initialisation only: set model.initial_backbone"):
        imported(path, tmp_path)
    assert not (tmp_path / "out").exists()
    with pytest.raises(
        AurlError, match=r"another width or depth .* first .*: \(.*, expected \(.*set model.backbone to"
    ):
        initialise_backbone(R2Plus1D(6, [2, 1]), path)
    with pytest.raises(AurlError, match=r"first layer1\.2\.conv1\.0\.0\.weight: missing, expected \(9, 4, 1, 3, 3\)"):
        initialise_backbone(R2Plus1D(4, [3, 1]), path)
    with pytest.raises(AurlError, match=r"first layer1\.1\.conv1\.0\.0\.weight: \(9, 4, 1, 3, 3\), expected missing"):
        initialise_backbone(R2Plus1D(4, [1, 1]), path)


def test_every_kind_initialises_a_backbone(tmp_path: Path) -> None:
    model = trained()
    torch.save({"state_dict": aurl_state(model)}, tmp_path / "a")
    other = trained(word_projector=False, seen_classes=None)
    torch.save({"state_dict": e2e_state(other)}, tmp_path / "b")
    for name, own in (("a", model), ("b", other)):
        found = backbone_state(tmp_path / name)
        assert all(torch.equal(found[key], value) for key, value in own.backbone.state_dict().items())
        assert set(found) == set(own.backbone.state_dict())


def test_names_at_full_width_are_torchvisions() -> None:
    with torch.device("meta"):
        shape = ModelShape(
            backbone={"name": "r2plus1d", "width": 64, "blocks": [2, 2, 2, 2]}, embedding=2048, word_hidden=512,
            dimension=300, word_projector=True, seen_classes=662, **REST,
        )  # fmt: skip
        model = ZeroShotModel(shape)
    shapes = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    assert sum(parameter.numel() for parameter in model.backbone.parameters()) == 31_300_125
    backbone = {name: shape for name, shape in shapes.items() if name.startswith("backbone.")}
    torchvisions = {their_name("r2plus1d", name): shape for name, shape in backbone.items()}
    lines = sorted(
        f"{name} {shape}" for name, shape in {**torchvisions, "fc.weight": (400, 512), "fc.bias": (400,)}.items()
    )
    # of the state dict of torchvision 0.29.2's r2plus1d_18: 224 lines "name shape", sorted
    digest = "4be63f9053df0eaa9d6fe7d2d21eb3ec25e8c6ae7e1f5cebf591f120dfd3d444"
    assert hashlib.sha256("\n".join(lines).encode()).hexdigest() == digest
    theirs = {their_name("aurl", name): shape for name, shape in shapes.items()}
    assert len(theirs) == len(shapes)
    assert theirs["backbone.model.0.3.weight"] == (64, 45, 3, 1, 1)
    assert theirs["backbone.model.4.1.conv2.1.running_var"] == (512,)
    assert theirs["backbone_words.regressor.weight"] == (512, 300)
    assert theirs["projection.l1.0.weight"] == (2048, 512)
    assert theirs["projection_words.l3.1.running_mean"] == (2048,)
    assert theirs["classifier.weight"] == (662, 2048)
    assert set(theirs) | {"backbone.regressor.weight", "backbone.regressor.bias"} == {
        name for name in aurl_names(theirs) if not name.startswith(("encode", "classifier_txts"))
    }


def aurl_names(theirs: dict[str, Any]) -> set[str]:
    """The names that the released modules have, from their structure: 2 blocks in each of 4 stages, two projections."""
    normalisation = ["weight", "bias", "running_mean", "running_var", "num_batches_tracked"]
    names = {f"backbone.model.0.{place}.weight" for place in (0, 3)}
    names |= {f"backbone.model.0.{place}.{part}" for place in (1, 4) for part in normalisation}
    for stage in range(1, 5):
        for block in range(2):
            for convolution in ("conv1", "conv2"):
                inside = f"backbone.model.{stage}.{block}.{convolution}"
                names |= {f"{inside}.0.{place}.weight" for place in (0, 3)}
                names |= {f"{inside}.{place}.{part}" for place in ("0.1", "1") for part in normalisation}
        if stage > 1:
            names |= {f"backbone.model.{stage}.0.downsample.1.{part}" for part in normalisation}
            names.add(f"backbone.model.{stage}.0.downsample.0.weight")
    for projection in ("projection", "projection_words"):
        for layer in ("l1", "l2", "l3"):
            names |= {f"{projection}.{layer}.0.{part}" for part in ("weight", "bias")}
            names |= {f"{projection}.{layer}.1.{part}" for part in normalisation}
    names |= {f"{module}.regressor.{part}" for module in ("backbone", "backbone_words") for part in ("weight", "bias")}
    return names | {"classifier.weight"}


@pytest.mark.parametrize("classes", [662, 700])
def test_seen_classes_are_read_from_the_shapes(tmp_path: Path, classes: int) -> None:
    torch.save({"state_dict": aurl_state(trained(seen_classes=classes))}, tmp_path / "weights")
    assert read_published(tmp_path / "weights").shape["seen_classes"] == classes


def test_half_precision_becomes_float32(tmp_path: Path) -> None:
    state = {
        name: value.half() if value.is_floating_point() else value for name, value in aurl_state(trained()).items()
    }
    torch.save({"state_dict": state}, tmp_path / "weights")
    found = read_published(tmp_path / "weights").state
    assert torch.equal(found["visual_centres"], state["classifier.weight"].float())


# --- tensors that are not the expected ones --------------------------------------------------------------


def problem(state: dict[str, Tensor], folder: Path) -> str:
    torch.save({"state_dict": state}, folder / "weights")
    with pytest.raises(AurlError) as error:
        read_published(folder / "weights")
    assert "\n" not in str(error.value)
    assert str(error.value).startswith(f"{folder / 'weights'}: ")
    return str(error.value)


def test_unexpected_tensors_are_listed_together(tmp_path: Path) -> None:
    state = {name: value for name, value in aurl_state(trained()).items() if not name.startswith("encode")}
    state["projection.l2.0.weight"] = torch.zeros(12, 11)
    state["extra.weight"] = torch.zeros(2, 3)
    del state["projection_words.l3.1.running_var"]
    state["projection_words.l1.0.bias"] = torch.zeros(12, dtype=torch.int64)
    state["projection.l3.1.running_var"] = torch.full((12,), math.nan)
    found = problem(state, tmp_path)
    for words in [
        "projection.l2.0.weight (12, 11), expected (12, 12)",
        "extra.weight (2, 3) unknown",
        "projection_words.l3.1.running_var (12,) missing",
        "projection_words.l1.0.bias torch.int64, expected torch.float32",
        "projection.l3.1.running_var has values that are not finite",
    ]:
        assert words in found
    assert "more" not in found
    many = problem({**state, **{f"extra{number}": torch.zeros(1) for number in range(40)}}, tmp_path)
    assert many.count("unknown") <= 10
    assert many.endswith("; and 35 more")


@pytest.mark.parametrize(
    "lacking", ["classifier.weight", "backbone.model.0.3.weight", "backbone_words.regressor.weight"]
)
def test_a_missing_tensor_that_tells_the_shape_is_named(tmp_path: Path, lacking: str) -> None:
    state = {name: value for name, value in aurl_state(trained()).items() if not name.startswith("encode")}
    del state[lacking]
    assert f"{lacking} missing" in problem(state, tmp_path)


def test_a_missing_stage_is_noticed(tmp_path: Path) -> None:
    state = {name: value for name, value in aurl_state(trained()).items() if not name.startswith("encode")}
    state = {name: value for name, value in state.items() if not name.startswith("backbone.model.1.")}
    assert "backbone.model.1.0.conv1.0.0.weight (9, 4, 1, 3, 3) missing" in problem(state, tmp_path)


@pytest.mark.parametrize("copy", ["encode.0.model.0.0.weight", "encode.1.l3.0.bias", "encode_words.0.regressor.bias"])
def test_copies_must_be_bit_equal(tmp_path: Path, copy: str) -> None:
    state = aurl_state(trained())
    state[copy] = state[copy].clone()
    torch.save({"state_dict": state}, tmp_path / "equal")
    read_published(tmp_path / "equal")
    state[copy].view(-1)[0] = torch.nextafter(state[copy].view(-1)[0], torch.tensor(9.0))
    original = next(copy.replace(a, b) for a, b in COPIES.items() if copy.startswith(a))
    assert f"{copy} is not equal to {original}" in problem(state, tmp_path)
    state["encode.1.l9.0.bias"] = torch.zeros(2)
    assert "encode.1.l9.0.bias is not equal to projection.l9.0.bias" in problem(state, tmp_path)


def test_batch_counts_that_old_files_lack_are_filled_and_reported(tmp_path: Path) -> None:
    model = trained()
    state = {name: value for name, value in aurl_state(model).items() if not name.endswith("num_batches_tracked")}
    torch.save({"state_dict": state}, tmp_path / "weights")
    published = read_published(tmp_path / "weights")
    assert published.filled == [name for name in model.state_dict() if name.endswith("num_batches_tracked")]
    assert all(published.state[name].item() == 0 for name in published.filled)
    same_outputs(imported(tmp_path / "weights", tmp_path)[0], model)


def test_other_networks_are_of_an_unknown_kind(tmp_path: Path) -> None:
    assert "unknown kind (its tensors: conv1.weight, ...)" in problem({"conv1.weight": torch.zeros(64, 3, 3)}, tmp_path)
    assert "stem.3.weight missing" in problem({"stem.0.weight": torch.zeros(64, 3, 3, 7, 7)}, tmp_path)  # r3d_18
    assert "impossible shape" in problem({"stem.3.weight": torch.zeros(1 << 17, 1)}, tmp_path)


def test_an_import_leaves_both_files_or_none(tmp_path: Path) -> None:
    torch.save({"state_dict": aurl_state(trained())}, tmp_path / "weights")
    (tmp_path / "file").write_text("")
    paths = {"checkpoint": tmp_path / "out.safetensors", "description": tmp_path / "file" / "no.json"}
    with pytest.raises(OSError, match="file"):
        import_checkpoint(tmp_path / "weights", "published", 0, clip_length=16, **paths, **REST)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "weights"]
    for _ in range(2):
        imported(tmp_path / "weights", tmp_path)
    text = (tmp_path / "out" / "seed0.json").read_text()
    assert json.loads(text)["model"]["seen_classes"] == 7
    assert str(tmp_path) not in text


# --- hostile files ---------------------------------------------------------------------------------------


class Call:
    """Pickles to a call of anything."""

    def __init__(self, function: Any, *arguments: Any, state: Any = None) -> None:
        self.reduced = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


def zip_file(path: Path, pickled: bytes, entries: dict[str, bytes] | None = None, **options: Any) -> Path:
    """A zip in the layout of torch.save around any pickle."""
    with zipfile.ZipFile(path, "w", **options) as archive:
        archive.writestr("archive/data.pkl", pickled)
        for name, content in {"version": b"3\n", "byteorder": b"little", **(entries or {})}.items():
            archive.writestr(f"archive/{name}", content)
    return path


def legacy_file(path: Path, pickled: bytes, keys: list[str] | None = None, rest: bytes = b"") -> Path:
    """The layout from before torch 1.6 around any pickle; a persistent id has a sixth part there."""
    head = [0x1950A86A20F9469CFC6C, 1001, {"protocol_version": 1001, "little_endian": True, "type_sizes": {}}]
    parts = [
        *(pickle.dumps(part, 2) for part in head),
        pickled.replace(b"tQ", b"NtQ"),
        pickle.dumps(keys or [], 2),
        rest,
    ]
    path.write_bytes(b"".join(parts))
    return path


def payloads(canary: Path) -> dict[str, bytes]:
    """Pickles that create the canary file when an unpickler runs them."""
    touch, code = f"touch '{canary}'", f"open({str(canary)!r}, 'w').close()"
    inner = io.BytesIO()
    torch.save(Call(os.system, touch), inner)
    load = functools.partial(torch.load, weights_only=False)
    stacked = (
        b"\x80\x04\x8c\x08builtins\x8c\x07getattr\x93\x8c\x02os\x94"
        b"0\x8c\x08builtins\x8c\x0a__import__\x93\x8c\x02os\x85R\x8c\x06system\x86R"
        + b"\x8c" + bytes([len(touch)]) + touch.encode() + b"\x85R."
    )  # fmt: skip
    return {
        "os.system": pickle.dumps(Call(os.system, touch), 2),
        "eval": pickle.dumps(Call(eval, code), 2),
        "exec": pickle.dumps(Call(exec, code), 4),
        "protocol 0": pickle.dumps(Call(os.system, touch), 0),
        "inside a Namespace": pickle.dumps({"opt": argparse.Namespace(a=[{"b": Call(os.system, touch)}])}, 2),
        "as a key": pickle.dumps({Call(os.system, touch): 1}, 2),
        "list items": pickle.dumps([Call(exec, code)] * 3, 2),
        "state of another object": pickle.dumps(Call(argparse.Namespace, state={"x": Call(eval, code)}), 2),
        "getattr by STACK_GLOBAL": stacked,
        "INST": b"(S" + repr(touch).encode() + b"\nios\nsystem\n.",
        "OBJ": b"(cos\nsystem\nS" + repr(touch).encode() + b"\no.",
        "torch.load inside": pickle.dumps(Call(load, Call(io.BytesIO, inner.getvalue())), 2),
    }


KINDS_OF_PAYLOAD = list(payloads(Path("x")))


@pytest.mark.parametrize("kind", KINDS_OF_PAYLOAD)
def test_nothing_in_a_pickle_is_executed(tmp_path: Path, kind: str) -> None:
    canary = tmp_path / "canary"
    payload = payloads(canary)[kind]
    pickle.loads(payload)  # noqa: S301 (the proof that the payload is live)
    assert canary.exists()
    canary.unlink()
    for path in (zip_file(tmp_path / "zip", payload), legacy_file(tmp_path / "legacy", payload)):
        with pytest.raises(AurlError) as error:
            read_published(path)
        assert "\n" not in str(error.value)
        assert re.search(
            r"names [\w.]+, which no weights need and which is not run|uses STACK_GLOBAL", str(error.value)
        )
        with pytest.raises(Exception, match="Weights only load failed"):
            load_plain(path)  # torch refuses it, too, without the check that comes first
    assert not canary.exists()


@pytest.mark.parametrize("zip_format", [True, False])
def test_what_a_file_names_beside_its_tensors_is_refused_and_named(tmp_path: Path, zip_format: bool) -> None:
    canary, path = tmp_path / "canary", tmp_path / "weights"
    options = argparse.Namespace(nested=[Call(os.system, f"touch '{canary}'")])
    posix_path = f"{type(Path()).__module__}.PosixPath"  # its place differs between versions of Python
    for beside_tensors, name in ((options, "posix.system"), (Path("x"), posix_path), (math.sqrt, "math.sqrt")):
        saved = {"state_dict": aurl_state(trained()), "opt": beside_tensors}
        torch.save(saved, path, _use_new_zipfile_serialization=zip_format)
        with pytest.raises(AurlError) as error:
            read_published(path)
        assert str(error.value) == (
            f"{path}: not a usable file of weights (its pickle names {name}, which no weights need and which is not run;"
            " if you trust the file, load it with torch yourself, and save its state_dict alone)"
        )
    assert not canary.exists()
    saved = {"state_dict": aurl_state(trained()), "huge": 1 << 99, **beside()}
    torch.save(saved, path, _use_new_zipfile_serialization=zip_format)
    assert read_published(path).numbers == {"epoch": 149}


@pytest.mark.parametrize("state", [{"a": 1, "__class__": 2, "__setstate__": 3}, ({"a": 1}, {"__dict__": {"b": 2}})])
def test_a_namespace_gets_attributes_and_nothing_else(tmp_path: Path, state: Any) -> None:
    path = zip_file(tmp_path / "zip", pickle.dumps(Call(argparse.Namespace, state=state), 2))
    loaded = load_plain(path)
    assert type(loaded) is argparse.Namespace
    assert vars(loaded) == (state if isinstance(state, dict) else {"b": 2})


def test_a_namespace_calls_nothing(tmp_path: Path) -> None:
    """Called with arguments, or as another class, it is an error."""
    for pickled in (
        pickle.dumps(Call(argparse.Namespace, 1), 2),
        pickle.dumps(Call(argparse.Namespace, state=({}, {"__class__": OrderedDict})), 2),
    ):
        with pytest.raises(TypeError):
            load_plain(zip_file(tmp_path / "zip", pickled))


def test_a_pickle_reserves_no_memory(tmp_path: Path) -> None:
    """torch allows bytearray(n), which takes n bytes."""
    pickled = b"\x80\x02c__builtin__\nbytearray\n\x8a\x06" + (1 << 40).to_bytes(6, "little") + b"\x85R."
    with pytest.raises(AurlError, match=r"names __builtin__\.bytearray, which no weights need"):
        read_published(zip_file(tmp_path / "zip", pickled))


def storage(numel: Any = 4, key: Any = "0", kind: bytes = b"ctorch\nFloatStorage\n", word: str = "storage") -> bytes:
    """The operations that push a persistent id and turn it into a storage."""
    push = [pickle.dumps(value, 2)[2:-1] for value in (word, key, "cpu", numel)]
    return b"(" + push[0] + kind + push[1] + push[2] + push[3] + b"tQ"


def tensor(storage: bytes, offset: Any = 0, shape: Any = (4,), strides: Any = (1,)) -> bytes:
    """A pickle of {"stem.0.weight": tensor}."""
    described = b"".join(pickle.dumps(value, 2)[2:-1] for value in (offset, shape, strides))
    rebuild = b"ctorch._utils\n_rebuild_tensor_v2\n(" + storage + described + b"\x89ccollections\nOrderedDict\n)RtR"
    return b"\x80\x02}X\x0d\x00\x00\x00stem.0.weight" + rebuild + b"s."


FLOATS = struct.pack("<4f", 1, 2, 3, 4)
HOSTILE = {
    "1 TB": (tensor(storage(250_000_000_000), shape=(250_000_000_000,)), "does not match expected size"),
    "shorter than stated": (tensor(storage(5)), "does not match expected size"),
    "negative size": (tensor(storage(-4)), "malformed"),
    "size that is no int": (tensor(storage(4.0)), "malformed"),
    "beyond 64 bits": (tensor(storage(1 << 70)), "malformed"),
    "offset past the end": (tensor(storage(), offset=1), "not resizable"),
    "negative offset": (tensor(storage(), offset=-1), "invalid storage offset"),
    "stride past the end": (tensor(storage(), shape=(2, 2), strides=(3, 1)), "not resizable"),
    "negative stride": (tensor(storage(), strides=(-1,)), "overflowed"),
    "blown up by stride 0": (tensor(storage(), shape=(1 << 40,), strides=(0,)), "passes the end"),
    "shape and strides differ": (tensor(storage(), strides=(1, 1)), "unequal size length"),
    "shape is a string": (tensor(storage(), shape="4"), "malformed"),
    "unknown storage": (tensor(storage(key="../../etc/passwd")), "file not found"),
    "type from elsewhere": (
        tensor(storage(kind=b"cos\nFloatStorage\n")),
        "names os.FloatStorage, which no weights need",
    ),
    "type is a string": (tensor(storage(kind=b"X\x01\x00\x00\x00x")), "malformed"),
    "no storage": (tensor(storage(word="module")), "Only persistent_load of storage"),
    "persistent id is a number": (tensor(b"K\x05Q"), "malformed"),
    "persistent id in text": (b"\x80\x02Pstorage\n.", "Unsupported operand"),
    "tensor of nothing": (tensor(b"N"), "malformed"),
    "extension": (b"\x80\x02\x82\x01.", "Unsupported operand"),
    "stack underflow": (b"\x80\x02R.", "malformed"),
    "unknown memo": (b"\x80\x02h\x05.", "malformed"),
    "memo of 4 billion": (b"\x80\x02K\x01r\xff\xff\xff\xff.", "no tensors by name"),
    "string of 2 GB": (b"\x80\x02X\xff\xff\xff\x7fabc.", "expected 2147483647 bytes"),
    "string of 2^60": (b"\x80\x04\x8d" + struct.pack("<Q", 1 << 60) + b"abc.", "expected 1152921504606846976 bytes"),
    "deep tuple as a key": (b"\x80\x02})" + b"\x85" * 150_000 + b"K\x01s.", "150000 tuples"),
    "no end": (b"\x80\x02}", "exhausted"),
    "no pickle": (b"\xff" * 100, "unknown"),
    "nothing": (b"", "exhausted"),
    "4 MiB": (b"\x80\x02" + b"N0" * (3 << 20), "longer than 4 MiB"),
    "name of the file's choosing": (
        tensor(storage()).replace(b"stem.0.weight", b"stem\n\x1b[2J\x00ght"),
        "not printable",
    ),
    "laughing global": (
        b"\x80\x04]\x94" + b"".join(b"](h%ch%ce\x94" % (n, n) for n in range(60)) + b"h<\x93.",
        "uses STACK_GLOBAL",
    ),
    "text": (pickle.dumps("x", 2), "no tensors by name"),
    "state dict is a list": (pickle.dumps({"state_dict": [1]}, 2), "state_dict is no mapping"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_sizes_and_operations_are_checked_before_they_are_believed(tmp_path: Path, kind: str) -> None:
    pickled, words = HOSTILE[kind]
    path, started = zip_file(tmp_path / "zip", pickled, {"data/0": FLOATS}), time.monotonic()
    with pytest.raises(AurlError) as error:
        read_published(path)
    assert "\n" not in str(error.value)
    assert words in str(error.value)
    legacy = legacy_file(tmp_path / "legacy", pickled, ["0"], struct.pack("<q", 4) + FLOATS)
    with pytest.raises(AurlError, match="not a usable file of weights"):
        read_published(legacy)
    assert time.monotonic() - started < 10


def test_the_hostile_files_differ_from_a_good_one_in_one_thing(tmp_path: Path) -> None:
    for path in (
        zip_file(tmp_path / "zip", tensor(storage()), {"data/0": FLOATS}),
        legacy_file(tmp_path / "legacy", tensor(storage()), ["0"], struct.pack("<q", 4) + FLOATS),
    ):
        assert read_checkpoint(path).tensors["stem.0.weight"].tolist() == [1, 2, 3, 4]
    lying = legacy_file(tmp_path / "lying", tensor(storage(1 << 40)), ["0"], struct.pack("<q", 1 << 40) + FLOATS)
    with pytest.raises(AurlError, match="not a usable file of weights"):
        read_published(lying)
    odd = zip_file(tmp_path / "odd", tensor(storage(key=0)), {"data/0": FLOATS})  # torch takes the number as a name
    assert read_checkpoint(odd).tensors["stem.0.weight"].tolist() == [1, 2, 3, 4]
    with pytest.raises(AurlError, match="does not match expected size"):
        read_published(zip_file(tmp_path / "true", tensor(storage(True)), {"data/0": FLOATS}))


def test_a_zip_bomb_is_not_unpacked(tmp_path: Path) -> None:
    zeros = bytes(40 << 20)
    bomb = zip_file(tmp_path / "bomb", tensor(storage(10 << 20)), {"data/0": zeros}, compression=zipfile.ZIP_DEFLATED)
    assert bomb.stat().st_size < 100_000
    with pytest.raises(AurlError, match="compressed"):
        read_published(bomb)
    # the same claim in the table of contents of a stored entry: sizes 16 MiB instead of 16 bytes
    content = zip_file(tmp_path / "stored", tensor(storage(4 << 20)), {"data/0": FLOATS}).read_bytes()
    at = content.rindex(b"PK\x01\x02") + 20
    (tmp_path / "stored").write_bytes(content[:at] + struct.pack("<II", 16 << 20, 16 << 20) + content[at + 8 :])
    with pytest.raises(AurlError, match="larger than the file"):
        read_published(tmp_path / "stored")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "no such file"),
        (b"", "the file is empty"),
        (b"\n <!DOCTYPE html><html>Google Drive can't scan this file</html>", "a web page"),
        (b"word2vec says hello", "neither a file of torch.save nor safetensors"),
        (b"\x1f\x8b\x08 gzip", "neither a file of torch.save nor safetensors"),
        (b"PK\x03\x04 and no more", "not a zip file"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", "exhausted"),
        (struct.pack("<Q", 1 << 50) + b'{"a": 1}', "header"),
    ],
)
def test_files_of_other_kinds_get_one_line(tmp_path: Path, content: bytes | None, words: str) -> None:
    if content is not None:
        (tmp_path / "weights").write_bytes(content)
    with pytest.raises(AurlError) as error:
        read_published(tmp_path / "weights")
    assert "\n" not in str(error.value)
    assert words.lower() in str(error.value).lower()


def test_folders_and_other_archives_get_one_line(tmp_path: Path) -> None:
    with pytest.raises(AurlError, match="a folder; give the file"):
        read_published(tmp_path)
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as archive:
        archive.writestr("folder/readme.txt", "hello")
    with pytest.raises(AurlError, match=r"not one of torch\.save: it has no data\.pkl"):
        read_published(tmp_path / "other.zip")


@pytest.mark.parametrize("form", ["zip", "legacy", "safetensors"])
def test_a_truncated_or_damaged_file_gets_one_line(tmp_path: Path, form: str) -> None:
    path, state = tmp_path / "weights", R2Plus1D(4, [1]).state_dict()
    if form == "safetensors":
        save_file(state, path)
    else:
        torch.save(state, path, _use_new_zipfile_serialization=form == "zip")
    content = path.read_bytes()
    for share in (0.1, 0.5, 0.95, 0.999):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(AurlError, match="not a usable file of weights"):
            read_published(path)
    if form == "zip":  # a flipped bit of a weight, which only the archive's checksum can tell
        place = content.index(state["stem.0.weight"].numpy().tobytes()) + 5
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(AurlError, match="Bad CRC-32"):
            read_published(path)


@settings(max_examples=150, deadline=None)
@given(places=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=4))
def test_random_damage_of_a_pickle_gives_a_result_or_one_line(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[int, int]]
) -> None:
    changed = bytearray(tensor(storage()))
    for place, value in places:
        changed[place % len(changed)] = value
    path = zip_file(tmp_path_factory.mktemp("damage") / "zip", bytes(changed), {"data/0": FLOATS})
    line = ""
    try:
        assert read_checkpoint(path).tensors
    except AurlError as error:
        line = str(error)
    assert line.isprintable()
