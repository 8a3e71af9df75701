"""From the rules file to a Rulebook; a mistake is one sentence with the file, the key, and what is allowed there."""

import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from core.errors import ConfigurationError
from pipeline.rulebook.tables import Rulebook

SHIPPED = Path(__file__).with_name("rules.toml")

# In TOML's words; pydantic says what Python would make of it.
_KINDS = {"dict_type": "a table", "model_type": "a table", "list_type": "a list", "frozen_set_type": "a list"}


@lru_cache(maxsize=1)
def shipped_rulebook() -> Rulebook:
    return load_rulebook(None)


def load_rulebook(path: Path | None) -> Rulebook:
    """The shipped rules with those of the file laid over them, table by table; a list replaces a list.

    ConfigurationError names every mistake.
    """
    shipped = _parsed(SHIPPED)
    given = {} if path is None else _parsed(path)
    try:
        return Rulebook.model_validate(_laid_over(shipped, given))
    except ValidationError as error:
        mistakes = "; ".join(_sentence(details) for details in error.errors(include_url=False))
        raise ConfigurationError(f"RULES_FILE {path or SHIPPED}: {mistakes}") from None


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(f"RULES_FILE {path} cannot be read: {error.strerror}.") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"RULES_FILE {path} is not TOML: {error}.") from None


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        under = below.get(key)
        merged[key] = _laid_over(under, value) if isinstance(under, dict) and isinstance(value, dict) else value
    return merged


def _sentence(details: ErrorDetails) -> str:
    # pydantic's own word for a wrong key of a table.
    place = [str(part) for part in details["loc"] if part != "[key]"]
    kind = _KINDS.get(details["type"])
    reason = f"Input should be {kind}" if kind else details["msg"].removeprefix("Value error, ")
    if details["type"] == "extra_forbidden":
        reason = f"there is no such key; {_allowed(place[:-1])}"
    return f"{'.'.join(place) or 'the file'}: {reason}."


def _allowed(place: list[str]) -> str:
    table: type[BaseModel] = Rulebook
    for part in place:
        annotation = table.model_fields[part].annotation
        assert isinstance(annotation, type), part  # noqa: S101 - only a Table can refuse a key
        table = annotation
    return f"allowed are {', '.join(table.model_fields)}"
