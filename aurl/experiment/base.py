"""The base class of all settings, and how the settings of a part are checked by the part's own file."""

import re
from collections.abc import Iterable
from types import ModuleType
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError

from aurl.experiment.wording import plain_words
from aurl.system import plugins
from aurl.system.errors import AurlError

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
Positive = Annotated[int, Field(ge=1)]


class Settings(BaseModel):
    """Refuse unknown keys, NaN and infinity; values never change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @classmethod
    def __pydantic_init_subclass__(cls, **_: Any) -> None:
        """Describe fields by the section `Attributes` of the docstring, where they do not describe themselves."""
        described: dict[str, str] = {}
        for ancestor in reversed(cls.__mro__):
            described |= attributes_of(ancestor.__doc__ or "")
        silent = [name for name in described if name in cls.model_fields and cls.model_fields[name].description is None]
        for name in silent:
            cls.model_fields[name].description = described[name]
        if silent:
            cls.model_rebuild(force=True)


def attributes_of(docstring: str) -> dict[str, str]:
    """Read the section `Attributes` of a docstring: name -> text. A line may hold several, `k: text. beta: text.`"""
    section = docstring.partition("Attributes:\n")[2]
    text = " ".join(line.strip() for line in section.splitlines())
    parts = re.split(r"(?:^|(?<=\. )|(?<=; ))([a-z_]+): ", text)
    return {name: words.strip().rstrip(".") for name, words in zip(parts[1::2], parts[2::2], strict=True)}


class NoSettings(Settings):
    """The settings of a part that has none."""


class PartSettings(Settings):
    """Base of a part's settings. `name` is a file of the part's folder, or a module from outside (`package.module`)."""

    name: Annotated[str, Field(description="the file of the part, or the dotted name of a module of your own")]


def named_part_reader(folder: str, base: type[Settings], needs: Iterable[str], key: str = "name") -> Any:
    """Make what checks a key that holds one part of a folder: its `name` decides which settings it has.

    Args:
        folder, base, needs: as in `read_part`.
        key: the key of the settings that names the part.
    """

    def read(raw: Any) -> Any:
        if isinstance(raw, base):
            return raw
        if not isinstance(raw, dict):
            return PartSettings.model_validate(raw)  # refuses it
        if not isinstance(raw.get(key), str):
            raise _unnamed(folder, raw, key)
        try:
            return _settings_class(folder, raw[key], base, needs).model_validate(raw)
        except AurlError as error:
            raise ValueError(str(error)) from None

    return BeforeValidator(read)


def read_part(
    folder: str, name: str, raw: Any, base: type[Settings], needs: Iterable[str] = (), bare: str | None = None
) -> Any:
    """Check the settings of one part by the class `Settings` in its file.

    Args:
        folder, name: the part, as in `plugins.load`.
        base: the class that the part's `Settings` must extend.
        needs: names of attributes that the part's file must have besides.
        bare: the attribute of a part without settings, in the place of `Settings` and `needs`.
    Raises:
        ValidationError: the settings are not allowed, or there is no such part. Locations begin with `name`.
    """
    try:
        return _settings_class(folder, name, base, needs, bare).model_validate(raw)
    except AurlError as error:
        raise _located([InitErrorDetails(type=_worded("value_error", str(error)), loc=(name,), input={})]) from None
    except ValidationError as error:
        raise _located(
            [
                InitErrorDetails(type=_worded(e["type"], plain_words(e)), loc=(name, *e["loc"]), input=e["input"])
                for e in error.errors()
            ]
        ) from None


def parts_reader(
    folder: str,
    base: type[Settings],
    needs: Iterable[str] = (),
    short: str | None = None,
    bare: str | None = None,
) -> Any:
    """Make what checks a mapping of parts to their settings (`losses`, `evaluation.protocols`).

    Args:
        folder, base, needs, bare: as in `read_part`.
        short: the key that a bare value stands for.
    """

    def read(raw: Any) -> Any:
        return (
            {name: read_part(folder, str(name), settings(value), base, needs, bare) for name, value in raw.items()}
            if (isinstance(raw, dict))
            else raw
        )

    def settings(value: Any) -> Any:
        if short and not isinstance(value, (dict, base)):
            return {short: value}
        return {} if value is None else value

    return BeforeValidator(read)


def part_name_check(folder: str, needs: Iterable[str]) -> Any:
    """Make what checks a key that holds only the name of a part, which has no settings.

    Args:
        folder, needs: as in `read_part`.
    """

    def check(name: str) -> str:
        try:
            _load_part(folder, name, needs)
        except AurlError as error:
            raise ValueError(str(error)) from None
        return name

    return AfterValidator(check)


def parts_schema(
    folder: str, form: Literal["mapping", "named", "name"], short: str | None = None, key: str = "name"
) -> dict[str, Any]:
    """Return what the JSON schema says of a key that names parts; the parameters page and messages use it.

    Args:
        form: a `mapping` of parts to their settings, one part with its settings beside its `name` (`named`), or a bare
            `name`.
        short: the key that a bare value stands for, in a mapping.
        key: the key that names a part which stands beside its settings.
    """
    return {"parts": folder, "form": form, "short": short, "key": key}


def settings_class(module: ModuleType) -> type[Settings]:
    """Return the class `Settings` of a part, or `NoSettings`."""
    model: type[Settings] = getattr(module, "Settings", NoSettings)
    return model


def _settings_class(
    folder: str, name: str, base: type[Settings], needs: Iterable[str], bare: str | None = None
) -> type[Settings]:
    """Return the class of a part's settings. Raises: AurlError for another module than the folder's kind."""
    if bare is not None and hasattr(module := plugins.load(folder, name), bare):
        return settings_class(module)
    return settings_class(_load_part(folder, name, needs, base))


def _load_part(folder: str, name: str, needs: Iterable[str], base: type[Settings] | None = None) -> ModuleType:
    """Import a part and check what its file defines. Raises: AurlError."""
    module = plugins.load(folder, name)
    model = getattr(module, "Settings", None)
    fits = base is None or (isinstance(model, type) and issubclass(model, base))
    if fits and all(hasattr(module, each) for each in needs):
        return module
    expected = " and ".join([*([f"a class Settings({base.__name__})"] if base else []), *needs])
    raise AurlError(f"'{name}' is no part for this key: its file must define {expected}")


def _unnamed(folder: str, raw: dict[str, Any], key: str) -> ValidationError:
    """Return the error of a part whose name, at `key`, is missing or no string."""
    text = f"must name one of {', '.join(plugins.names(folder))}, or a module from outside"
    kind = _worded("string_type", f"Input should be a valid string: it {text}")
    if key not in raw:
        kind = _worded("missing", f"it {text}")
    return _located([InitErrorDetails(type=kind, loc=(key,), input=raw.get(key))])


def _located(problems: list[InitErrorDetails]) -> ValidationError:
    return ValidationError.from_exception_data("part", problems)


def _worded(kind: str, text: str) -> PydanticCustomError:
    return PydanticCustomError(kind, "{text}", {"text": text})
