"""Every dataset layout keeps the contract of aurl/datasets/layouts/base.py, one from outside the package too."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from outside import write_part
from pages import file_of
from repositories import REPOSITORY

from aurl.datasets.ingest import find_videos
from aurl.datasets.layouts.base import load_layout
from aurl.experiment.parts import LAYOUTS
from aurl.experiment.presets import preset_text
from aurl.experiment.read import parse_experiment
from aurl.pipeline.code import code_of
from aurl.pipeline.stages import STAGES
from aurl.system.errors import AurlError
from aurl.system.plugins import load, names

FILES = {  # layout -> the files of a small dataset and the class of each
    "class_folders": {"b c/2.mkv": "b c", "b c/1.MP4": "b c", "a/x.avi": "a"},
    "ucf101": {"Archery/v_Archery_g01_c02.avi": "Archery", "Archery/v_Archery_g01_c01.avi": "Archery"},
    "hmdb51": {"golf/x_golf_f_nm_np1_fr_med_0.avi": "golf", "brush_hair/y_brush_hair_f_0.avi": "brush_hair"},
    "kinetics700": {"train/tai_chi/b.mp4": "tai chi", "train/tai_chi/a.mp4": "tai chi", "train/golf/a.webm": "golf"},
}
OUTSIDE = '''"""All videos in one folder, the class before the first number sign: `<folder>/<class>#<number>.mp4`."""

from pathlib import Path

from aurl.datasets.layouts.base import VideoFile


def find(folder: Path) -> list[VideoFile]:
    paths = [path for path in folder.glob("*.mp4") if not path.name.startswith(".")]
    return [VideoFile(path.name, path.name.split("#")[0]) for path in paths]
'''


def check_layout(name: str, files: dict[str, str], folder: Path) -> None:
    """Check that a layout keeps the contract, on a dataset of these files and their classes, written below a folder."""
    for path in [*files, *(str(Path(path).with_name(f".{Path(path).name}")) for path in files)]:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(b"x")
    (folder / next(iter(files))).with_name("notes.txt").write_text("no video")
    videos = load_layout(name).find(folder)
    assert {video.path: video.class_name for video in videos} == files, "every video once, no hidden and no other file"
    assert len(videos) == len(files)
    listed = find_videos(folder, name)
    assert listed == sorted(videos, key=lambda video: (video.class_name, video.path))
    assert load_layout(name).find(folder) == videos
    (folder / "empty").mkdir()
    with pytest.raises(AurlError, match="no class folders with videos") as caught:
        find_videos(folder / "empty", name)
    assert "\n" not in str(caught.value)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a layout in a file of its own, outside the package."""
    return write_part(tmp_path, monkeypatch, "outside_layouts.flat", OUTSIDE, enter=False)


@pytest.mark.parametrize("name", names(LAYOUTS))
def test_the_layouts_of_the_package(name: str, tmp_path: Path) -> None:
    assert "<folder>/" in (load(LAYOUTS, name).__doc__ or ""), "the docstring shows the files"
    check_layout(name, FILES[name], tmp_path / "set")


def test_a_layout_from_outside(outside: str, tmp_path: Path) -> None:
    check_layout(outside, {"b#1.mp4": "b", "a c#2.mp4": "a c", "a c#1.mp4": "a c"}, tmp_path / "set")


def test_the_layout_of_the_how_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = file_of("how-to/dataset.md", "my_parts/flat.py")
    name = write_part(tmp_path, monkeypatch, "how_to_layout.flat", text, enter=False)
    files = {"archery-1.mp4": "archery", "horse riding-2.mkv": "horse riding", "horse riding-1.avi": "horse riding"}
    check_layout(name, files, tmp_path / "set")


def test_an_experiment_with_a_layout_from_outside(outside: str, tmp_path: Path) -> None:
    raw = yaml.safe_load(preset_text("micro"))
    raw["datasets"]["micro_ucf"]["source"] = {"folder": "videos", "layout": outside}
    values = parse_experiment(raw, "params.yaml").model_dump(mode="json")
    code = {name: code_of(STAGES["ingest"], values, {"dataset": name}) for name in ("micro_ucf", "micro_seen")}
    layouts = {name: [path for path in files if "layouts/" in path] for name, files in code.items()}
    assert layouts == {
        "micro_ucf": [(tmp_path / "outside_layouts/flat.py").as_posix(), "aurl/datasets/layouts/base.py"],
        "micro_seen": ["aurl/datasets/layouts/base.py"],
    }, "a rendered dataset has no layout"
    raw["datasets"]["micro_ucf"]["source"] = {"folder": "videos", "layout": "json"}
    with pytest.raises(AurlError, match=r"layout = 'json': .*known: class_folders, hmdb51, kinetics700, ucf101"):
        parse_experiment(raw, "params.yaml")


def test_importing_a_layout_loads_no_heavy_library() -> None:
    code = (
        "import sys; from aurl.system.plugins import load, names\n"
        f"for name in names({LAYOUTS!r}): load({LAYOUTS!r}, name)\n"
        "print([name for name in ('numpy', 'pandas', 'torch', 'av', 'gensim') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
