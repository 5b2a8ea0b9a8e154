"""A bundle against a list of attacks: each has its finding at the level that must show it, or is refused in one line."""

import io
import json
import pickle
import re
import stat
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from bundles import RESULTS, Files, block_of, edit_block, read_files, rewrite_records, sealed_files, write_files
from hostile import Call

from aurl.audit.bundle.container import METADATA
from aurl.audit.bundle.verify import verify
from aurl.system.errors import AurlError

METRICS, OTHER = "metrics/aurl/seed0/micro_ucf.json", "metrics/ls/seed0/micro_ucf.json"
FEATURES, FOREIGN = (f"features/{variant}/seed0/micro_ucf.safetensors" for variant in ("aurl", "ls"))
LISTING = "datasets/micro_ucf.csv"


@pytest.fixture(scope="module")
def honest(micro_bundle: Path) -> Files:
    return read_files(micro_bundle)


def edit(files: Files, name: str, old: str, new: str) -> None:
    text = files[name].decode()
    changed = re.sub(old, new, text, count=1)
    assert changed != text
    files[name] = changed.encode()


def metric_edited(files: Files) -> None:
    edit(files, RESULTS + METRICS, r'"top1": [\d.]+', '"top1": 99.0')


def metric_and_its_block_edited(files: Files) -> None:
    metric_edited(files)
    rewrite_records(files, inputs=False)


def metric_edited_and_all_digests(files: Files) -> None:
    metric_edited(files)
    rewrite_records(files)


def metric_edited_and_csv_and_all_digests(files: Files) -> None:
    metric_edited(files)
    edit(files, f"{RESULTS}metrics.csv", r"(?m)^(aurl,0,micro_ucf,1,1),[\d.]+", r"\1,99.000000")
    rewrite_records(files)


def features_swapped(files: Files) -> None:
    files[RESULTS + FEATURES], files[RESULTS + FOREIGN] = files[RESULTS + FOREIGN], files[RESULTS + FEATURES]


def features_swapped_and_all_digests(files: Files) -> None:
    features_swapped(files)
    rewrite_records(files)


def split_changed(files: Files) -> None:
    lines = files["lists/splits.csv"].decode().splitlines(keepends=True)
    place = next(number for number, line in enumerate(lines) if line.startswith("micro_ucf,half_splits,3,"))
    used = {line.split(",")[3] for line in lines if line.startswith("micro_ucf,half_splits,3,")}
    other = next(line.split(",")[3] for line in lines if "micro_ucf" in line and line.split(",")[3] not in used)
    lines[place] = f"micro_ucf,half_splits,3,{other}"
    files["lists/splits.csv"] = "".join(lines).encode()


def description_changed(files: Files) -> None:
    edit(files, "croissant.json", "unseen", "seen")


def card_changed(files: Files) -> None:
    edit(files, "cards/aurl.md", "value: [0-9.]+", "value: 99.0")


def card_added(files: Files) -> None:
    files["cards/best.md"] = files["cards/aurl.md"]


def cell_in_the_html_alone(files: Files) -> None:
    edit(files, f"{RESULTS}tables/ablation.html", r">(\d+\.\d)", ">99.9")
    rewrite_records(files)


def statistics_edited_and_all_digests(files: Files) -> None:
    edit(files, f"{RESULTS}statistics.json", r'"p": [\d.]+', '"p": 0.000001')
    rewrite_records(files)


def videos_replaced(files: Files) -> None:
    edit(files, RESULTS + LISTING, r"[0-9a-f]{64}", "0" * 64)
    rewrite_records(files)


def parameter_changed(files: Files) -> None:
    edit(files, "params.yaml", "epochs: 2", "epochs: 3")


def seed_of_another_run(files: Files) -> None:
    edit_block(files, "checkpoints/aurl/seed0.safetensors", seeds={"initialisation": 1})


def code_changed(files: Files) -> None:
    files["code/aurl/evaluation/metrics.py"] += b"# another version\n"


