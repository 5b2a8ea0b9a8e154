"""A bundle of the finished micro experiment: equal bytes, what it holds, and what verifying it says."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest
from bundles import RESULTS, block_of, read_files, rewrite_records, write_files
from repositories import runner

from aurl.audit.bundle.container import METADATA, SIGNATURE
from aurl.audit.bundle.make import make_bundle
from aurl.audit.bundle.verdict import LEVELS, as_text
from aurl.audit.bundle.verify import verify
from aurl.experiment.read import load_experiment
from aurl.pipeline.jobs import Jobs
from aurl.system.errors import AurlError

AURL = Path(sys.executable).with_name("aurl")


def test_equal_results_give_equal_bytes_without_times_and_machine_names(
    finished_micro: Path, micro_bundle: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = tmp_path / "again.zip"
    monkeypatch.chdir(finished_micro)
    said = list(make_bundle(Jobs(load_experiment(Path("params.yaml"))), again))
    assert re.search(r"SHA-256 [0-9a-f]{64}", said[0])
    assert [line.split(",")[0] for line in said[2:]] == [
        f"left out: {name}" for name in ("videos", "frames", "checkpoints")
    ]
    assert again.read_bytes() == micro_bundle.read_bytes()
    files = read_files(micro_bundle)
    block = json.loads(files[block_of("metrics.csv")])
    assert set(block) == {"identity", "outputs"}
    assert f"{RESULTS}report.html" not in files, "the page holds times"
    made = b"".join(content for name, content in files.items() if name.startswith("results/"))
    assert b'"host"' not in made
    assert b'"started"' not in made


def test_an_honest_bundle_agrees_at_every_level(finished_micro: Path, tmp_path: Path) -> None:
    """With checkpoints and frames the features are computed again, too."""
    bundle = tmp_path / "micro.zip"
    runner(finished_micro)("aurl", "bundle", "-o", str(bundle), "--with", "checkpoints", "--with", "frames")
    verdict = verify(bundle)
    assert verdict.agrees
    expected = {name: "partly" if name == "features" else "passed" for name in LEVELS}
    assert {name: level.verdict for name, level in verdict.levels.items()} == expected
    assert verdict.levels["features"].checked == 10 + 3  # of networks, and the fit and scores of a method
    assert verdict.reached == "features"
    assert verdict.differing == {}
    assert "not checked: figures" in as_text(verdict)


def test_verify_needs_neither_git_nor_dvc_nor_params(micro_bundle: Path, tmp_path: Path) -> None:
    """From an empty folder, with no program on PATH; importing DVC would fail."""
    (tmp_path / "blocked/dvc").mkdir(parents=True)
    (tmp_path / "blocked/dvc/__init__.py").write_text("raise ImportError('no DVC here')")
    empty = tmp_path / "empty"
    empty.mkdir()
    environment = {"PATH": "/nonexistent", "PYTHONPATH": str(tmp_path / "blocked"), "HOME": str(tmp_path)}
    done = subprocess.run(
        [AURL, "verify", "--cell", "aurl,micro_ucf", micro_bundle], cwd=empty, env=environment, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for word in ("datasets/micro_seen.csv", "checkpoints/aurl/seed0.safetensors  (not in the bundle)",
                 "aurl/evaluation/metrics.py (code)", "semantics.tau = 0.05", "passed       tables"):  # fmt: skip
        assert word in done.stdout
    assert "features/ls/" not in done.stdout, "only what stands behind the cell"
    assert "Traceback" not in done.stderr
    assert list(empty.iterdir()) == []


def test_a_bundle_without_features_says_what_would_be_needed(micro_bundle: Path, tmp_path: Path) -> None:
    files = {name: content for name, content in read_files(micro_bundle).items() if "/micro/features/" not in name}
    verdict = verify(write_files(tmp_path / "bare.zip", files))
    assert verdict.agrees
    assert verdict.levels["metrics"].verdict == "partly"
    assert {each.needs for each in verdict.levels["metrics"].unchecked} == {"--with features", "--with checkpoints"}
    features = [each.needs for each in verdict.levels["features"].unchecked if each.subject.startswith("features")]
    assert set(features) == {"--with checkpoints --with frames"}
    assert "not checked: evaluate" in as_text(verdict)


def test_other_code_of_the_installed_version_is_named(micro_bundle: Path, tmp_path: Path) -> None:
    """A result that an older version made, whose code is in the bundle: no finding, but a note."""
    files = read_files(micro_bundle)
    for name in list(files):
        if "/provenance/" in name and not name.startswith("code/"):
            block = json.loads(files[name])
            block["identity"]["code"].pop("aurl/evaluation/metrics.py", None)
            files[name] = json.dumps(block).encode()
    rewrite_records(files)
    verdict = verify(write_files(tmp_path / "older.zip", files), quick=True)
    assert verdict.agrees
    assert verdict.differing["evaluate"] == ["aurl/evaluation/metrics.py"]
    assert "note: evaluate: the installed version has another aurl/evaluation/metrics.py" in as_text(verdict)


def test_the_command_ends_with_1_for_a_finding_and_prints_json(micro_bundle: Path, tmp_path: Path) -> None:
    files = read_files(micro_bundle)
    files[f"{RESULTS}metrics.csv"] += b"x"
    forged = write_files(tmp_path / "forged.zip", files)
    done = subprocess.run([AURL, "verify", "--quick", "--json", forged], capture_output=True, text=True)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["agrees"] is False
    assert said["reached"] == "files"
    assert said["levels"]["chain"]["findings"][0]["kind"] == "changed"
    with pytest.raises(AurlError, match="none.zip: no bundle \\(No such file"):
        verify(tmp_path / "none.zip")


def test_the_zip_is_plain_and_its_first_file_describes_it(micro_bundle: Path) -> None:
    with ZipFile(micro_bundle) as archive:
        infos = archive.infolist()
    assert infos[0].filename == METADATA
    assert {info.compress_size - info.file_size for info in infos} == {0}
    assert {info.date_time for info in infos} == {(1980, 1, 1, 0, 0, 0)}


def test_unfinished_uncommitted_and_damaged_results_are_no_bundle(micro: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(micro)
    jobs = Jobs(load_experiment(Path("params.yaml")))

    def refused() -> str:
        with pytest.raises(AurlError) as error:
            list(make_bundle(jobs, Path("none.zip")))
        return str(error.value)

    features, block = Path(RESULTS, "features/aurl/seed0/micro_ucf.safetensors"), Path(block_of("metrics.csv"))
    kept = features.read_bytes()
    features.unlink()
    assert "features/aurl/seed0/micro_ucf.safetensors: missing" in refused()
    features.write_bytes(kept[:-1])
    assert "not what its job made" in refused()
    features.write_bytes(kept)
    kept_block = block.read_text()
    block.write_text(kept_block.replace('"aurl/evaluation/collect.py": "', '"aurl/evaluation/collect.py": "0'))
    assert "aurl/evaluation/collect.py: 'collect' was made with it" in refused()
    block.write_text(kept_block)
    lock = Path("dvc.lock").read_text()
    md5 = hashlib.md5(Path(RESULTS, "metrics.csv").read_bytes()).hexdigest()
    Path("dvc.lock").write_text(lock.replace(md5, "0" * 32))
    assert "metrics.csv: dvc.lock records other contents; run 'aurl record'" in refused()
    block.unlink()
    assert "metrics.csv: not made yet" in refused()
    assert not list(Path().glob("*.zip"))


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="no ssh-keygen here")
def test_a_signature_names_who_signed_and_covers_every_file(finished_micro: Path, tmp_path: Path) -> None:
    key, bundle = tmp_path / "key", tmp_path / "signed.zip"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    runner(finished_micro)("aurl", "bundle", "-o", str(bundle), "--sign", str(key))
    signers = tmp_path / "signers"
    signers.write_text(f"author@example.org {key.with_suffix('.pub').read_text()}")
    assert verify(bundle, signers=signers, quick=True).signed == "signed by author@example.org"
    assert verify(bundle, quick=True).signed.startswith("signed by key SHA256:")
    files = read_files(bundle)
    assert SIGNATURE in files
    files["params.yaml"] += b"\n"
    with pytest.raises(AurlError, match="signature"):
        verify(write_files(tmp_path / "changed.zip", files), quick=True)
    signers.write_text(f"other@example.org {key.with_suffix('.pub').read_text()}".replace("AAAA", "AAAB"))
    with pytest.raises(AurlError, match="--signers"):
        verify(bundle, signers=signers, quick=True)
    unsigned = write_files(
        tmp_path / "unsigned.zip", {n: c for n, c in read_files(bundle).items() if n != SIGNATURE}, sealed=False
    )
    with pytest.raises(AurlError, match="not signed"):
        verify(unsigned, signers=signers, quick=True)
