"""Logging: named events with fields, one per line, without secrets."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson
import structlog

from core.error_text import formatted_information
from core.settings import Settings

# HubSpot tokens, bearer headers and passwords in URLs: removed from every field, whatever its name.
_SECRET = re.compile(r"(pat-[A-Za-z0-9-]{6})[A-Za-z0-9-]+|([Bb]earer )[^\s\"']+|(://[^:/@\s]+:)[^@/\s]+(?=@)")


def redact(text: str) -> str:
    """The text without tokens and passwords.

    >>> redact("postgresql://me:secret@host/db")
    'postgresql://me:***@host/db'
    """
    return _SECRET.sub(lambda found: "".join(group or "" for group in found.groups()) + "***", text)


def _redact_event(_: object, __: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: redact(value) if isinstance(value, str) else value for key, value in event.items()}


def configure(process: str, settings: Settings) -> None:
    """Set up structlog and the standard library's logging for this process. Call it once, at the start."""
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(formatted_information),
        _redact_event,
    ]
    structlog.configure(
        processors=[*shared, _renderer(settings)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(sys.stdout),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    _route_standard_logging(level, [*shared], _renderer(settings))


def _renderer(settings: Settings) -> structlog.typing.Processor:
    if settings.log_format == "console":
        return structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    return structlog.processors.JSONRenderer(serializer=lambda event, **_: orjson.dumps(event, default=repr).decode())


def _route_standard_logging(
    level: int, shared: list[structlog.typing.Processor], renderer: structlog.typing.Processor
) -> None:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    # Their lines for each request or tick repeat what our own events report.
    for chatty in ("httpx", "apscheduler", "procrastinate", "uvicorn.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
