"""What the person at the terminal reads while Deal Queue runs and stops."""

import sys
import time
from collections import defaultdict
from contextlib import suppress

from supervisor import events

ANNOUNCER = "announce"
# Not parts of Deal Queue that anybody would wait for.
UNSPOKEN = ("fatal", ANNOUNCER)
# A stop of a second needs two lines, not five.
PAUSE_SECONDS = 1.0
REMINDER_SECONDS = 5.0


class Terminal:
    """`logs` is the folder that a reader is sent to; None when the logs come out here."""

    def __init__(self, logs: str | None) -> None:
        self.logs = logs
        self._unfinished: defaultdict[str, bytes] = defaultdict(bytes)
        self._said: set[str] = set()
        self._awaited: list[str] | None = None
        self._said_at = 0.0

    def say(self, text: str) -> None:
        with suppress(OSError):  # the terminal may be gone
            sys.stdout.write(f"{text}\n")
            sys.stdout.flush()

    def say_once(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            self.say(text)

    def copy_output(self, event: events.ProcessLogEvent) -> None:
        """Whole lines only, so that two programs never share one."""
        name = event.process.config.name
        *lines, self._unfinished[name] = (self._unfinished[name] + event.data).split(b"\n")
        for line in lines:
            self.say(("Sign in: " if name == ANNOUNCER else "") + line.decode(errors="replace"))

    def report_exit(self, event: events.ProcessStateExitedEvent) -> None:
        name, status = event.process.config.name, event.process.exitstatus
        if name == ANNOUNCER:
            self._report_announcement(event.expected)
        elif self._awaited is None:
            how = "was killed" if status == -1 else f"ended with status {status}"
            self.say(f"{name} {how} and is started again.{self._see(name)}")

    def _report_announcement(self, succeeded: bool) -> None:
        if succeeded:
            self.say(f"Logs: {self.logs}. Ctrl-C stops everything.")
        elif self._awaited is None:
            self.say(
                f"No sign-in link could be made; `.venv/bin/python -m api link` tries again.{self._see(ANNOUNCER)}"
            )

    def report_backoff(self, event: events.ProcessStateBackoffEvent) -> None:
        """supervisord waits one second longer each time; so do the words."""
        name, tries = event.process.config.name, event.process.backoff
        if self._awaited is None and (tries == 1 or tries % 5 == 0):
            how = "ended right after its start" if tries == 1 else f"does not stay up after {tries} starts"
            self.say(f"{name} {how}; it is tried again.{self._see(name)}")

    def _see(self, name: str) -> str:
        return f" See {self.logs}/{name}.log." if self.logs else ""

    def report_stop(self, unstopped: list[str], seconds: float) -> None:
        """Say who is waited for: at once, then when it changes, and again when it takes long."""
        awaited = [name for name in unstopped if name not in UNSPOKEN]
        now = time.monotonic()
        if not awaited or now - self._said_at < (PAUSE_SECONDS if awaited != self._awaited else REMINDER_SECONDS):
            return
        names = ", ".join(awaited)
        if self._awaited is None:
            self.say(f"\nStopping: waiting for {names}. Ctrl-C again ends them at once.")
        else:
            self.say(f"Stopping: still waiting for {names} ({seconds:.0f} s).")
        self._awaited, self._said_at = awaited, now
