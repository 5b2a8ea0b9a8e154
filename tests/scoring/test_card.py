"""A result card: its YAML head is what model cards have, and says what is not stated."""

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from score_files import scores, write_npz

from aurl.cli import cli
from aurl.scoring.card import TO_STATE
from aurl.scoring.score_files import score_files
from aurl.system.errors import AurlError
from aurl.system.files import sha256_file


def test_a_card_holds_the_numbers_and_the_facts(tmp_path: Path) -> None:
    path = write_npz(tmp_path / "my scores.npz", scores("hmdb51", 0.6))
    text = score_files(path, "hmdb51", card_file=tmp_path / "card.md")
    _, head, body = (tmp_path / "card.md").read_text().split("---\n", 2)
    content = yaml.safe_load(head)
    (index,) = content["model-index"]
    assert index["name"] == "my scores"
    first = index["results"][0]
    assert first["dataset"]["type"] == "hmdb51"
    assert first["dataset"]["split"] == "all_classes, 1 run of 51 classes"
    assert len({result["dataset"]["revision"] for result in index["results"]}) == 9
    value = {metric["name"]: metric["value"] for metric in first["metrics"]}
    assert f"{value['top-1']:.2f} [" in text
    low, high = first["metrics"][0]["interval"]
    assert low < value["top-1"] < high
    assert index["results"][3]["metrics"][0]["standard_deviation"] > 0
    assert content["aurl"]["scores"]["sha256"] == sha256_file(path)
    assert {content["aurl"][name] for name in TO_STATE} == {"not stated"}
    assert text in body


@pytest.mark.parametrize("name", ["x\n---\ny", "a: [b", "ü 'quoted'"])
def test_the_name_of_a_file_cannot_change_the_head(name: str, tmp_path: Path) -> None:
    path = write_npz(tmp_path / f"{name}.npz", scores("hmdb51", 0.6))
    score_files(path, "hmdb51", ["truze"], card_file=tmp_path / "card.md")
    content = next(yaml.safe_load_all((tmp_path / "card.md").read_text().split("\n---\n\n# ")[0]))
    assert content["model-index"][0]["name"] == name


def test_a_card_states_the_overlap_with_the_seen_classes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a folder of its own, by the command."""
    monkeypatch.chdir(tmp_path)
    write_npz(tmp_path / "own.npz", scores("hmdb51", 0.6))
    (tmp_path / "seen.txt").write_text("Golf\nbrushing hair\nriding an elephant\n")
    asked = ["score", "own.npz", "--test-set", "hmdb51", "--protocol", "truze", "--seen", "seen.txt"]
    done = CliRunner().invoke(cli, [*asked, "--card", "card.md"])
    assert done.exit_code == 0, done.output
    _, head, body = (tmp_path / "card.md").read_text().split("---\n", 2)
    overlap = yaml.safe_load(head)["aurl"]["overlap"]
    assert overlap["seen"] == {"origin": "seen.txt", "classes": 3}
    assert overlap["by_name"] == {"golf": "Golf", "brush hair": "brushing hair"}
    assert overlap["by_tau"].items() >= {"golf": "Golf"}.items()
    assert overlap["test_classes_like_no_seen_class"] == 51 - len({*overlap["by_name"], *overlap["by_tau"]})
    assert "of the test classes 2 have the name of one of the 3 seen classes of seen.txt" in body
    refused = CliRunner().invoke(cli, asked)
    assert isinstance(refused.exception, AurlError)
    assert "give --card FILE too" in str(refused.exception)
