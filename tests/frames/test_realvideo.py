"""Real clips of Kinetics, UCF101 and HMDB51 in their official layouts; skipped where they are not at hand."""

from pathlib import Path

import av
import numpy as np
import pytest
from repositories import runner

from aurl.datasets.ingest import find_videos
from aurl.datasets.table import iterate_table
from aurl.frames.store import FrameStore
from aurl.frames.video import _squashed, probe, read_frames

LAYOUTS = {"kinetics700": "kinetics700", "UCF-101": "ucf101", "hmdb51": "hmdb51"}


@pytest.mark.slow
@pytest.mark.parametrize("folder", LAYOUTS)
def test_every_clip_is_found_and_decodes_to_the_reference_frames(realvideo: Path, folder: str) -> None:
    videos = find_videos(realvideo / folder, LAYOUTS[folder])
    files = [path for path in (realvideo / folder).rglob("*") if path.is_file()]
    assert sorted(video.path for video in videos) == sorted(str(path.relative_to(realvideo / folder)) for path in files)
    for video in videos:
        found = probe(realvideo / folder / video.path)
        assert found.status == "ok", (video.path, found.reason)
        total = 0
        with av.open(str(realvideo / folder / video.path), metadata_errors="replace") as container:
            reference = _squashed(container.decode(video=0), 112)  # a sequential read by PyAV alone
            for chunk in read_frames(realvideo / folder / video.path, found.frames, 112, found.rotation):
                for ours, theirs in zip(chunk, reference, strict=False):
                    if total % 8 == 0:
                        assert np.abs(ours.astype(int) - theirs).max() <= 3, video.path
                    total += 1
        assert total == found.frames


@pytest.mark.workflow
def test_samples_pass_from_folders_to_frames_and_seen_classes(realvideo: Path, repository: Path) -> None:
    run = runner(repository)
    run("git", "checkout", "-q", "params.yaml")
    told = run("aurl", "use", "samples").stdout
    assert "params.yaml is now preset 'samples'" in told
    results = Path("results/samples")
    indexes = [f"{results}/frames/{name}/index.json" for name in ("kinetics700", "ucf101", "hmdb51")]
    run("snakemake", "--", *indexes, f"{results}/seen_classes.csv")
    for name, classes in (("kinetics700", 9), ("ucf101", 16), ("hmdb51", 9)):
        manifest = list(iterate_table(repository / results / "manifests" / f"{name}.csv"))
        assert len({row["class"] for row in manifest}) == classes
        store = FrameStore(repository / results / "frames" / name / "index.json")
        assert store.num_frames().tolist() == [int(row["frames"]) for row in manifest]
        assert store.read(len(store) - 1, np.array([0])).shape == (1, 112, 112, 3)
    paths = " ".join(row["path"] for row in iterate_table(repository / results / "manifests" / "hmdb51.csv"))
    assert "(HQ)_Rock_Climbing" in paths
    assert "300+_Yards!!!" in paths
