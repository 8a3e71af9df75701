"""Runs supervisord in this process and reports at the terminal: unexpected exits, and the programs that still stop.

`python -m deploy.supervise` takes supervisord's own arguments. Ctrl-C, SIGTERM or SIGHUP stop everything in order;
a second Ctrl-C, or 39 seconds, kill the remaining programs.
"""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import FrameType

from supervisor import events
from supervisor.medusa import asyncore_25 as asyncore
from supervisor.options import EventListenerConfig, ServerOptions, SignalReceiver
from supervisor.process import ProcessGroupBase, Subprocess
from supervisor.states import ProcessStates, SupervisorStates
from supervisor.supervisord import Supervisor

from core.entry import EXIT_WRONG_SETTING
from deploy.orphans import SUPERVISOR, ParentSignal
from deploy.processes import kill_descendants
from deploy.terminal import Terminal
from deploy.wakeup import wake_on_signals

# Everything must have stopped within 40 s of the first Ctrl-C; the programs' stopwaitsecs add up to less.
STOP_SECONDS = 39
# One Ctrl-C may arrive twice (`timeout` signals a process and its group); two key presses are slower than this.
SAME_PRESS_SECONDS = 0.3
# A program with a wrong setting is started again after this time, not after one second, then two, and so on.
REFUSAL_SECONDS = 60
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT)
EXIT_AFTER_KILL = 130
EXIT_AFTER_FATAL = 1


class Signals(SignalReceiver):  # type: ignore[misc]  # supervisor has no type hints
    """Supervisor's own receiver, which also detects a second Ctrl-C."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_requested_at: float | None = None
        self.kill_requested = False

    def receive(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGHUP:  # the terminal was closed; supervisord would start everything again
            sig = signal.SIGTERM
        if sig in STOP_SIGNALS:
            self._note_stop(sig)
        super().receive(sig, frame)

    def _note_stop(self, sig: int) -> None:
        now = time.monotonic()
        if self.stop_requested_at is None:
            self.stop_requested_at = now
        elif sig == signal.SIGINT and now - self.stop_requested_at > SAME_PRESS_SECONDS:
            self.kill_requested = True


class Options(ServerOptions):  # type: ignore[misc]  # supervisor has no type hints
    def __init__(self) -> None:
        super().__init__()
        self.signal_receiver = Signals()
        self._parent_signal = ParentSignal()
        # Of the program about which an event is being sent.
        self.last_exit: int | None = None

    def setsignals(self) -> None:
        super().setsignals()
        wake_on_signals(asyncore.socket_map)
        # deploy.run blocked them, so that a Ctrl-C during the exec is not lost.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def waitpid(self) -> tuple[int | None, int | None]:
        """supervisord forgets the exit status of a program that ended right after its start."""
        pid, status = super().waitpid()
        self.last_exit = os.waitstatus_to_exitcode(status) if pid else None
        return pid, status

    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> None:
        """In the child. Here rather than in the programs: it holds from their first instruction on."""
        self._parent_signal.request(env["SUPERVISOR_PROCESS_NAME"])
        super().execve(filename, argv, env | {SUPERVISOR: str(self._parent_signal.parent)})

    def send_logs_to_stdout(self) -> None:
        """The programs' output arrives as events: /dev/fd/1 would have to be opened again, which fails after su."""
        for program in [program for group in self.process_group_configs for program in group.process_configs]:
            program.stderr_logfile = None
            program.stderr_events_enabled = True
            if not isinstance(program, EventListenerConfig):
                program.stdout_logfile = None
                program.stdout_events_enabled = True


