"""How results that are computed anew are compared, and what is unpacked for it."""

from pathlib import Path

import pytest
import torch
from bundles import write_files
from safetensors.torch import save_file

from aurl.audit.bundle.container import METADATA, Container
from aurl.audit.bundle.recompute import difference, largest_repeats, unpack, working_in


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ("top1,45.123456\nname,a 2\n", None),
        ("top1,45.123457\nname,a 2\n", None),
        ("top1,45.223456\nname,a 2\n", "45.123456 is 45.223456"),
        ("top1,45.123456\nname,b 2\n", "other text"),
        ("top1,45.123456\nname,a 3\n", "2 is 3"),
        ("top1,45.123456\nname,a 2\nmore,1\n", "other text"),
    ],
)
def test_texts_are_equal_up_to_the_rounding_of_their_numbers(tmp_path: Path, other: str, reason: str | None) -> None:
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    one.write_text("top1,45.123456\nname,a 2\n")
    two.write_text(other)
    said = difference(one, two)
    assert said is None if reason is None else said is not None and said.startswith(reason)


def test_tensors_are_equal_up_to_rounding(tmp_path: Path) -> None:
    def written(name: str, values: torch.Tensor, key: str = "a") -> Path:
        save_file({key: values}, tmp_path / name)
        return tmp_path / name

    values = torch.arange(6.0).reshape(2, 3)
    one = written("one.safetensors", values)
    assert difference(one, written("near.safetensors", values * (1 + 1e-7))) is None
    assert difference(one, written("far.safetensors", values + 0.01)) == "'a' has other values"
    assert difference(one, written("shape.safetensors", values.reshape(3, 2))) == "'a' has another shape"
    assert difference(one, written("name.safetensors", values, "b")) == "other names"


def test_repetitions_are_counted_at_any_depth() -> None:
    assert largest_repeats({"half_splits": {"splits": [1, 3, 50]}, "other": {"x": {"y": [7, "text", 2.5]}}}) == 50
    assert largest_repeats({}) == 0


def test_nothing_that_python_could_import_is_unpacked(tmp_path: Path) -> None:
    names = ["results/micro/metrics.csv", "results/micro/a.py", "results/micro/b.so", "results/micro/c",
             "results/micro/provenance/x.json", "code/data/a.csv", "code/aurl/b.csv", "inputs/scores.npz",
             "inputs/torch.py", "lists/classes.csv", METADATA]  # fmt: skip
    bundle = write_files(tmp_path / "a.zip", dict.fromkeys(names, b"x"), sealed=False)
    folder = tmp_path / "unpacked"
    unpack(Container(bundle), folder)
    unpacked = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert unpacked == ["data/a.csv", "results/micro/metrics.csv", "scores.npz"]


def test_the_working_folder_is_no_place_of_modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend("")
    (tmp_path / "planted_here.py").write_text("")
    with working_in(tmp_path), pytest.raises(ImportError):
        import planted_here  # noqa: F401
