"""What the code may not do with what it reads: unpickle, evaluate, or build a command for a shell."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import audit_dependencies
import pytest
from repositories import REPOSITORY

from aurl.experiment.presets import load_preset
from aurl.pipeline.jobs import Jobs
from aurl.pipeline.rules import Rules

PYTHON = [
    path for room in ("aurl", "benchmarks", "docs", "tools") for path in sorted((REPOSITORY / room).rglob("*.py"))
]
UNPICKLERS = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "jsonpickle"}
FORBIDDEN = {
    "eval", "exec", "compile", "__import__", "os.system", "os.popen", "pd.read_pickle", "pandas.read_pickle",
    "yaml.unsafe_load", "yaml.full_load", "yaml.load_all", "KeyedVectors.load", "torch.jit.load", "torch.hub.load",
    "subprocess.getoutput", "subprocess.getstatusoutput", "numpy.fromregex", "tarfile.extractall", "shutil.unpack_archive",
}  # fmt: skip
ROUND_TRIP = ("aurl/operate/edit_params.py", "aurl/experiment/merged.py")  # `yaml` is ruamel's loader there
SAFE_LOADERS = {"yaml.SafeLoader", "_UniqueKeyLoader", "getattr(yaml, 'CSafeLoader', yaml.SafeLoader)"}


def dotted(node: ast.expr) -> str:
    """The name that is called: `a.b.c`."""
    return f"{dotted(node.value)}.{node.attr}" if isinstance(node, ast.Attribute) else getattr(node, "id", "?")


def faults(source: str) -> Iterator[str]:
    """What a module does that it may not, line by line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            yield from (f"{node.lineno}: imports {name}" for name in names if name.split(".")[0] in UNPICKLERS)
        if not isinstance(node, ast.Call):
            continue
        name, options = dotted(node.func), {word.arg: word.value for word in node.keywords}
        if name == "torch.load":
            only = options.get("weights_only")
            if not (isinstance(only, ast.Constant) and only.value is True):
                yield f"{node.lineno}: torch.load without weights_only=True"
        if name in FORBIDDEN or name.split(".")[-1] in ("extractall", "unpack_archive", "unsafe_load"):
            yield f"{node.lineno}: calls {name}"
        if name in ("np.load", "numpy.load"):
            allowed = options.get("allow_pickle")
            if not (isinstance(allowed, ast.Constant) and allowed.value is False):
                yield f"{node.lineno}: {name} without allow_pickle=False"
        if name == "yaml.load" and ast.unparse(options.get("Loader", ast.Constant(None))) not in SAFE_LOADERS:
            yield f"{node.lineno}: yaml.load without a safe loader"
        if name.startswith("subprocess.") or name in ("os.execv", "os.execvp"):
            if "shell" in options:
                yield f"{node.lineno}: a shell"
            if not node.args or isinstance(node.args[0], ast.Constant | ast.JoinedStr | ast.BinOp):
                yield f"{node.lineno}: a command that is a string"


@pytest.mark.parametrize("path", PYTHON, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_no_module_unpickles_evaluates_or_uses_a_shell(path: Path) -> None:
    found = [
        fault
        for fault in faults(path.read_text())
        if "yaml.load without" not in fault or path.relative_to(REPOSITORY).as_posix() not in ROUND_TRIP
    ]
    assert not found, found


def test_torch_load_is_called_in_one_place() -> None:
    """There, and with weights_only=True, after a check of what the pickle names."""
    calls = {path.relative_to(REPOSITORY).as_posix() for path in PYTHON if "torch.load(" in path.read_text()}
    assert calls == {"aurl/models/torch_file.py"}


@pytest.mark.parametrize("path", ROUND_TRIP)
def test_the_yaml_of_exempt_files_is_ruamels_round_trip_loader(path: str) -> None:
    """`yaml` is another object there: one that builds no classes."""
    source = (REPOSITORY / path).read_text()
    assert re.search(r"\byaml(?:, \w+)* = YAML\(\)", source), "the exemption above holds for this alone"
    assert not re.search(r"^\s*import yaml|\bYAML\((?!\)|typ=.safe.\))", source, re.MULTILINE)


@pytest.mark.parametrize(
    "line",
    [
        "import pickle", "from pickle import loads", "import joblib", "torch.load(p)", "torch.load(p, weights_only=False)",
        "torch.load(p, weights_only=w)",
        "np.load(p)", "np.load(p, allow_pickle=True)", "yaml.load(t)", "yaml.load(t, Loader=yaml.Loader)",
        "yaml.load(t, Loader=yaml.UnsafeLoader)", "yaml.unsafe_load(t)", "eval(t)", "os.system(f'rm {name}')",
        "subprocess.run(f'rm {name}')", "subprocess.run('rm ' + name)", "subprocess.run(['rm'], shell=True)",
        "subprocess.Popen(args='rm')", "archive.extractall(folder)", "KeyedVectors.load(p)", "pd.read_pickle(p)",
    ],
)  # fmt: skip
def test_the_check_sees_what_is_forbidden(line: str) -> None:
    assert list(faults(line))


def test_the_check_allows_what_is_safe() -> None:
    safe = "import pickletools\nnp.load(p, allow_pickle=False)\nyaml.safe_load(t)\nsubprocess.run(['git', name])\n"
    assert not list(faults(safe + "torch.load(p, weights_only=True)\n"))


def test_every_value_in_a_rules_shell_command_is_quoted_or_cannot_need_it() -> None:
    """`:q` quotes for the shell; wildcards are names of the experiment, [a-z][a-z0-9_]*, or numbers."""
    seen = 0
    for path in sorted((REPOSITORY / "workflow/rules").glob("*.smk")):
        text = path.read_text()
        for command in re.findall(r"shell:\s*((?:[rf]?\"[^\n]*\"\s*)+)", text):
            for value in re.findall(r"\{([^{}]+)\}", command):
                seen += 1
                assert value.endswith(":q") or value == "threads" or value.startswith("wildcards."), (
                    f"{path.name}: {value}"
                )
    assert seen > 20
    common = (REPOSITORY / "workflow/rules/common.smk").read_text()
    assert re.search(r"^wildcard_constraints:\n    \*\*RULES\.constraints\(\),$", common, re.MULTILINE), "for all rules"
    constraints = Rules(Jobs(load_preset("micro")), 1).constraints()
    for wildcard in ("dataset", "variant", "seed", "shard"):
        assert re.fullmatch(r"\\d\+|[a-z0-9_|]+", constraints[wildcard]), "names or numbers"


VULNERABLE = {"name": "x", "version": "1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["2"]}]}
CLEAN, UNKNOWN = {"name": "y", "version": "1", "vulns": []}, {"name": "z", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("answer", "status", "words"),
    [
        ([VULNERABLE, CLEAN], 1, "x 1: PYSEC-1, mended in 2"),
        ([CLEAN], 0, "1 locked packages audited, 0 known vulnerabilities"),
        ([CLEAN, UNKNOWN], 0, "1 locked packages audited, 1 unknown to the service, 0 known"),
        ([UNKNOWN], 0, "NOT audited: the service here knows none of the 1 locked packages"),
        ("ConnectionError", 0, "NOT audited: the vulnerability service is not reachable (ConnectionError)"),
    ],
)
def test_the_audit_of_dependencies_fails_on_findings_and_says_when_it_could_not_ask(
    answer: list[dict[str, object]] | str, status: int, words: str
) -> None:
    found, lines = audit_dependencies.verdict(answer)
    assert found == status
    assert words in "\n".join(lines)
