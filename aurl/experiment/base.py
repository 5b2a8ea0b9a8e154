"""The base class of all settings, and how the settings of a part are checked by the part's own file."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from aurl.system import plugins
from aurl.system.errors import AurlError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Positive = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """Refuse unknown keys, NaN and infinity; values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def read_part(folder: str, name: str, raw: Any, base: type[Settings], needs: Iterable[str] = ()) -> Any:
    """Check the settings of one part by the class `Settings` in its file.

    Args:
        folder, name: the part, as in `plugins.load`.
        base: the class that the part's `Settings` must extend.
        needs: names of attributes that the part's file must have besides.
    Raises:
        ValidationError: the settings are not allowed, or there is no such part. Locations begin with `name`.
    """
    try:
        module = plugins.load(folder, name)
        model = getattr(module, "Settings", None)
        lacking = [attribute for attribute in needs if not hasattr(module, attribute)]
        if not isinstance(model, type) or not issubclass(model, base) or lacking:
            expected = " and ".join([f"a class Settings({base.__name__})", *needs])
            raise AurlError(f"'{name}' is no part for this key: its file must define {expected}")
        return model.model_validate(raw)
    except AurlError as error:
        raise _located([InitErrorDetails(type=_worded("value_error", str(error)), loc=(name,), input={})]) from None
    except ValidationError as error:
        raise _located(
            [
                InitErrorDetails(type=_worded(e["type"], e["msg"]), loc=(name, *e["loc"]), input=e["input"])
                for e in error.errors()
            ]
        ) from None


def _located(problems: list[InitErrorDetails]) -> ValidationError:
    return ValidationError.from_exception_data("part", problems)


def _worded(kind: str, text: str) -> PydanticCustomError:
    return PydanticCustomError(kind, "{text}", {"text": text})
