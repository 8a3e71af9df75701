"""The values that properties have had. One that cannot be read is left out; it must not make its record unreadable."""

from typing import Annotated

from pydantic import BeforeValidator, Field

from crm.responses import ResponseModel, Text


def _text_or_none(value: object) -> object:
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _only_versions(history: object) -> object:
    listed = history.items() if isinstance(history, dict) else ()
    return {
        name: [version for version in versions if isinstance(version, dict)] if isinstance(versions, list) else []
        for name, versions in listed
    }


class Version(ResponseModel):
    """A value that a property has had since `timestamp`; None for what is not text."""

    value: Annotated[Text | None, BeforeValidator(_text_or_none)] = None
    timestamp: Annotated[Text | None, BeforeValidator(_text_or_none)] = None


class History(ResponseModel):
    """Of the properties whose history was requested; newest first. What is no version is left out."""

    properties_with_history: Annotated[dict[str, list[Version]], BeforeValidator(_only_versions)] = Field(
        default_factory=dict
    )
