"""Runs independent parts of a job one after the other: one that fails stops no other."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import structlog

from core.error_text import line
from core.errors import DatabaseUnavailable

log = structlog.get_logger()

T = TypeVar("T")


async def in_turn(job: str, parts: Mapping[str, Callable[[], Awaitable[T]]]) -> dict[str, T]:
    """The results of the parts that succeeded. Each failure is logged, and how many of the parts have failed."""
    results: dict[str, T] = {}
    for name, part in parts.items():
        try:
            results[name] = await part()
        except DatabaseUnavailable as error:
            log.warning("part.failed", job=job, part=name, error=line(error))
        except Exception:
            # A mistake of ours, which the next part need not have.
            log.exception("part.failed", job=job, part=name)
    if failed := len(parts) - len(results):
        log.error("parts.failed", job=job, failed=failed, parts=len(parts))
    return results
