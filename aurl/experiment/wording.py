"""Word what pydantic and YAML say about a file in plain English."""

from typing import Any

import yaml

from aurl.system.errors import one_line

LONGEST_LINE = 60  # columns of a quoted line of a file
PLAIN = {  # pydantic's kind of mistake -> our words; the fields are those of its context
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "less_than": "must be less than {lt}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "string_pattern_mismatch": "must be lower-case letters, digits and _, a letter first (pattern {pattern})",
    "too_short": "must hold at least {min_length}",
    "too_long": "must hold at most {max_length}",
    "string_too_short": "must have {min_length} or more letters",
    "string_too_long": "must have {max_length} letters or fewer",
} | {
    kind: text
    for kinds, text in (
        ("int_type int_parsing int_from_float int_parsing_size", "must be a whole number"),
        ("float_type float_parsing", "must be a number"),
        ("bool_type bool_parsing", "must be true or false"),
        ("dict_type model_type model_attributes_type", "must be keys with values, such as {{name: value}}"),
        ("list_type tuple_type", "must be a list, such as [1, 2]"),
    )
    for kind in kinds.split()
}
NAME_PATTERN = "^[a-z][a-z0-9_]*$"


def plain_words(problem: Any) -> str:
    """Say in a few words what is wrong with a value.

    Args:
        problem: one of the errors of pydantic's ValidationError.
    """
    text = str(problem["msg"]).removeprefix("Value error, ")
    own = not text.startswith(
        ("Input should", "String should", "Value should", "List should", "Dictionary should", "Tuple")
    )
    if problem["type"] == "string_type" and text == "Input should be a valid string":
        return "must be a text"
    pattern = problem["type"] == "string_pattern_mismatch" and problem["ctx"]["pattern"] != NAME_PATTERN
    if own or pattern or problem["type"] not in PLAIN:
        return text.replace("Input should be a valid string: it must", "must")
    return PLAIN[problem["type"]].format(**problem.get("ctx", {}))


def yaml_words(error: Exception) -> str:
    """Say what is wrong with a YAML file: the place, the fault, and the line with a mark below the place."""
    mark = getattr(error, "problem_mark", None)
    if not isinstance(error, yaml.MarkedYAMLError) or mark is None:
        return one_line(error, 500)
    what = one_line(error.problem or error.context or "unreadable")
    return f"line {mark.line + 1}, column {mark.column + 1}: {what}{_pointed(mark)}"


def _pointed(mark: yaml.Mark) -> str:
    """Quote the line of a mark, with a caret below its column; empty where the text is not kept."""
    if not isinstance(mark.buffer, str):
        return ""
    start = mark.buffer.rfind("\n", 0, mark.pointer) + 1
    line = mark.buffer[start:].split("\n", 1)[0].rstrip("\0\r")
    begin = max(mark.column - LONGEST_LINE // 2, 0)
    part = line[begin : begin + LONGEST_LINE]
    return f"\n    {part}\n    {' ' * (mark.column - begin)}^" if part.isprintable() else ""
