"""Every text encoder keeps the contract of aurl/semantics/encoders/base.py, one from outside the package too."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml
from outside import write_part
from pages import file_of
from repositories import REPOSITORY

from aurl.experiment.parts import ENCODERS, encoder_files
from aurl.experiment.presets import load_preset, preset_text
from aurl.experiment.read import parse_experiment
from aurl.experiment.settings import EncoderSettings, Experiment
from aurl.pipeline.code import code_of
from aurl.pipeline.stages import STAGES
from aurl.semantics.classes import read_embeddings
from aurl.semantics.embedding import check_embeddings, embed_dataset
from aurl.semantics.encoders.base import load_encoder
from aurl.system.errors import AurlError
from aurl.system.plugins import load, names

HEAVY = ("numpy", "pandas", "torch", "gensim", "matplotlib", "safetensors", "scipy")
CLASSES = ["ride horse", "blue ring", "red circle"]
UNKNOWN = "zzyx qqzx"
SETTINGS = {
    "word2vec": {"vectors": str(REPOSITORY / "data/googlenews_action_subset.bin"), "dimension": 300, "missing": "error"}
}
OUTSIDE = '''"""Hashes each name: no vectors file, no training."""

import hashlib
from pathlib import Path

from aurl.semantics.encoders.base import EncoderSettings


class Settings(EncoderSettings):
    """Unit rows of random numbers; `salt` changes them all."""

    salt: str


def inputs(settings: Settings) -> dict[str, Path]:
    return {}


def encode(classes, tokens, settings):
    import numpy as np

    from aurl.semantics.classes import ClassEmbeddings

    kept = sorted(name for name in classes if "zzyx" not in name)
    rows = []
    for name in kept:
        seed = int(hashlib.sha256(f"{settings.salt}{name}".encode()).hexdigest()[:8], 16)
        rows.append(np.random.default_rng(seed).normal(size=settings.dimension))
    dropped = {name: ["zzyx"] for name in sorted(set(classes) - set(kept))}
    vectors = np.array(rows, np.float32).reshape(len(kept), settings.dimension)
    return ClassEmbeddings(kept, vectors, {name: [name] for name in kept}, dropped)
'''


def check_encoder(settings: EncoderSettings) -> None:
    """Check that an encoder keeps the contract, in the repository's folder.

    Its settings must know the words of `CLASSES` and not those of `UNKNOWN`, if it knows words at all.
    """
    encoder = load_encoder(settings)
    embeddings = encoder.encode(CLASSES, "words", settings)
    check_embeddings(embeddings, settings, "contract")
    assert embeddings.classes == sorted(CLASSES) == sorted(embeddings.texts)
    assert embeddings.vectors.dtype == np.float32
    assert embeddings.vectors.shape == (3, settings.dimension)
    assert np.isfinite(embeddings.vectors).all()
    assert all(texts and all(isinstance(text, str) for text in texts) for texts in embeddings.texts.values())
    assert embeddings.dropped == {}
    again = encoder.encode(CLASSES[::-1], "words", settings)
    assert again.vectors.tobytes() == embeddings.vectors.tobytes(), "neither the order nor the run shows"
    for row, name in enumerate(embeddings.classes):
        alone = encoder.encode([name], "words", settings)
        np.testing.assert_array_equal(alone.vectors[0], embeddings.vectors[row], "no class depends on another")
    more = encoder.encode([*CLASSES, UNKNOWN], "words", settings)
    assert sorted([*more.classes, *more.dropped]) == sorted([*CLASSES, UNKNOWN]), "embedded or dropped, never lost"
    assert all(more.dropped.values()), "with the words that are not known"
    nothing = encoder.encode([UNKNOWN], "words", settings)
    assert nothing.vectors.shape == (len(nothing.classes), settings.dimension)
    for path in encoder_files(settings).values():
        assert path.is_file()


def encoder_code(experiment: Experiment) -> list[str]:
    """List the files of encoders among the code of a dataset's class embeddings."""
    code = code_of(STAGES["embeddings"], experiment.model_dump(mode="json"), {"dataset": experiment.seen})
    return [path for path in code if "encoders" in path and not path.endswith("/base.py")]


