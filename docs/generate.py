"""Write the generated pages: parameters.md (every key of params.yaml), commands.md (every command), modules.md (every
module), protocols.md (every named protocol), and the measured parts of audit.md, security.md and README.md.

Run as `python docs/generate.py`; tests/docs/test_docs.py compares the result with the pages.
"""

import importlib.util
import json
import re
import statistics
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import pandas as pd

from aurl.cli import cli
from aurl.evaluation.named import base as named
from aurl.evaluation.test_sets import TestSet, test_set
from aurl.experiment.methods import METHODS, MethodSettings
from aurl.experiment.settings import Experiment
from aurl.pipeline.stages import STAGES
from aurl.system import plugins
from aurl.system.files import with_section, write_text
from aurl.system.plugins import PACKAGE

DOCS = Path(__file__).resolve().parent
BENCHMARKS = DOCS.parent / "benchmarks/measured"
NAME = "NAME"
PART_TITLES = {"mapping": ".", "named": ", name: "}  # between a key and the name of a part
NAME_PATTERN = "^[a-z][a-z0-9_]*$"
LIMITS = {
    "minimum": "≥ {}", "exclusiveMinimum": "> {}", "maximum": "≤ {}", "exclusiveMaximum": "< {}",
    "multipleOf": "multiple of {}", "minItems": "at least {}", "maxItems": "at most {}",
    "minProperties": "at least {}", "pattern": "like `{}`",
}  # fmt: skip


def parameters() -> str:
    """The page of every key with type, limits, default, and the stages that a change reruns."""
    schema = Experiment.model_json_schema()
    parts = [
        "# params.yaml\n",
        "<!-- python docs/generate.py -->\n",
        "Every key of an experiment, section by section. Unknown keys are errors; a key without a default must be "
        "written. *Reruns* names the stages that run again after a change. What follows from them runs again too, unless "
        "they come out equal. `seen`, `unseen`, `datasets`, `variants`, `trained`, `imported`, `external` and `seeds` also "
        f"decide which jobs there are. `{NAME}` is a name that you choose. The page is made from the models in "
        "`aurl/experiment/` and beside each part.\n",
    ]
    for title, description, rows in _sections(schema, schema, ""):
        parts += [f"## {title or 'The experiment'}\n", f"{description}\n"]
        parts += ["| key | means | value | default | reruns |", "|---|---|---|---|---|", *rows, ""] if rows else []
    return "\n".join(parts)


def commands() -> str:
    """The page of every command, from the code."""
    context = click.Context(cli, info_name="aurl")
    shown = {name: command for name in cli.list_commands(context) if not (command := cli.commands[name]).hidden}
    lines = ["# Commands\n", "<!-- python docs/generate.py -->\n"]
    lines += ["`aurl COMMAND --help` prints the same in the terminal. These options stand before the command:\n"]
    lines += [*_options(cli, context), "| command | does |", "|---|---|"]
    lines += [f"| [`{name}`](#{name}) | {_paragraphs(command)[0]} |" for name, command in shown.items()]
    for name, command in shown.items():
        inner = click.Context(command, info_name=name, parent=context)
        usage = " ".join(["aurl", name, *command.collect_usage_pieces(inner)])
        lines += [f"\n## {name}\n", f"    {usage}\n", *(f"{each}\n" for each in _paragraphs(command))]
        lines += _options(command, inner)
    return "\n".join(lines).rstrip("\n") + "\n"


def _paragraphs(command: click.Command) -> list[str]:
    """The help of a command, each paragraph in one line."""
    return [_cell(" ".join(each.split())) for each in (command.help or "").replace("\b", "").split("\n\n")]


