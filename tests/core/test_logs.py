"""Log lines are named events, one per line, without secrets."""

import subprocess
import sys

import orjson
import pytest

from core import logs


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("postgresql://me:secret@host/db", "postgresql://me:***@host/db"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer ***"),
        ("token pat-na1-11111111-2222-canary", "token pat-na1-11***"),
        ("nothing to hide", "nothing to hide"),
    ],
)
def test_what_looks_like_a_secret_is_redacted(text: str, safe: str) -> None:
    """Whatever the name of the field."""
    assert logs.redact(text) == safe


PROGRAM = """
import logging, structlog
from core import logs
from core.settings import Settings
logs.configure("test", Settings(log_format="json"))
try:
    int("Bearer canary")
except ValueError:
    structlog.get_logger().exception("sync.failed", url="postgresql://me:canary@host/db")
logging.getLogger("somebody").warning("Bearer canary %s", "x")
"""


def test_an_event_is_one_line_of_json() -> None:
    """With the process's name, the level and the time; a traceback is redacted too and does not break the line."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=20, check=True)
    first, second = (orjson.loads(line) for line in done.stdout.splitlines())
    assert (first["event"], first["process"], first["level"]) == ("sync.failed", "test", "error")
    assert "ValueError" in first["exception"]
    assert second["level"] == "warning"
    assert "canary" not in done.stdout


ODD = """
import logging, structlog
from core import logs
from core.settings import Settings
class Unprintable:
    def __repr__(self): raise RuntimeError("no")
logs.configure("test", Settings())
for value in ("\\ud83d", 2**70, {(1, 2): object()}, float("nan"), Unprintable()):
    structlog.get_logger().info("odd.value", value=value)
    logging.getLogger("library").warning("odd %s", value)
    logging.getLogger("library").warning("odd %d %s", value)
"""


def test_a_value_that_cannot_be_written_is_no_error_of_the_caller() -> None:
    """Half a character, a number of more than 64 bits, an object without a text, wrong arguments: a line says so."""
    done = subprocess.run([sys.executable, "-c", ODD], capture_output=True, timeout=20, check=True)
    assert done.stderr == b""
    events = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert len(events) == 15
    assert events[0]["value"] == "\\ud83d"
    assert [event.get("of", event["event"]) for event in events[::3]] == ["odd.value"] * 5
    assert events[-3]["event"] == "log.not_written"
