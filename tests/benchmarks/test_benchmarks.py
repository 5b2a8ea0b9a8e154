"""The benchmarks' restatements of the published way give the results that ours gives; the page is made of the records."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from repositories import REPOSITORY

from aurl.evaluation.metrics import closeness, cosine_similarity, dispersion
from aurl.evaluation.protocol import evaluate_draws, half_class_split
from aurl.frames.packing import encode_jpegs, write_index, write_shard
from aurl.frames.store import FrameStore
from aurl.training.step import MEASURES


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Benchmarks import each other as scripts of one folder do."""
    monkeypatch.syspath_prepend(str(REPOSITORY / "benchmarks"))
    return importlib


def test_loaders_give_the_same_clip(benchmark: ModuleType, tmp_path: Path) -> None:
    """One stores squashed frames and the other squashes stored ones: equal but for the JPEG."""
    way, clips = benchmark.import_module("published_way"), benchmark.import_module("clips")
    y, x = np.mgrid[0:60, 0:80]
    frames = np.stack([np.stack([x + 8 * n, 2 * y, 3 * x], axis=-1) for n in range(20)]).astype(np.uint8)
    way.write_database(tmp_path / "lmdb", [[way.full_size_jpeg(frame, 95) for frame in frames]])
    pair = tmp_path / "0.jpegs", tmp_path / "0.safetensors"
    write_shard(*pair, [encode_jpegs(clips.squashed_by_pil(frames, 32), 95, "444")])
    write_index([pair], {"size": 32, "quality": 95, "chroma": "444"}, tmp_path / "index.json")
    mean, std = (0.43, 0.39, 0.38), (0.23, 0.22, 0.21)
    wanted = np.array([3, 4, 19, 0, 3])
    theirs = way.VideoDatabase(tmp_path / "lmdb", 32, mean, std).read(0, wanted)
    ours = torch.from_numpy(FrameStore(tmp_path / "index.json").read(0, wanted)).permute(3, 0, 1, 2).float() / 255
    ours = (ours - torch.tensor(mean).view(3, 1, 1, 1)) / torch.tensor(std).view(3, 1, 1, 1)
    assert theirs.shape == ours.shape == (3, 5, 32, 32)
    difference = (theirs - ours).abs().mean()
    assert difference < 0.05  # one step of 255 is 0.018
    assert (theirs[:, 1] - ours[:, 0]).abs().mean() > 2 * difference  # the next frame would be noticed


@pytest.mark.slow
def test_steps_give_the_same_loss_and_gradients(benchmark: ModuleType) -> None:
    """In float64, with the mixture that ours draws."""
    objective, way = benchmark.import_module("objective"), benchmark.import_module("published_way")
    random = torch.Generator().manual_seed(5)
    features = torch.rand(6, 8, generator=random, dtype=torch.float64)
    embeddings = torch.randn(7, objective.DIMENSION, generator=random, dtype=torch.float64)
    labels = torch.tensor([0, 3, 6, 1, 1, 5])
    model = objective.heads(7, 12, 10, features).double()
    step = objective.our_step(model, embeddings)
    row = step.gradients(torch.zeros(6, 1, 1, 1, 3, dtype=torch.uint8), labels, 0, 11)
    ours = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    mix = torch.rand(7, 7, generator=torch.Generator().manual_seed(11)).double()
    loss, top1 = way.heads_and_losses(model, features, embeddings, labels, mix, objective.SCALE)
    assert row[len(MEASURES)].item() == pytest.approx(loss, rel=1e-9)
    assert row[0].item() == pytest.approx(top1)
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(ours[name], parameter.grad, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("videos", [60, 700])  # in one part, and in several
def test_evaluations_give_the_same_numbers(benchmark: ModuleType, videos: int) -> None:
    way = benchmark.import_module("published_way")
    tensors = benchmark.import_module("evaluation").draw(videos, 11, 16)
    arrays = [tensor.numpy() for tensor in tensors]
    draws = [np.arange(11), *(half_class_split(11, seed) for seed in range(50))]
    found = evaluate_draws(cosine_similarity(tensors[0], tensors[2]), tensors[1], draws)
    theirs = [way.split_accuracies(*arrays, draw) for draw in draws]
    np.testing.assert_allclose([[draw["top1"], draw["top5"]] for draw in found], theirs, rtol=1e-12)
    assert closeness(*tensors).item() == pytest.approx(way.closeness(*arrays), rel=1e-5)
    assert dispersion(*tensors[:2]).item() == pytest.approx(way.dispersion(*arrays[:2]), rel=1e-5)


def test_extraction_compares_frames(
    benchmark: ModuleType, corpus: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The comparison with a sequential read holds, and notices frames that are one off."""
    extraction, clips = benchmark.import_module("frame_extraction"), benchmark.import_module("clips")
    for kind in ("h264", "mkv", "open_gop", "xvid", "rotated"):
        clip = clips.Clip.of(corpus[kind])
        found = extraction.same_frames(clip)
        assert found["mean difference from a sequential read [of 255]"] < 0.1, (kind, found)
        assert 0 < found["mean difference from PIL's resize [of 255]"] < 3, (kind, found)
    right = extraction.sequential
    monkeypatch.setattr(extraction, "sequential", lambda *arguments: np.roll(right(*arguments), 1, axis=0))
    with pytest.raises(AssertionError, match="open_gop"):
        extraction.same_frames(clips.Clip.of(corpus["open_gop"]))


PAGE_FAULTS = """
import resource, torch
from aurl.system.compute import prepare_device
from aurl.system.memory import keep_freed_memory

def faults():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(5):
        torch.ones(50_000_000 // 4).add_(1)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

prepare_device("cpu", 1)
kept = keep_freed_memory()
faults(), faults()  # in the second round one block may still lie elsewhere
print(kept, faults())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's malloc")
def test_freed_memory_is_used_again() -> None:
    """Blocks that earlier rounds freed take no new pages from the system; in a process that ran no other test."""
    done = subprocess.run([sys.executable, "-c", PAGE_FAULTS], capture_output=True, text=True, check=True)
    kept, faults = done.stdout.split()
    if kept != "True":
        pytest.skip("the C library has no mallopt")
    assert int(faults) < 2_000  # 50 MB are 12,207 pages, five times