def data_changed_and_all_digests(files: Files) -> None:
    edit(files, "code/data/published_results.csv", r",(\d+\.\d)", ",99.9")
    rewrite_records(files)


def commit_renamed(files: Files) -> None:
    commit = json.loads(files["commit.json"])
    files["commit.json"] = json.dumps(commit | {"name": "0" * 40}).encode()


def block_missing(files: Files) -> None:
    del files[block_of(FEATURES)]


def result_missing(files: Files) -> None:
    del files[RESULTS + METRICS]


def result_added(files: Files) -> None:
    files[f"{RESULTS}tables/better.csv"] = b"a,b\n"


def experiment_added(files: Files) -> None:
    files["results/other/metrics.csv"] = b"a,b\n"


def block_of_no_job(files: Files) -> None:
    files[block_of("features/best/seed0/micro_ucf.safetensors")] = files[block_of(FEATURES)]


def block_of_another_job(files: Files) -> None:
    files[block_of(FEATURES)] = files[block_of(FOREIGN)]


def lock_edited(files: Files) -> None:
    lock = json.loads(files["dvc.lock"])
    lock["stages"]["collect@micro"]["outs"][0]["md5"] = "0" * 32
    files["dvc.lock"] = json.dumps(lock).encode()


def pickle_for_features(files: Files) -> None:
    files[RESULTS + FEATURES] = pickle.dumps(Call())
    rewrite_records(files)


def pickle_for_a_metric(files: Files) -> None:
    files[RESULTS + METRICS] = pickle.dumps(Call())
    rewrite_records(files)


def deep_metric(files: Files) -> None:
    files[RESULTS + METRICS] = b"[" * 1_000_000
    rewrite_records(files)


@dataclass(frozen=True)
class Attack:
    """What is done, and the finding that must show: level, kind, a part of its subject."""

    do: Callable[[Files], None]
    level: str
    kind: str
    subject: str
    sealed: bool = True