def _options(command: click.Command, context: click.Context) -> list[str]:
    """A table of a command's options, without --help."""
    records = [parameter.get_help_record(context) for parameter in command.get_params(context)]
    rows = [
        (names, said) for names, said in filter(None, records) if "--help" not in names and "--version" not in names
    ]
    table = [f"| `{names}` | {_cell(said)} |".replace(", -", "`, `-") for names, said in rows]
    return ["| option | does |", "|---|---|", *table, ""] if rows else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def modules() -> str:
    """The page of every public module, which mkdocstrings fills from the docstrings."""
    names = sorted(
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        for path in PACKAGE.rglob("*.py")
        if path.name != "__init__.py"
    )
    rooms: dict[str, list[str]] = {}
    for name in names:
        parts = name.split(".")
        rooms.setdefault(parts[1] if len(parts) > 2 else "aurl", []).append(name)
    lines = ["# Modules\n", "<!-- python docs/generate.py -->"]
    for room, inside in rooms.items():
        lines += [f"\n## {room}\n", *(f"::: {name}" for name in inside)]
    return "\n".join(lines) + "\n"


def security() -> str:
    """The page on hostile input, its figures and counts as the files of measurements and the corpus say."""
    page = DOCS / "security.md"
    text = page.read_text()
    for name, part in (
        ("benchmarks/measured/isolation.json", _isolation()), ("tests/helpers/hostile.py", _corpus()),
        ("benchmarks/measured/fuzz.json", _fuzzing()),
    ):  # fmt: skip
        text = with_section(page, text, name, part)
    return text


def audit() -> str:
    """The page of the audit, with what the mutation benchmark measured."""
    page = DOCS / "audit.md"
    return with_section(page, page.read_text(), "benchmarks/measured/mutation.json", _mutation())


def _mutation() -> str:
    measured = json.loads((BENCHMARKS / "mutation.json").read_text())
    outcomes = measured["outcomes"]
    rows = [
        ("in the whole package", measured["mutants"]),
        ("that no stage of `micro` reaches", measured["not_reached_by_micro"]),
        ("in code of every stage that reaches them: the plan names these stages", measured["named_by_the_plan"]),
        (
            "in code that only carries values and bytes, for some stage that reaches them",
            measured["run_with_the_change"],
        ),
        ("of the last line, drawn and run", measured["chosen"]),
        ("... whose results are equal to the byte", outcomes.get("equal", 0)),
        ("... that stop or hang", outcomes.get("stops", 0) + outcomes.get("hangs", 0)),
        ("... that change parameters, inputs or outputs, so that the plan names the stage", outcomes.get("planned", 0)),
        ("... **that change a result without a word**", outcomes.get("silent", 0)),
    ]
    lines = ["| changes | number |", "|---|---|", *(f"| {what} | {number:,} |" for what, number in rows)]
    silent = [
        f"- `{each['file']}`, line {each['line']}: `{each['before']}` to `{each['after']}` changes"
        f" {', '.join(each['stages'])}."
        for each in measured["silent"]
    ]
    return "\n".join([*lines, *(["", *silent] if silent else []), ""])


def _isolation() -> str:
    row = json.loads((BENCHMARKS / "isolation.json").read_text())["rows"][0]
    return (
        f"With the limits, decoding runs at {statistics.median(row['ratios']):.3f} times the speed without, in CPU time"
        f" (`python benchmarks/run.py isolation`: 200 rendered videos, {len(row['ratios'])} times each way, in turns).\n"
    )


def _corpus() -> str:
    spec = importlib.util.spec_from_file_location("hostile", DOCS.parent / "tests/helpers/hostile.py")
    assert spec is not None
    assert spec.loader is not None
    sys.path.insert(0, str(DOCS.parent / "tests/helpers"))
    hostile = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(hostile)
    rows = [f"| {group} | {len(kinds)} | {'; '.join(kinds)} |" for group, kinds in hostile.GROUPS.items()]
    total = sum(map(len, hostile.GROUPS.values()))
    return "\n".join([f"{total} files:\n", "| of | files | kinds |", "|---|---|---|", *rows, ""])


def _fuzzing() -> str:
    found = json.loads((BENCHMARKS / "fuzz.json").read_text())
    rows = [
        f"| {name} | {target['inputs']:,} | {target['seconds']:,} | {sum(target['findings'].values())} "
        f"| {target['memory_growth_mib']} |"
        for name, target in found["targets"].items()
    ]
    head = ["| parser | inputs | seconds | findings | memory, MiB |", "|---|---|---|---|---|"]
    return "\n".join([f"The last run: {found['inputs']:,} inputs by {found['engine']}.\n", *head, *rows, ""])