class Supervision(Supervisor):  # type: ignore[misc]  # supervisor has no type hints
    def __init__(self, options: Options, terminal: Terminal) -> None:
        super().__init__(options)
        self.signals: Signals = options.signal_receiver
        self.terminal = terminal
        self.exit_code = 0
        self.stopping_since: float | None = None

    def runforever(self) -> None:
        events.subscribe(events.ProcessLogEvent, self.terminal.copy_output)
        events.subscribe(events.ProcessStateExitedEvent, self._note_exit)
        events.subscribe(events.ProcessStateBackoffEvent, self._note_backoff)
        events.subscribe(events.ProcessStateFatalEvent, self._note_fatal)
        super().runforever()

    def _note_exit(self, event: events.ProcessStateExitedEvent) -> None:
        if self._refuses(event.process):
            event.process.state = ProcessStates.BACKOFF  # supervisord would start it again at once
            self._delay(event.process)
        else:
            self.terminal.report_exit(event)

    def _note_backoff(self, event: events.ProcessStateBackoffEvent) -> None:
        if self._refuses(event.process):
            self._delay(event.process)
        else:
            if event.process.backoff > REFUSAL_SECONDS:  # it gets further than before: count its failures anew
                event.process.backoff, event.process.delay = 1, time.time() + 1
            self.terminal.report_backoff(event, self.options.last_exit)

    def _refuses(self, process: Subprocess) -> bool:
        return process.config.autorestart is not False and self.options.last_exit == EXIT_WRONG_SETTING

    def _delay(self, process: Subprocess) -> None:
        """It can start only when the settings, or something in HubSpot, have been changed."""
        # Both: supervisord takes a start that is further away than `backoff` seconds for a change of the clock.
        process.backoff, process.delay = REFUSAL_SECONDS, time.time() + REFUSAL_SECONDS
        self.terminal.report_refusal(process, REFUSAL_SECONDS)

    def _note_fatal(self, _: events.Event) -> None:
        if not self.stopping:
            self.exit_code = EXIT_AFTER_FATAL

    def ordered_stop_groups_phase_1(self) -> None:
        """Skip the groups that have nothing to stop: each would take a pass of the loop, up to a second."""
        while self.stop_groups and not self._running(self.stop_groups[-1]):
            self.stop_groups.pop()
        super().ordered_stop_groups_phase_1()

    def _running(self, group: ProcessGroupBase) -> list[Subprocess]:
        for process in group.get_unstopped_processes():
            if process.get_state() == ProcessStates.BACKOFF:
                process.stop()  # stop_all would mark it FATAL, although it only waits for its next start
        running: list[Subprocess] = group.get_unstopped_processes()
        return running

    def shutdown_report(self) -> list[Subprocess]:
        unstopped: list[Subprocess] = super().shutdown_report()
        now = time.monotonic()
        self.stopping_since = self.stopping_since or now
        self.terminal.report_stop([process.config.name for process in reversed(unstopped)], now - self.stopping_since)
        if unstopped and (self.signals.kill_requested or now - self.stopping_since > STOP_SECONDS):
            self._kill_everything()
        return unstopped

    def _kill_everything(self) -> None:
        """Not only the programs' process groups: PostgreSQL's processes have groups of their own."""
        self.exit_code = EXIT_AFTER_KILL
        self.terminal.print_once("Killing everything at once.")
        kill_descendants(os.getpid())


def _remove_if_empty(folders: str) -> None:
    """The folders of the sockets, which their servers have removed; the next start creates the folders again."""
    for folder in folders.split(os.pathsep):
        with suppress(OSError):
            Path(folder).rmdir()


def main() -> int:
    options = Options()
    options.realize()
    options.first, options.test = True, False
    to_stdout = os.environ.get("LOG_TO") == "stdout"
    if to_stdout:
        options.send_logs_to_stdout()
    supervision = Supervision(options, Terminal(None if to_stdout else os.environ.get("DEAL_QUEUE_LOGS_SHOWN")))
    with suppress(asyncore.ExitNow):
        supervision.main()
    options.close_httpservers()
    options.close_logger()
    if options.mood == SupervisorStates.RESTARTING:  # supervisorctl reload: read the configuration again
        os.execv(sys.executable, [sys.executable, "-m", "deploy.supervise", *sys.argv[1:]])  # noqa: S606
    _remove_if_empty(os.environ.get("DEAL_QUEUE_SOCKETS", ""))
    supervision.terminal.print("Stopped.")
    return supervision.exit_code


if __name__ == "__main__":
    sys.exit(main())
