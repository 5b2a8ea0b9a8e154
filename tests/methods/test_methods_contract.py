"""The contract of methods on stored features: for every file of aurl/methods, and for one from outside the package."""

from pathlib import Path

import pandas as pd
import pytest
from golden_methods import GOLDEN, golden_scores
from outside import write_part
from pages import file_of

from aurl.cli.group import cli
from aurl.experiment.methods import METHODS
from aurl.fitting.check import CLAUSES, check_imports, check_method
from aurl.system import plugins
from aurl.system.errors import AurlError

NAMES = plugins.names(METHODS)
OUTSIDE = '''
"""Least squares from embeddings to features; assumed."""

from aurl.methods.base import FeatureMethod, MethodSettings


class Settings(MethodSettings):
    """None of its own."""


class Method(FeatureMethod):
    def fit(self, seen, seed):
        import torch

        words = torch.nn.functional.pad(seen.classes.embeddings, (0, 1), value=1.0)[seen.labels]
        square = words.T @ words + 1e-3 * torch.eye(words.shape[1])
        self.weights = {"map": torch.linalg.solve(square, words.T @ seen.means)}
        # fitted

    def score(self, videos, classes):
        import torch

        words = torch.nn.functional.pad(classes.embeddings, (0, 1), value=1.0)
        scores = -(videos.mean(dim=1)[:, None] - words @ self.weights["map"]).square().sum(dim=2)
        return scores
'''
FITTED, RETURN, CLASS = "        # fitted\n", "        return scores\n", "class Method(FeatureMethod):\n"
BREAKS = {  # clause -> text in the method, what stands there instead, what the message says
    "finite scores": (RETURN, "        return scores.double()\n", "scores of torch.float64"),
    "learns a toy problem": (RETURN, "        return 0 * scores\n", "17% right, chance is 17%"),
    "equal seed give equal": (
        FITTED,
        "        import random\n\n        self.weights['map'] += 0.01 * random.random()\n",
        "other weights",
    ),
    "looks at no unseen class": (
        FITTED,
        "        self.weights['map'] += 0 if seen.unseen is None else 0.01 * seen.unseen.embeddings.mean()\n",
        "with their names other weights",
    ),
    "scores a video alone": (RETURN, "        return scores - scores.mean(dim=0)\n", "video 0: its scores differ by"),
    "survives one seen class": (FITTED, "        seen.classes.embeddings[1]\n", "IndexError: "),
    "survives one seen video": (FITTED, "        seen.videos[1]\n", "IndexError: "),
    "classes of unequal size": (
        FITTED,
        "        assert len(seen.videos) == 1 or len(seen.labels.unique()) == len(seen.classes.names), 'a class is empty'\n",
        "a class is empty",
    ),
    "another number of clips": (RETURN, "        assert videos.shape[1] == 3, videos.shape\n" + RETURN, "[2, 1, 12]"),
    "saved and loaded": (
        RETURN,
        "        return scores + self.shift\n",
        "AttributeError: 'Method' object has no attribute 'shift'",
    ),
    "leaves what it is given": (FITTED, "        seen.videos.clamp_(max=2.0)\n", "changed in place"),
    "Settings(MethodSettings)": (
        '    """None of its own."""\n',
        "    width: int\n",
        "ValidationError: 1 validation error for Settings width Field required",
    ),
    "Method(FeatureMethod)": (CLASS, f"{CLASS}    MAY_SEE = 'everything'\n", "MAY_SEE = everything"),
    "docstring names the source": ("; assumed", "", "none of these words"),
    "loads no torch": ("\nclass Settings", "\nimport torch\n\n\nclass Settings", "import it inside the functions"),
}


@pytest.mark.parametrize("name", NAMES)
def test_every_method_keeps_the_contract(name: str) -> None:
    assert len(check_method(name)) == len(CLAUSES) + 3


@pytest.mark.parametrize("name", NAMES)
def test_golden_scores(name: str) -> None:
    """Other processors round differently; a method that is trained amplifies this."""
    golden = pd.read_csv(GOLDEN).query("method == @name").reset_index(drop=True)
    pd.testing.assert_frame_equal(golden_scores(name), golden, check_exact=False, rtol=1e-3, atol=1e-4)


def test_a_method_from_outside_keeps_the_contract(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = write_part(tmp_path, monkeypatch, "my_methods.least", OUTSIDE)
    cli.main(["check-method", name], standalone_mode=False)
    printed = capsys.readouterr().out
    assert "keeps the contract" in printed
    assert all(text in printed for text in CLAUSES)


def test_the_method_of_the_how_to_keeps_the_contract(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = file_of("how-to/method.md", "my_methods/nearest.py")
    check_method(write_part(tmp_path, monkeypatch, "my_methods.nearest", text))


@pytest.mark.parametrize("clause", BREAKS)
def test_a_broken_clause_is_named(clause: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old, new, reason = BREAKS[clause]
    assert OUTSIDE.count(old) == 1
    text = OUTSIDE.replace(old, new)
    text = text.replace(FITTED, "        self.shift = 0\n") if "self.shift" in new else text
    name = write_part(tmp_path, monkeypatch, "my_methods.broken", text)
    with pytest.raises(AurlError) as caught:
        check_method(name)
    message = str(caught.value)
    assert message.startswith(f"method '{name}' breaks the contract: ")
    assert clause in message
    assert reason in message
    assert "\n" not in message


def test_every_clause_has_a_broken_method() -> None:
    assert [text for text in CLAUSES if not any(clause in text for clause in BREAKS)] == []


def test_no_method_loads_torch_when_settings_are_read() -> None:
    check_imports([plugins.module_of(METHODS, name) for name in NAMES])