def protocols() -> str:
    """The page of the protocols by name, with sizes and digests on every test set."""
    lines = [
        "# Protocols by name\n",
        "<!-- python docs/generate.py -->\n",
        "Papers that name the same test set test on different classes and videos. Each protocol here is a file of "
        "`aurl/evaluation/named/`, with its lists in `data/` (`data/NOTICE` says from where). [`aurl score`](scoring.md) "
        "tests any method by all of them. The digest is the SHA-256 of names, classes and videos of all runs: two results "
        "with equal digests were tested on the same. A new file of the folder is a new protocol; one of your own may lie "
        "outside (`--protocol my_package.my_protocol`), with what `aurl/evaluation/named/base.py` says. "
        "An experiment tests by them too: `evaluation.protocols: {truze: {}}` "
        "([how](how-to/protocol.md#protocols-by-name)).\n",
    ]
    for name in named.protocol_names():
        module = named.load(name)
        lines += [f"## {name}\n", f"*{module.LABEL}.* {(module.__doc__ or '').strip()}\n"]
        lines += [
            f"- Used by: {module.USED_BY}.",
            f"- Not to be mixed up: {module.DIFFERS}.",
            f"- Source: {module.SOURCE}.\n",
        ]
        lines += ["| test set | runs | classes of a run | videos of a run | digest |", "|---|---|---|---|---|"]
        lines += [_protocol_row(module, test_set(of)) for of in module.TEST_SETS] + [""]
    lines += [
        "## Generalised\n",
        "Seen and unseen classes are candidates together. That needs scores of held-out videos of the seen classes too, so "
        "it is no protocol of `aurl score`: [`aurl.generalised`](python.md) measures scores of any method, and an "
        "experiment measures its own networks on the [held-out videos](datasets.md#held-out-videos-of-seen-classes) that "
        "`held_out` names. S, U, H and AUSUC are in the table *Seen and unseen classes together*, the curve is a figure.\n",
    ]
    return "\n".join(lines)


def _protocol_row(module: ModuleType, of: TestSet) -> str:
    runs, videos = module.runs(of), []
    for run in runs:
        inside = [of.classes[label] in run.classes for label in of.labels]
        videos.append(sum(inside) if run.videos is None else int((run.videos & inside).sum()))
    counts = f"{min(videos):,}" + (f" to {max(videos):,}" if max(videos) > min(videos) else "")
    cells = (
        of.label,
        len(runs),
        len(runs[0].classes),
        counts if of.videos else "not listed",
        named.digest(runs, of)[:16],
    )
    return "| {} | {} | {} | {} | `{}` |".format(*cells)


def readme() -> str:
    """README with mini's summary and how far it is from converged and stable, as they were measured."""
    reference = DOCS / "reference/mini/summary.txt"
    page = DOCS.parent / "README.md"
    text = with_section(page, page.read_text(), "summary", f"```\n{reference.read_text()}```\n")
    text = with_section(page, text, "methods", method_table({"Trained end to end", "On features of classifier"}))
    return with_section(page, text, "measures", measures())


def methods() -> str:
    """The page of methods, with the table of the reference run."""
    page = DOCS / "methods.md"
    return with_section(page, page.read_text(), "methods", method_table(set()))


