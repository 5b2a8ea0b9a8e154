"""Hold a method to its contract (aurl/methods/base.py), on a toy world: `aurl check-method`.

A method from outside the package is checked before it is fitted; tests check every method of the package.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from aurl.experiment.methods import METHODS, MethodSettings
from aurl.fitting.fitted import fit_method, read_weights, score_videos, weights_bytes
from aurl.fitting.toy import Toy, draw_toy
from aurl.methods.base import FeatureMethod, MaySee, SeenVideos, load_method
from aurl.system import plugins
from aurl.system.errors import AurlError, one_line

FEW_STEPS, STEPS = 20, 400  # of a method that learns in steps: where it need not learn well, and where it must
LEARNT = 0.35  # share of right predictions; chance is 1 in 6, and 4 deviations above it are 0.30
ROUNDING = 1e-4


@dataclass(frozen=True)
class Trial:
    """Hold a method's name, and the toy world on which it is tried."""

    name: str
    toy: Toy

    @cached_property
    def settings(self) -> MethodSettings:
        """Give the method's defaults."""
        settings: MethodSettings = plugins.load(METHODS, self.name).Settings(method=self.name, features="toy")
        return settings

    @property
    def declared(self) -> MaySee:
        """Give what the method says that it may see."""
        return load_method(self.settings).MAY_SEE

    def fit(self, seen: SeenVideos, seed: int = 0, steps: int = FEW_STEPS) -> FeatureMethod:
        """Fit the method; one with the setting `steps` takes so many."""
        in_steps = "steps" in type(self.settings).model_fields
        settings = self.settings.model_copy(update={"steps": steps}) if in_steps else self.settings
        seen = replace(seen, unseen=self.toy.unseen) if self.declared == "names" else seen
        return fit_method(settings, seen, seed, self.toy.network)

    @cached_property
    def method(self) -> FeatureMethod:
        """Give the method, fitted on all seen videos."""
        return self.fit(self.toy.seen)

    def scores(self, method: FeatureMethod | None = None, videos: Tensor | None = None) -> Tensor:
        """Score the test videos, or others, against the unseen classes."""
        return score_videos(method or self.method, self.toy.tested if videos is None else videos, self.toy.unseen)


def _finite(trial: Trial) -> None:
    trial.scores()
    trial.scores(videos=trial.toy.tested[:0])


def _learns(trial: Trial) -> None:
    predicted = trial.scores(trial.fit(trial.toy.seen, steps=STEPS)).argmax(dim=1)
    right = (predicted == trial.toy.labels).double().mean().item()
    assert right >= LEARNT, f"{right:.0%} right, chance is {1 / len(trial.toy.unseen.names):.0%}"


def _repeats(trial: Trial) -> None:
    other = trial.fit(trial.toy.seen)
    assert weights_bytes(other.weights) == weights_bytes(trial.method.weights), "other weights"
    assert torch.equal(trial.scores(other), trial.scores()), "other scores"


def _sees_no_names(trial: Trial) -> None:
    if trial.declared == "names":
        return
    other = trial.fit(replace(trial.toy.seen, unseen=trial.toy.unseen))
    assert weights_bytes(other.weights) == weights_bytes(trial.method.weights), "with their names other weights"
    assert torch.equal(trial.scores(other), trial.scores()), "with their names other scores"


def _sees_one_video(trial: Trial) -> None:
    if trial.declared == "transductive":
        return
    together = trial.scores()
    for row in (0, 7, len(together) - 1):
        alone = trial.scores(videos=trial.toy.tested[row : row + 1])[0]
        error = (alone - together[row]).abs().max() / together.abs().max().clamp_min(1e-12)
        assert error <= ROUNDING, f"video {row}: its scores differ by {error:.1e} of the largest"


def _one_class(trial: Trial) -> None:
    trial.scores(trial.fit(trial.toy.one_class()))


def _one_video(trial: Trial) -> None:
    trial.scores(trial.fit(trial.toy.of_videos(torch.tensor([3]))), trial.toy.tested[:1])


def _unequal(trial: Trial) -> None:
    position = torch.arange(len(trial.toy.seen.labels)) - torch.searchsorted(
        trial.toy.seen.labels, trial.toy.seen.labels
    )
    trial.scores(trial.fit(trial.toy.of_videos(torch.nonzero(position < trial.toy.seen.labels % 8)[:, 0])))


