"""Independent parts of a job run one after the other, whatever becomes of the others."""

from structlog.testing import capture_logs

from core.errors import DatabaseUnavailable
from core.in_turn import in_turn


async def _done() -> int:
    return 1


async def _away() -> int:
    raise DatabaseUnavailable("")


async def _wrong() -> int:
    raise ValueError("two\nlines")


async def test_a_part_that_fails_stops_no_other() -> None:
    """Each failure is logged with its reason, and they are counted."""
    with capture_logs() as events:
        assert await in_turn("job", {"a": _away, "b": _wrong, "c": _done}) == {"c": 1}
    assert [(event["event"], event.get("part"), event.get("failed")) for event in events] == [
        ("part.failed", "a", None),
        ("part.failed", "b", None),
        ("parts.failed", None, 2),
    ]
    assert events[0]["error"] == "DatabaseUnavailable"
