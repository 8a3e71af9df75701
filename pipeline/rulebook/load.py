"""Loads the rules file. Each mistake in it is reported as one sentence: the file, the key and what is allowed there."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.errors import ConfigurationError
from core.text_files import read_text
from pipeline.rulebook.tables import Rulebook

SHIPPED = Path(__file__).with_name("rules.toml")

# TOML's names for the types that pydantic calls by their Python names.
_TOML_TYPES = {"dict_type": "a table", "model_type": "a table", "list_type": "a list", "frozen_set_type": "a list"}


@lru_cache(maxsize=1)
def shipped_rulebook() -> Rulebook:
    return load_rulebook(None)


def load_rulebook(path: Path | None) -> Rulebook:
    """The shipped rules, overridden table by table by those of the file; a list replaces the whole list.

    ConfigurationError names every mistake.
    """
    shipped = _parsed(SHIPPED)
    overrides = {} if path is None else _parsed(path)
    try:
        return Rulebook.model_validate(_merged(shipped, overrides))
    except ValidationError as error:
        mistakes = "; ".join(_sentence(details) for details in error.errors(include_url=False))
        raise ConfigurationError(f"RULES_FILE {path or SHIPPED}: {mistakes}") from None


def _parsed(path: Path) -> dict[str, Any]:
    text = read_text(path, f"RULES_FILE {path}")
    if text is None:
        raise ConfigurationError(f"RULES_FILE {path} cannot be read: No such file or directory.")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"RULES_FILE {path} is not TOML: {error}.") from None
    except RecursionError:
        raise ConfigurationError(f"RULES_FILE {path} is not TOML: its values are nested too deeply.") from None


def _merged(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in overrides.items():
        default = base.get(key)
        merged[key] = _merged(default, value) if isinstance(default, dict) and isinstance(value, dict) else value
    return merged


def _sentence(details: ErrorDetails) -> str:
    # pydantic marks an invalid key of a table with this extra part.
    place = [str(part) for part in details["loc"] if part != "[key]"]
    expected = _TOML_TYPES.get(details["type"])
    reason = f"Input should be {expected}" if expected else details["msg"].removeprefix("Value error, ")
    if details["type"] == "extra_forbidden":
        reason = f"there is no such key; {_allowed(place[:-1])}"
    return f"{'.'.join(place) or 'the file'}: {reason}."


def _allowed(place: list[str]) -> str:
    table: type[BaseModel] = Rulebook
    for part in place:
        annotation = table.model_fields[part].annotation
        assert isinstance(annotation, type), part  # noqa: S101 - only a Table refuses keys
        table = annotation
    return f"allowed are {', '.join(table.model_fields)}"
