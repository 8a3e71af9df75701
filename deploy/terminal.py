"""The messages at the terminal while Deal Queue runs and stops."""

import time
from collections import defaultdict
from pathlib import Path

from supervisor import events
from supervisor.process import Subprocess

from core.entry import EXIT_WRONG_SETTING
from core.output import STDOUT, Output

ANNOUNCER = "announce"
# Not mentioned while Deal Queue stops: they are not part of it.
UNREPORTED = ("fatal", ANNOUNCER)
# Changes are reported at most this often, so that a stop of a second takes two lines, not five.
PAUSE_SECONDS = 1.0
REMINDER_SECONDS = 5.0
# A program that refuses to start does so again until something is changed; its sentence is repeated after this time.
REPEAT_SECONDS = 600.0
NO_REASON = f"it exited with status {EXIT_WRONG_SETTING}."
# Enough for the last line of a log.
TAIL_BYTES = 8192


class Terminal:
    """`logs` is the folder that messages refer to; None when the logs appear at the terminal."""

    def __init__(self, logs: str | None) -> None:
        self.logs = logs
        self._unfinished: defaultdict[str, bytes] = defaultdict(bytes)
        self._printed: set[str] = set()
        self._sentences: dict[str, tuple[str, float]] = {}
        self._awaited: list[str] | None = None
        self._printed_at = 0.0
        # The terminal may be gone, or the program that reads our output stopped: supervisord must go on.
        self._output = Output(STDOUT, lambda lines: f"({lines} lines are missing here.)\n")

    def print(self, text: str) -> None:
        self._output.write(f"{text}\n")

    def print_once(self, text: str) -> None:
        if text not in self._printed:
            self._printed.add(text)
            self.print(text)

    def copy_output(self, event: events.ProcessLogEvent) -> None:
        """Whole lines only, so that no line mixes the output of two programs."""
        name = event.process.config.name
        *lines, self._unfinished[name] = (self._unfinished[name] + event.data).split(b"\n")
        for line in lines:
            self.print(("Sign in: " if name == ANNOUNCER else "") + line.decode(errors="replace"))

    def report_exit(self, event: events.ProcessStateExitedEvent) -> None:
        name, status = event.process.config.name, event.process.exitstatus
        if name == ANNOUNCER:
            self._report_announcement(event.expected)
        elif self._awaited is None:
            how = "was killed" if status == -1 else f"exited with status {status}"
            why = self._new_sentence(event.process) if status > 0 else ""
            self.print(f"{name} {how} and is restarted.{why}{self._see(name)}")

    def _report_announcement(self, succeeded: bool) -> None:
        if succeeded:
            self.print(f"Logs: {self.logs}. Ctrl-C stops everything.")
        elif self._awaited is None:
            self.print(
                f"No sign-in link could be created; `.venv/bin/python -m api link` tries again.{self._see(ANNOUNCER)}"
            )

    def report_backoff(self, event: events.ProcessStateBackoffEvent, exit_code: int | None) -> None:
        """supervisord waits one second longer before each start; only the first and every fifth failure is reported.

        So is the sentence with which the program has ended, once.
        """
        name, tries = event.process.config.name, event.process.backoff
        if self._awaited is None and (tries == 1 or tries % 5 == 0):
            how = "exited right after its start" if tries == 1 else f"does not stay up after {tries} starts"
            why = self._new_sentence(event.process) if (exit_code or 0) > 0 else ""
            self.print(f"{name} {how}; it is started again.{why}{self._see(name)}")

    def report_refusal(self, process: Subprocess, retry_seconds: int) -> None:
        """A wrong setting: only the program's own sentence, once, not with each attempt."""
        name = process.config.name
        if self._awaited is None and (sentence := self._new_sentence(process, NO_REASON)):
            self.print(f"{name} does not start:{sentence} It tries again every {retry_seconds} s.{self._see(name)}")

    def _new_sentence(self, process: Subprocess, otherwise: str = "") -> str:
        """The sentence with which the program has ended, after a space; empty if it was printed a short time ago."""
        name, now = process.config.name, time.monotonic()
        sentence = last_sentence(process.config.stdout_logfile) or otherwise
        printed, printed_at = self._sentences.get(name, ("", 0.0))
        if not sentence or (sentence == printed and now - printed_at < REPEAT_SECONDS):
            return ""
        self._sentences[name] = (sentence, now)
        return f" {sentence}"

    def _see(self, name: str) -> str:
        return f" See {self.logs}/{name}.log." if self.logs else ""

    def report_stop(self, unstopped: list[str], seconds: float) -> None:
        """Print which programs still stop: at once, then when that changes, and again when it takes long."""
        awaited = [name for name in unstopped if name not in UNREPORTED]
        now = time.monotonic()
        if not awaited or now - self._printed_at < (PAUSE_SECONDS if awaited != self._awaited else REMINDER_SECONDS):
            return
        names = ", ".join(awaited)
        if self._awaited is None:
            self.print(f"\nStopping: waiting for {names}. Ctrl-C again kills them.")
        else:
            self.print(f"Stopping: still waiting for {names} ({seconds:.0f} s).")
        self._awaited, self._printed_at = awaited, now


def last_sentence(log_file: str | None) -> str:
    """What a program wrote last, if it is no event of its log: the sentence with which it ended; otherwise nothing."""
    try:
        with Path(log_file or "").open("rb") as file:
            file.seek(max(file.seek(0, 2) - TAIL_BYTES, 0))
            lines = file.read().decode(errors="replace").strip().splitlines()
    except OSError:
        return ""
    # An event begins with a brace (LOG_FORMAT=json) or with its time.
    return lines[-1] if lines and lines[-1][0] not in "{0123456789" else ""