def _clips(trial: Trial) -> None:
    for clips in (1, 5):
        trial.scores(videos=trial.toy.tested[:2, :1].expand(-1, clips, -1).contiguous())


def _saved(trial: Trial) -> None:
    with tempfile.TemporaryDirectory(prefix="aurl-check-") as folder:
        path = Path(folder) / "weights.safetensors"
        path.write_bytes(weights_bytes(trial.method.weights))
        other = load_method(trial.method.settings)
        other.network, other.weights = trial.toy.network, read_weights(path)[0]
    assert torch.equal(trial.scores(other), trial.scores()), "other scores after loading"
    assert weights_bytes(other.weights) == weights_bytes(trial.method.weights), "other weights after scoring"


def _keeps_inputs(trial: Trial) -> None:
    seen, unseen = trial.toy.seen, trial.toy.unseen
    given = [seen.videos, seen.labels, seen.classes.embeddings, unseen.embeddings, trial.toy.tested]
    before = [tensor.clone() for tensor in given]
    trial.scores(trial.fit(seen))
    assert all(torch.equal(*pair) for pair in zip(given, before, strict=True)), "a tensor was changed in place"


CLAUSES: dict[str, Callable[[Trial], None]] = {
    "it gives finite scores, float32 (videos, classes), also of no video": _finite,
    "it learns a toy problem above chance": _learns,
    "it leaves what it is given as it is": _keeps_inputs,
    "equal inputs and an equal seed give equal weights and scores": _repeats,
    "it looks at no unseen class before it scores, unless MAY_SEE is names": _sees_no_names,
    "it scores a video alone as among others, unless MAY_SEE is transductive": _sees_one_video,
    "it survives one seen class": _one_class,
    "it survives one seen video": _one_video,
    "it survives classes of unequal size, some without a video": _unequal,
    "it scores videos of another number of clips": _clips,
    "it scores equally after its weights were saved and loaded": _saved,
}


def check_method(name: str) -> list[str]:
    """Check all clauses.

    Args:
        name: a file of aurl/methods, or a module from outside (`package.module`).
    Returns: the clauses, which hold.
    Raises: AurlError for an unknown method, and with the first clause that is broken.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        described = _check_file(name)
        for text, check in CLAUSES.items():
            trial = Trial(name, draw_toy())
            with clause(name, text):
                check(trial)
    finally:
        torch.set_num_threads(before)
    return [*described, *CLAUSES]


@contextmanager
def clause(name: str, text: str) -> Iterator[None]:
    """Name the clause that is broken, where a method raises anything. Raises: AurlError."""
    try:
        yield
    except Exception as error:  # whatever the method raises
        kind = "" if isinstance(error, AssertionError | AurlError) else f"{type(error).__name__}: "
        reason = one_line(str(error).removeprefix(f"method '{name}': "))
        raise AurlError(f"method '{name}' breaks the contract: {text} ({kind}{reason})") from None


def _check_file(name: str) -> list[str]:
    """Check what the method's file defines. Raises: AurlError."""
    kinds = "it defines Settings(MethodSettings), its own keys with defaults, and Method(FeatureMethod)"
    source = "its docstring names the source: paper, released code, or assumed"
    light = "importing it loads no torch"
    module = plugins.load(METHODS, name)
    with clause(name, kinds):
        assert issubclass(getattr(module, "Settings", type), MethodSettings), "Settings"
        assert issubclass(getattr(module, "Method", type), FeatureMethod), "Method"
        module.Settings(method=name, features="toy")
        assert module.Method.MAY_SEE in ("inductive", "names", "transductive"), f"MAY_SEE = {module.Method.MAY_SEE}"
    with clause(name, source):
        assert re.search(r"\b(paper|released code|assumed)\b", module.__doc__ or ""), "none of these words"
    with clause(name, light):
        check_imports([plugins.module_of(METHODS, name)])
    return [kinds, source, light]


def check_imports(modules: list[str]) -> None:
    """Check that modules load no torch, which takes seconds. Raises: AssertionError."""
    code = f"import sys; sys.path.extend({sys.path!r}); import {', '.join(modules)}; sys.exit('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-200:] or "import it inside the functions"
