"""Check the settings of named parts (`losses: {seen: 1}`), each by the class `Settings` of its own file."""

import difflib
from dataclasses import dataclass
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationError
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema

from aurl.system import plugins
from aurl.system.errors import AurlError


@dataclass(frozen=True)
class PartsOf:
    """Mark a mapping of the parts of a folder (or dotted names) to their settings; null stands for no settings.

    The JSON schema names the folder under `parts`; the parameters page is made from it.
    """

    folder: str

    def validate(self, raw: Any) -> Any:
        """Check the settings of each part that is named."""
        if not isinstance(raw, dict):
            return raw  # the field's own type says so
        return {name: _settings(self.folder, str(name), {} if value is None else value) for name, value in raw.items()}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Check the parts before the mapping itself."""
        return core_schema.no_info_before_validator_function(self.validate, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Name the folder."""
        return {**handler(schema), "parts": self.folder}


def _settings(folder: str, name: str, raw: Any) -> Any:
    """Check the settings of one part. Raises: ValidationError that locates each problem below the part's name."""
    try:
        model = getattr(plugins.load(folder, name), "Settings", None)
        if model is None:
            raise AurlError(f"'{name}' is no part for {folder}: it has no class Settings")
    except AurlError as error:
        kind = PydanticCustomError("unknown_part", "{reason}", {"reason": str(error)})
        raise _located(name, [InitErrorDetails(type=kind, loc=(), input=raw)]) from None
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _located(name, [_explained(problem, model) for problem in error.errors()]) from None


def _explained(problem: Any, model: Any) -> InitErrorDetails:
    """Keep a problem's words; for an unknown key of the part add the known ones."""
    words = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "extra_forbidden":
        known = list(model.model_fields)
        near = difflib.get_close_matches(str(problem["loc"][-1]), known, n=1)
        words = f"unknown key; did you mean '{near[0]}'?" if near else f"unknown key; known: {', '.join(known)}"
    kind = "missing" if problem["type"] == "missing" else "part_settings"
    return InitErrorDetails(
        type=PydanticCustomError(kind, "{words}", {"words": words}), loc=problem["loc"], input=problem["input"]
    )


def _located(name: str, problems: list[InitErrorDetails]) -> ValidationError:
    below = [InitErrorDetails(**{**problem, "loc": (name, *problem.get("loc", ()))}) for problem in problems]
    return ValidationError.from_exception_data(name, below)