READ = """
import sys
from pathlib import Path
sys.path.append(sys.argv[1])
from aurl.experiment.parts import ENCODERS, encoder_files
from aurl.semantics.encoders.base import load_encoder
from aurl.system.plugins import load
part = load(ENCODERS, sys.argv[2])
print(*[name for name in sys.argv[4].split(",") if name in sys.modules], sep=",")
settings = part.Settings.model_validate_json(sys.argv[3])
part.encode(["red circle"], "lemmas", settings)  # the imports
named = {path.resolve() for path in encoder_files(settings).values()}
read = set()
def watch(event, arguments):
    if event == "open" and isinstance(arguments[0], (str, bytes)) and arguments[0]:
        read.add(Path(arguments[0].decode() if isinstance(arguments[0], bytes) else arguments[0]).resolve())
sys.addaudithook(watch)
part.encode(["red circle"], "lemmas", settings)
print(*sorted(str(path) for path in read - named if path.suffix not in (".py", ".pyc")), sep=",")
"""


def check_reads(settings: EncoderSettings, folder: Path) -> None:
    """Check that importing the encoder loads no heavy library, and that it opens only the files that it names."""
    command = [sys.executable, "-c", READ, str(folder), settings.name, settings.model_dump_json(), ",".join(HEAVY)]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    heavy, read = done.stdout.split("\n")[:2]
    assert heavy == ""
    assert read == ""


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> EncoderSettings:
    """An encoder in a file of its own, outside the package, and its settings."""
    name = write_part(tmp_path, monkeypatch, "outside_encoders.hashed", OUTSIDE, enter=False)
    values = {"name": name, "dimension": 7, "missing": "drop_class", "salt": "s"}
    settings: EncoderSettings = load(ENCODERS, name).Settings.model_validate(values)
    return settings


@pytest.fixture(autouse=True)
def in_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)


@pytest.mark.parametrize("name", names(ENCODERS))
def test_the_encoders_of_the_package(name: str, tmp_path: Path) -> None:
    part = load(ENCODERS, name)
    assert part.__doc__
    assert part.Settings.__doc__
    settings = part.Settings.model_validate({"name": name, **SETTINGS[name]})
    check_encoder(settings)
    check_reads(settings, tmp_path)


def test_an_encoder_from_outside(outside: EncoderSettings, tmp_path: Path) -> None:
    check_encoder(outside)
    check_reads(outside, tmp_path)


def test_the_encoder_of_the_how_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = (REPOSITORY / "docs/how-to/vectors.md").read_text()
    keys = re.search(r"^  encoder: (\{name: my_parts.*\})$", page, re.MULTILINE)
    text = file_of("how-to/vectors.md", "my_parts/hashed.py")
    name = write_part(tmp_path, monkeypatch, "how_to_encoder.hashed", text, enter=False)
    values = {**yaml.safe_load(keys[1]), "name": name}
    settings = load(ENCODERS, name).Settings.model_validate(values)
    check_encoder(settings)
    check_reads(settings, tmp_path)


def test_an_experiment_with_an_encoder_from_outside(outside: EncoderSettings, tmp_path: Path) -> None:
    raw = yaml.safe_load(preset_text("micro"))
    raw["semantics"]["encoder"] = outside.model_dump()
    experiment = parse_experiment(raw, "params.yaml")
    encoder = experiment.semantics.encoder
    assert encoder == outside
    assert encoder_code(experiment) == [(tmp_path / "outside_encoders/hashed.py").as_posix()]
    with pytest.raises(AurlError, match=r"semantics.encoder.sal: unknown key; did you mean 'salt'\?"):
        parse_experiment({**raw, "semantics": {**raw["semantics"], "encoder": {**outside.model_dump(), "sal": 1}}}, "x")
    manifest, output = tmp_path / "set.csv", tmp_path / "set.safetensors"
    manifest.write_text("path,class,status\na.mp4,red ring,ok\nb.mp4,zzyx,ok\n")
    embed_dataset(manifest, "error", "words", encoder, output)
    embeddings = read_embeddings(output)
    assert embeddings.classes == ["red ring"]
    assert embeddings.dropped == {"zzyx": ["zzyx"]}
    refusing = encoder.model_copy(update={"missing": "error"})
    with pytest.raises(AurlError, match=r"set: 1 of 2 classes .*zzyx: zzyx.*semantics.encoder.missing"):
        embed_dataset(manifest, "error", "words", refusing, output)
    wrong = encoder.model_copy(update={"dimension": 8})
    with pytest.raises(AurlError, match=r"gave float32 \(1, 7\) for float32 \(1, 8\)"):
        check_embeddings(load_encoder(encoder).encode(["red ring"], "words", encoder), wrong, "set")


def test_the_packages_encoder_is_named_by_its_file() -> None:
    experiment = load_preset("micro")
    encoder = experiment.semantics.encoder
    assert encoder_code(experiment) == ["aurl/semantics/encoders/word2vec.py"]
    assert list(encoder_files(encoder)) == ["vectors", "token_table", "verb_lemmas", "verb_exceptions"]