def method_table(groups: set[str]) -> str:
    """Write top-1 of every method that was run, with and without CSLS; of some groups, by how their names begin."""
    table = pd.read_csv(DOCS / "reference/methods/methods.csv", dtype=str, keep_default_na=False)
    sets = [name.removesuffix(" top-1") for name in table.columns if name.endswith(" top-1")]
    shown = [f"{name}{suffix}" for name in sets for suffix in (" top-1", ", CSLS with seen videos")]
    heads = [head for name in sets for head in (name, "with CSLS")]
    lines = [f"| | may see | {' | '.join(heads)} |", f"|---|---|{'---|' * len(heads)}"]
    for group, rows in table[table[f"{sets[0]} top-1"] != ""].groupby("Group", sort=False):
        if groups and not str(group).startswith(tuple(groups)):
            continue
        lines.append(f"| **{group}** {'| ' * (len(heads) + 1)}|")
        for row in rows.to_dict("records"):
            cells = [_mean(row[name], row[f"{name} std"]) for name in shown]
            lines.append(f"| {row['Method']} | {row['May see']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _mean(mean: str, std: str) -> str:
    if not mean:
        return ""
    return f"{float(mean):.1f}" + (f" ± {float(std):.1f}" if std else "")


def measures() -> str:
    """The table of how mini's means move: with more epochs, threads and codecs, and over seeds."""
    rows = ["| measure | largest over all variants and test sets | aim | command |", "|---|---|---|---|"]
    deviations = []
    for name in ("convergence", "stability"):
        if not (BENCHMARKS / f"{name}.json").is_file():
            continue
        figures = json.loads((BENCHMARKS / f"{name}.json").read_text())
        deviations += [cell["± seeds"] for cell in figures["cells"]]
        rows += [
            f"| change of a mean with {what} | {change:.1f} points | 3 | `python benchmarks/{name}.py` |"
            for what, change in figures["largest change"].items()
        ]
    rows.append(f"| standard deviation over seeds | {max(deviations):.1f} points | 2.5 | `make reproduce` |")
    return "\n".join(rows) + "\n"


def pages() -> dict[Path, str]:
    """Generated page -> its text."""
    return {
        DOCS / "parameters.md": parameters(), DOCS / "modules.md": modules(), DOCS / "commands.md": commands(),
        DOCS / "security.md": security(), DOCS / "protocols.md": protocols(), DOCS / "methods.md": methods(),
        DOCS / "audit.md": audit(),
        DOCS.parent / "README.md": readme(),
    }  # fmt: skip


def _sections(schema: dict[str, Any], node: dict[str, Any], prefix: str) -> Iterator[tuple[str, str, list[str]]]:
    """Title, description and rows of a model, then of the models inside it."""
    rows, inner, parts = [], [], []
    for name, field in node.get("properties", {}).items():
        key = f"{prefix}{name}"
        model, place = (None, key) if "parts" in field else _model(schema, field, key)
        value = _value(field)
        if field.get("form") in ("mapping", "named"):
            named_parts = [part for part in plugins.names(field["parts"]) if _has_settings(field["parts"], part)]
            titles = {part: f"{key}{PART_TITLES[field['form']]}{part}" for part in named_parts}
            parts += [(title, field["parts"], part) for part, title in titles.items()]
            value = _parts_value(field, titles)
        elif model is not None:
            kinds = [each for each in field.get("patternProperties", {}).values() if "parts" in each]
            own = [(f"{place}, {kind['key']}: {part}", kind["parts"], part)
                   for kind in kinds for part in plugins.names(kind["parts"])]  # fmt: skip
            inner.append((model, place, own))
            value = f"[{place}](#{_anchor(place)})" + (" or null" if "anyOf" in field else "")
        default = "" if name in node.get("required", []) else f"`{_default(field)}`"
        means = field["description"]
        rows.append(f"| `{name}` | {means} | {value} | {default} | {', '.join(_reruns(place)) or 'nothing'} |")
    yield prefix.removesuffix("."), _description(node), rows
    for place, folder, part in parts:
        yield from _part_sections(place, folder, part)
    for model, place, own in inner:
        yield from _sections(schema, model, f"{place}.")
        for title, folder, part in own:
            yield from _part_sections(title, folder, part)


def _has_settings(folder: str, part: str) -> bool:
    """Say whether a part has settings; protocols by name have none."""
    return hasattr(plugins.load(folder, part), "Settings")


def _part_sections(place: str, folder: str, part: str) -> Iterator[tuple[str, str, list[str]]]:
    """The sections of one part's own settings; the first begins with what its file says."""
    module = plugins.load(folder, part)
    schema = module.Settings.model_json_schema()
    about = f"`{plugins.module_of(folder, part).replace('.', '/')}.py`: {str(module.__doc__).splitlines()[0]}"
    key, _, named = re.split(r", (name|method): ", f"{place}, name: ", maxsplit=1)
    (title, description, rows), *others = _sections(schema, schema, f"{key}.")
    if folder == METHODS:  # the keys of every method stand above
        shared = {f"| `{name}` " for name in MethodSettings.model_fields}
        rows = [row for row in rows if not any(row.startswith(each) for each in shared)]
    yield from [(place if named else title, f"{about} {description}", rows), *others]


def _parts_value(field: dict[str, Any], titles: dict[str, str]) -> str:
    """Describe a key that names parts with their settings, with a link to each part's section."""
    links = ", ".join(f"[`{part}`](#{_anchor(title)})" for part, title in titles.items())
    if field["form"] == "named":
        return f"{links}, or a dotted name: a module of your own"
    short = f", or to its `{field['short']}` alone" if field["short"] else ""
    bare = [part for part in plugins.names(field["parts"]) if part not in titles]
    links += f", a [protocol by name](protocols.md) ({', '.join(f'`{part}`' for part in bare)})" if bare else ""
    value = f"mapping of {links}, or a dotted name of your own, to its settings{short}"
    return ", ".join([value, *_limits(field)])


def _limits(field: dict[str, Any]) -> list[str]:
    """Write a value's limits in words."""
    return [text.format(field[name]) for name, text in LIMITS.items() if name in field]


def _description(node: dict[str, Any]) -> str:
    """A model's docstring in one paragraph."""
    text = " ".join(node.get("description", "").split())
    return text.partition(" Attributes:")[0].rstrip()


def _model(schema: dict[str, Any], field: dict[str, Any], key: str) -> tuple[dict[str, Any] | None, str]:
    """The model at a key, and the key under which it lies (with a name, where the key maps names to models)."""
    for option in (field, *field.get("anyOf", []), *field.get("allOf", [])):
        if "$ref" in option:
            return schema["$defs"][option["$ref"].rsplit("/", 1)[-1]], key
    inside = [*field.get("patternProperties", {}).values(), field.get("additionalProperties") or {}]
    for option in inside:
        if isinstance(option, dict) and "$ref" in option:
            return schema["$defs"][option["$ref"].rsplit("/", 1)[-1]], f"{key}.{NAME}"
    return None, key


def _value(field: dict[str, Any]) -> str:
    """Type and limits of a value, in words."""
    if "anyOf" in field:
        return " or ".join(_value(option) for option in field["anyOf"])
    if "parts" in field:
        return f"{', '.join(f'`{name}`' for name in plugins.names(field['parts']))}, or a module's dotted name"
    if "values" in field:
        return str(field["values"])
    if field.get("pattern") == NAME_PATTERN:
        return "name (a-z, 0-9, _)"
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    kind = {"integer": "whole number", "boolean": "`true` or `false`", "array": "list", "object": "mapping"}.get(
        field.get("type", ""), field.get("type", "value")
    )
    limits = _limits(field)
    if field.get("prefixItems"):
        items = " and ".join(dict.fromkeys(_value(item) for item in field["prefixItems"]))
        return f"list of {len(field['prefixItems'])}: {items}"
    if "items" in field:
        limited = f" ({', '.join(limits)})" if limits else ""
        return f"list{limited} of {_value(field['items'])}"
    if "additionalProperties" in field and "propertyNames" in field:
        kind = f"mapping of {_value(field['propertyNames'])} to {_value(field['additionalProperties'])}"
    return ", ".join([kind, *limits])


def _default(field: dict[str, Any]) -> str:
    return json.dumps(field.get("default"), ensure_ascii=False)


def _reruns(key: str) -> list[str]:
    """The stages that a parameter shapes, as their declarations say."""
    return [
        stage
        for stage, described in STAGES.items()
        if any(
            f"{key}.".startswith(f"{declared}.") or f"{declared}.".startswith(f"{key}.")
            for declared in [re.sub(r"\{\w+\}", NAME, setting) for setting in described.settings]
        )
    ]


def _anchor(title: str) -> str:
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


if __name__ == "__main__":
    for page, text in pages().items():
        write_text(page, text)
