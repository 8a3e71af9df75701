"""Logging: named events with fields, one per line, without secrets."""

import json
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, Processor

from core.error_text import formatted_information
from core.output import STDOUT, Output, keep_standard_descriptors
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
    """Set up structlog and the standard library's logging for this process. Call it once, at the start.

    No log call raises or blocks, whatever it is given and whatever becomes of standard output.
    """
    keep_standard_descriptors()
    level = logging.getLevelNamesMapping()[settings.log_level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.ExceptionRenderer(formatted_information),
        _redact_event,
    ]
    render = _renderer(settings)
    output = Output(STDOUT, lambda lines: f"{_safely([*shared, render], 'warning', _dropped(process, lines))}\n")
    structlog.configure(
        # One processor: structlog would pass on an error of any of them to the caller.
        processors=[lambda _, method, event: _safely([*shared, render], method, event)],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(output),  # type: ignore[arg-type]  # it needs write and flush only
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=process)
    _route_standard_logging(level, shared, render, output)


def _dropped(process: str, lines: int) -> EventDict:
    return {"event": "log.lines_dropped", "lines": lines, "process": process}


def _safely(processors: list[Processor], method: str, event: EventDict) -> str:
    """The line of the event; of one that cannot be written, the line that says so."""
    name = event.get("event")
    try:
        rendered: Any = event
        for process in processors:
            rendered = process(None, method, rendered)
    except Exception as error:  # noqa: BLE001 - a log call must not fail the work that it reports
        return json.dumps({"event": "log.not_written", "of": name, "level": method, "error": type(error).__name__},
                          default=lambda value: type(value).__name__)  # fmt: skip
    return str(rendered)


def _renderer(settings: Settings) -> Processor:
    if settings.log_format == "console":
        return structlog.dev.ConsoleRenderer(colors=sys.stdout is not None and sys.stdout.isatty())
    return structlog.processors.JSONRenderer(serializer=lambda event, **_: _json(event))


def _json(event: Mapping[str, Any]) -> str:
    try:
        return orjson.dumps(event, default=repr).decode()
    except orjson.JSONEncodeError:  # half a character, a number of more than 64 bits, a key that is no text
        return json.dumps({key: _plain(value) for key, value in event.items()})


def _plain(value: object) -> object:
    text = value if isinstance(value, str) else repr(value)
    return value if isinstance(value, int | None) else text.encode(errors="backslashreplace").decode()


class _Handler(logging.StreamHandler[Output]):
    """The standard library's own prints a traceback to standard error when a record cannot be formatted."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        line = {"event": "log.not_written", "of": str(record.msg), "logger": record.name}
        self.stream.write(f"{json.dumps(line)}\n")


def _route_standard_logging(level: int, shared: list[Processor], render: Processor, output: Output) -> None:
    handler = _Handler(output)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(level, logging.INFO), force=True)
    # Their lines for each request or tick repeat what our own events report.
    for chatty in ("httpx", "apscheduler", "procrastinate", "uvicorn.access", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