ATTACKS = [
    Attack(metric_edited, "files", "changed", METRICS, sealed=False),
    Attack(metric_edited, "chain", "changed", METRICS),
    Attack(metric_and_its_block_edited, "chain", "broken link", METRICS),
    Attack(metric_edited_and_all_digests, "metrics", "forged", METRICS),
    Attack(metric_edited_and_csv_and_all_digests, "metrics", "forged", METRICS),
    Attack(features_swapped, "chain", "changed", FEATURES),
    Attack(features_swapped_and_all_digests, "metrics", "forged", METRICS),
    Attack(split_changed, "splits", "forged", "lists/splits.csv"),
    Attack(description_changed, "splits", "forged", "croissant.json"),
    Attack(card_changed, "tables", "forged", "cards/aurl.md"),
    Attack(card_added, "tables", "forged", "cards/best.md"),
    Attack(cell_in_the_html_alone, "tables", "forged", "tables/ablation.html"),
    Attack(statistics_edited_and_all_digests, "metrics", "forged", "statistics.json"),
    Attack(videos_replaced, "chain", "changed", LISTING),
    Attack(parameter_changed, "chain", "stale parameters", "training"),
    Attack(seed_of_another_run, "chain", "forged", "checkpoints/aurl/seed0"),
    Attack(code_changed, "code", "stale code", "aurl/evaluation/metrics.py"),
    Attack(data_changed_and_all_digests, "code", "changed", "commit.json"),
    Attack(commit_renamed, "code", "changed", "commit.json"),
    Attack(block_missing, "chain", "missing", FEATURES),
    Attack(result_missing, "chain", "missing", METRICS),
    Attack(result_missing, "files", "missing", METRICS, sealed=False),
    Attack(result_added, "chain", "unrecorded", "better.csv"),
    Attack(result_added, "files", "unrecorded", "better.csv", sealed=False),
    Attack(experiment_added, "chain", "unrecorded", "results/other/metrics.csv"),
    Attack(block_of_no_job, "chain", "unrecorded", "features/best"),
    Attack(block_of_another_job, "chain", "broken link", FEATURES),
    Attack(lock_edited, "chain", "changed", "metrics.csv"),
    Attack(pickle_for_features, "metrics", "forged", METRICS),
    Attack(pickle_for_a_metric, "metrics", "forged", METRICS),
    Attack(deep_metric, "metrics", "forged", METRICS),
]


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: f"{attack.do.__name__}-{attack.level}")
def test_every_attack_has_its_finding(
    honest: Files, attack: Attack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = dict(honest)
    attack.do(files)
    bundle = write_files(tmp_path / "forged.zip", files, attack.sealed)
    computed = attack.level in ("metrics", "tables")
    cell = "aurl,micro_ucf" if "metrics/aurl" in attack.subject or "cards" in attack.subject else None
    verdict = verify(bundle, cell if computed else None, quick=not computed)
    found = [(each.kind, each.subject) for each in verdict.levels[attack.level].findings]
    assert any(kind == attack.kind and attack.subject in subject for kind, subject in found), verdict.levels
    assert not verdict.agrees
    assert [path.name for path in tmp_path.iterdir()] == ["forged.zip"], "something was unpacked, or executed"


def raw_zip(files: Files, extra: Callable[[zipfile.ZipFile], None] = lambda archive: None) -> bytes:
    """A zip file that is written without this project's checks."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        extra(archive)
    return buffer.getvalue()


def named(
    name: str, content: bytes = b"x", mode: int = stat.S_IFREG, form: int = zipfile.ZIP_STORED
) -> Callable[[Files], bytes]:
    """A bundle with one more entry."""

    def make(files: Files) -> bytes:
        info = zipfile.ZipInfo(name)
        info.external_attr, info.compress_type = (mode | 0o644) << 16, form
        return raw_zip(files, lambda archive: archive.writestr(info, content))

    return make


def twice(files: Files) -> bytes:
    with pytest.warns(UserWarning, match="Duplicate"):
        return named("params.yaml")(files)


def ten_gigabytes(files: Files) -> bytes:
    """The last entry claims 10 GB, in both of its headers."""
    content, size = bytearray(named("results/micro/huge.csv")(files)), struct.pack("<II", 0xFFFFFF00, 0xFFFFFF00)
    start, end = content.rindex(b"PK\x03\x04"), content.rindex(b"PK\x01\x02")
    content[start + 18 : start + 26] = size
    content[end + 20 : end + 28] = size
    return bytes(content)


def encrypted(files: Files) -> bytes:
    content = bytearray(named("results/micro/secret.csv")(files))
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def with_file(name: str, content: bytes) -> Callable[[Files], bytes]:
    return lambda files: raw_zip(sealed_files(files | {name: content}))


def with_params(old: str, new: str) -> Callable[[Files], bytes]:
    def make(files: Files) -> bytes:
        changed = dict(files)
        edit(changed, "params.yaml", old, new)
        return raw_zip(sealed_files(changed))

    return make


REFUSED: list[tuple[str, Callable[[Files], bytes], str]] = [
    ("leaves the folder", named("../outside.txt"), "no name of a file below a folder"),
    ("leaves the folder inside", named("results/../../outside.txt"), "no name of a file below a folder"),
    ("absolute", named("/tmp/outside.txt"), "no name of a file below a folder"),
    ("backslash", named("results\\..\\outside.txt"), "no name of a file below a folder"),
    ("drive", named("C:outside.txt"), "no name of a file below a folder"),
    ("control character", named("results/\x1b[2J.csv"), "no name of a file below a folder"),
    ("link", named("results/micro/link.csv", b"/etc/passwd", stat.S_IFLNK), "a link"),
    ("device", named("results/micro/pipe.csv", b"", stat.S_IFIFO), "no regular file"),
    ("folder", named("results/empty/", b"", stat.S_IFDIR), "no name of a file below a folder"),
    ("bomb", named("results/micro/zeros.csv", b"\0" * 10_000_000, form=zipfile.ZIP_DEFLATED), "compressed"),
    ("ten gigabytes", ten_gigabytes, "claim|no bundle|damaged"),
    ("encrypted", encrypted, "encrypted"),
    ("twice", twice, "twice"),
    ("twice but for case", named("Params.yaml"), "twice"),
    ("a file and a folder", named("params.yaml/x"), "a file and a folder"),
    ("no zip", lambda files: b"nothing", "no bundle"),
    ("cut", lambda files: raw_zip(files)[:-100], "no bundle"),
    ("empty", lambda files: raw_zip({}), "no 'ro-crate-metadata.json'"),
    ("deep metadata", lambda files: raw_zip(files | {METADATA: b"[" * 1_000_000}), "nested too deeply"),
    ("deep but valid", lambda files: raw_zip(files | {METADATA: b"[" * 500 + b"]" * 500}), "nested too deeply"),
    ("deep block", with_file(block_of("metrics.csv"), b'{"a":' * 1_000_000), "nested too deeply"),
    ("deep lock", with_file("dvc.lock", b"[" * 1_000_000), "nested too deeply"),
    ("lock of another kind", with_file("dvc.lock", b"[]"), "no stages"),
    ("key twice", with_file("commit.json", b'{"name": "a", "name": "b"}'), "twice"),
    ("not a number", with_file("commit.json", b'{"name": NaN}'), "no number"),
    ("other metadata", lambda files: raw_zip(files | {METADATA: b"{}"}), "no @graph"),
    ("block of nothing", with_file(block_of("metrics.csv"), b"{}"), "no provenance block"),
    ("a part from outside", with_params("name: r2plus1d", "name: my_package.backbone"), "it is not run here"),
    ("YAML that builds objects", with_params("^", "x: !!python/object/apply:os.system [ls]\n"), "not valid YAML"),
    ("YAML of a million levels", with_file("params.yaml", b"[" * 1500), "nested too deeply"),
    ("too many shards", with_params("shards: 2", "shards: 50000"), "repetitions"),
    ("a billion splits", with_params("- 50", "- 1000000000"), "repetitions"),
    ("keys of another version", with_params("^", "novelty: 1\n"), "novelty: unknown key"),
]


@pytest.mark.parametrize(("make", "line"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED])
def test_a_hostile_file_is_refused_in_one_line(
    honest: Files, make: Callable[[Files], bytes], line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "inside"
    folder.mkdir()
    monkeypatch.chdir(folder)
    bundle = tmp_path / "hostile.zip"
    bundle.write_bytes(make(honest))
    with pytest.raises(AurlError, match=line) as refused:
        verify(bundle, quick=True)
    assert str(refused.value).count("\n") == (2 if "YAML" in line else 0)  # a line of the file, and a caret
    assert len(str(refused.value)) < 700
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["hostile.zip", "inside"]


def test_code_of_a_bundle_cannot_be_imported(honest: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module beside the data is neither unpacked nor found."""
    monkeypatch.chdir(tmp_path)
    planted = b"open('executed', 'w')"
    files = honest | {f"inputs/{name}.py": planted for name in ("statsmodels", "pyarrow", "scipy")}
    verdict = verify(write_files(tmp_path / "planted.zip", files), "aurl,micro_ucf")
    assert verdict.levels["metrics"].verdict == "passed"
    assert [path.name for path in tmp_path.iterdir()] == ["planted.zip"]


def test_a_damaged_entry_is_one_line(micro_bundle: Path, tmp_path: Path) -> None:
    content = bytearray(micro_bundle.read_bytes())
    content[content.index(b"def half_class_split")] ^= 1
    damaged = tmp_path / "damaged.zip"
    damaged.write_bytes(content)
    with pytest.raises(AurlError, match="damaged"):
        verify(damaged, quick=True)
