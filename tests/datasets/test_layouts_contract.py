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
    "csv_list": {"x/2.mp4": "b c", "x/1.avi": "a"},
    "ucf101_list": {
        "Archery/v_Archery_g01_c01.avi": "Archery",
        "ApplyLipstick/v_ApplyLipstick_g01_c01.avi": "ApplyLipstick",
    },
    "hmdb51_list": {"golf/a_golf_0.avi": "golf", "brush_hair/y_brush_hair_f_0.avi": "brush_hair"},
    "kinetics700": {"train/tai_chi/b.mp4": "tai chi", "train/tai_chi/a.mp4": "tai chi", "train/golf/a.webm": "golf"},
}
LISTS = {  # layout -> its list files, which name the videos above, and videos that they leave out
    "csv_list": {"videos.csv": 'class,note,path\nb c,,x/2.mp4\na,"one, two",x/1.avi\n', "x/3.avi": "x"},
    "ucf101_list": {
        "ucfTrainTestlist/testlist01.txt": "Archery/v_Archery_g01_c01.avi\nApplyLipstick/v_ApplyLipstick_g01_c01.avi\n\n",
        "ucfTrainTestlist/classInd.txt": "1 ApplyLipstick\n2 Archery\n",
        "Archery/v_Archery_g09_c01.avi": "x",
    },
    "hmdb51_list": {
        "testTrainMulti_7030_splits/golf_test_split1.txt": "a_golf_0.avi 2\nb_golf_0.avi 1\nc_golf_0.avi 0\n",
        "testTrainMulti_7030_splits/brush_hair_test_split1.txt": "y_brush_hair_f_0.avi 2 \n",
        "testTrainMulti_7030_splits/golf_test_split2.txt": "a_golf_0.avi 1\nb_golf_0.avi 2\n",
        "golf/b_golf_0.avi": "x",
    },
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
    write(folder, LISTS.get(name, {}))
    (folder / next(iter(files))).with_name("notes.txt").write_text("no video")
    videos = load_layout(name).find(folder)
    assert {video.path: video.class_name for video in videos} == files, "every video once, no hidden and no other file"
    assert len(videos) == len(files)
    listed = find_videos(folder, name)
    assert listed == sorted(videos, key=lambda video: (video.class_name, video.path))
    assert load_layout(name).find(folder) == videos
    (folder / "empty").mkdir()
    with pytest.raises(AurlError, match="no such list" if name in LISTS else "no class folders with videos") as caught:
        find_videos(folder / "empty", name)
    assert "\n" not in str(caught.value)


def write(folder: Path, files: dict[str, str]) -> None:
    """Write text files."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of a layout in a file of its own, outside the package."""
    return write_part(tmp_path, monkeypatch, "outside_layouts.flat", OUTSIDE, enter=False)


@pytest.mark.parametrize("name", names(LAYOUTS))
def test_the_layouts_of_the_package(name: str, tmp_path: Path) -> None:
    assert "<folder>/" in (load(LAYOUTS, name).__doc__ or ""), "the docstring shows the files"
    check_layout(name, FILES[name], tmp_path / "set")


def test_another_list_than_the_usual_one(tmp_path: Path) -> None:
    write(tmp_path, dict.fromkeys([*FILES["hmdb51_list"], "Archery/v_Archery_g01_c01.avi", "a/1.avi"], "x"))
    for name in LISTS:
        write(tmp_path, LISTS[name])
    write(tmp_path, {"ucfTrainTestlist/trainlist02.txt": "Archery/v_Archery_g01_c01.avi 2\n"})
    write(tmp_path, {"val.csv": "path,class\na/1.avi,sit up\n"})
    found = {
        name: [(video.path, video.class_name) for video in find_videos(tmp_path, name, listed)]
        for name, listed in {
            "csv_list": "val.csv",
            "ucf101_list": "ucfTrainTestlist/trainlist02.txt",
            "hmdb51_list": "testTrainMulti_7030_splits/*_test_split2.txt",
        }.items()
    }
    assert found == {
        "csv_list": [("a/1.avi", "sit up")],
        "ucf101_list": [("Archery/v_Archery_g01_c01.avi", "Archery")],
        "hmdb51_list": [("golf/b_golf_0.avi", "golf")],
    }
    with pytest.raises(AurlError, match="layout 'class_folders' reads no list; remove the key"):
        find_videos(tmp_path, "class_folders", "val.csv")


UCF, INDEX, HMDB = "ucfTrainTestlist/testlist01.txt", "ucfTrainTestlist/classInd.txt", "testTrainMulti_7030_splits/"
ARCHERY = "Archery/v_Archery_g01_c01.avi"


@pytest.mark.parametrize(
    ("name", "files", "words"),
    [
        ("csv_list", {"videos.csv": "file,class\na.avi,b\n"}, "videos.csv: columns file, class; write a table with"),
        ("csv_list", {"videos.csv": "path,class\nx/1.avi\n"}, "line 2 has no path and class"),
        ("csv_list", {"videos.csv": 'path,class\nx/1.avi,"a\n'}, "unexpected end of data"),
        ("csv_list", {"videos.csv": "path,class\n/x/1.avi,a\n"}, "'/x/1.avi' is no path below the dataset's folder"),
        ("csv_list", {"videos.csv": "path,class\nx/../../1.avi,a\n"}, "is no path below the dataset's folder"),
        ("csv_list", {"videos.csv": "path,class\nx/1.txt,a\n"}, "line 2: 'x/1.txt' has not the suffix of a video"),
        ("csv_list", {"videos.csv": "path,class\nx/1.avi,a\nx/1.avi,a\n"}, "line 3: 'x/1.avi' is listed twice"),
        ("csv_list", {"videos.csv": "path,class\nx/1.avi,a\nx/9.avi,a\nx/8.avi,a\n"},
         "line 3: {folder} has no file 'x/9.avi' (2 of 3 listed videos are missing)"),
        ("csv_list", {"videos.csv": "path,class\nx/1.avi,a"}, "cut short"),
        ("csv_list", {"videos.csv": "path,class\n"}, "no class folders with videos found (layout 'csv_list')"),
        ("ucf101_list", {UCF: f"{ARCHERY}\n", INDEX: "1 Bowling\n"}, "classInd.txt has no class 'Archery'"),
        ("ucf101_list", {UCF: f"{ARCHERY} 2\n", INDEX: "1 Archery\n"}, "classInd.txt has class 1 'Archery'"),
        ("ucf101_list", {UCF: "v_Archery_g01_c01.avi\n", INDEX: "1 Archery\n"}, "line 1: expected <Class>/<video>"),
        ("ucf101_list", {UCF: f"{ARCHERY}\n", INDEX: "Archery\n"}, "classInd.txt: line 1: expected a number and a class"),
        ("ucf101_list", {UCF: f"{ARCHERY}\n"}, "classInd.txt: unreadable (No such file or directory)"),
        ("hmdb51_list", {f"{HMDB}golf_test_split1.txt": "a_golf_0.avi 3\n"}, "line 1: expected a video's name and"),
        ("hmdb51_list", {f"{HMDB}golf_test_split1.txt": "a_golf_0.avi\n"}, "line 1: expected a video's name"),
    ],
)  # fmt: skip
def test_a_faulty_list_gets_one_line(name: str, files: dict[str, str], words: str, tmp_path: Path) -> None:
    write(tmp_path, {"x/1.avi": "x", ARCHERY: "x", "golf/a_golf_0.avi": "x"} | files)
    with pytest.raises(AurlError) as caught:
        find_videos(tmp_path, name)
    assert words.format(folder=tmp_path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_list_lies_in_the_datasets_folder() -> None:
    raw = yaml.safe_load(preset_text("micro"))
    for listed in ("/etc/videos.csv", "../videos.csv", ""):
        raw["datasets"]["micro_ucf"]["source"] = {"folder": "videos", "layout": "csv_list", "list": listed}
        with pytest.raises(AurlError, match="is no path below the folder"):
            parse_experiment(raw, "params.yaml")
    raw["datasets"]["micro_ucf"]["source"] = {**preset_source(), "list": "videos.csv"}
    with pytest.raises(AurlError, match="rendered videos have no list"):
        parse_experiment(raw, "params.yaml")


def preset_source() -> dict[str, object]:
    """The source of a dataset of the preset."""
    source: dict[str, object] = yaml.safe_load(preset_text("micro"))["datasets"]["micro_ucf"]["source"]
    return source


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
    with pytest.raises(AurlError, match=r"layout = 'json': .*known: class_folders, csv_list, hmdb51, hmdb51_list"):
        parse_experiment(raw, "params.yaml")


def test_importing_a_layout_loads_no_heavy_library() -> None:
    code = (
        "import sys; from aurl.system.plugins import load, names\n"
        f"for name in names({LAYOUTS!r}): load({LAYOUTS!r}, name)\n"
        "print([name for name in ('numpy', 'pandas', 'torch', 'av', 'gensim') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
