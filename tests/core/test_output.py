"""A log that cannot be written drops its lines: it never raises, and never stops the process that writes it."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from core.output import Output

LINE = "x" * 1000 + "\n"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """The descriptors of a pipe; reading does not wait."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    for descriptor in (reader, writer):
        os.close(descriptor)


def dropped(lines: int) -> str:
    return f"{lines} dropped\n"


def test_a_broken_pipe_raises_nothing() -> None:
    """Its reader, supervisord, was killed."""
    reader, writer = os.pipe()
    os.close(reader)
    Output(writer, dropped).write(LINE)
    os.close(writer)


def test_a_full_disk_raises_nothing_and_writing_goes_on_when_there_is_space(pipe: tuple[int, int]) -> None:
    """The first line afterwards says how many are missing."""
    full = os.open("/dev/full", os.O_WRONLY)
    output = Output(full, dropped)
    output.write(LINE)
    output.write(LINE)
    os.dup2(pipe[1], full)
    output.write("next\n")
    os.close(full)
    assert os.read(pipe[0], 100) == b"2 dropped\nnext\n"


def test_a_closed_descriptor_raises_nothing(pipe: tuple[int, int]) -> None:
    descriptor = os.dup(pipe[1])
    os.close(descriptor)
    Output(descriptor, dropped).write(LINE)


def test_a_pipe_that_is_not_read_drops_lines_instead_of_blocking(pipe: tuple[int, int]) -> None:
    """supervisord is frozen: the first line that does not fit waits a moment, the others do not."""
    reader, writer = pipe
    output = Output(writer, dropped)
    began = time.monotonic()
    for _ in range(1000):
        output.write(LINE)
    assert time.monotonic() - began < 1
    kept = os.read(reader, 1 << 20).splitlines()
    output.write("next\n")
    *_, note, last = os.read(reader, 1 << 20).splitlines()
    assert (note, last) == (b"%d dropped" % (1000 - len(kept)), b"next")


def test_a_line_that_was_written_in_part_does_not_run_into_the_next_one(pipe: tuple[int, int]) -> None:
    """A traceback may be longer than what a pipe still takes."""
    reader, writer = pipe
    output = Output(writer, dropped)
    output.write("y" * 200_000 + "\n")
    os.read(reader, 1 << 20)
    output.write("next\n")
    assert os.read(reader, 1 << 20) == b"\n1 dropped\nnext\n"


def test_a_text_that_is_no_unicode_is_written(pipe: tuple[int, int]) -> None:
    """Half a character, as HubSpot may send it."""
    Output(pipe[1]).write("half \ud83d\n")
    assert os.read(pipe[0], 100) == b"half \\ud83d\n"


def test_a_process_that_was_started_with_closed_descriptors_writes_its_log_into_no_other_file() -> None:
    """The first file that it opens would get descriptor 1."""
    program = """
import os, sys, tempfile, structlog
from core import logs
from core.settings import Settings
logs.configure("test", Settings())
with tempfile.TemporaryFile() as file:
    structlog.get_logger().info("run.moved")
    sys.exit(file.tell() or file.fileno() < 3)
"""
    command = ["sh", "-c", 'exec "$0" -c "$1" <&- >&- 2>&-', sys.executable, program]
    assert subprocess.run(command, timeout=20, check=False).returncode == 0
