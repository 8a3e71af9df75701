"""A PostgreSQL of a test's own that may be stopped, crashed and started again: what was committed stays committed."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.postgres import Cluster
from tests.folders import open_folder


class _Forgetless(Cluster):
    """Commits are in the operating system's hands at once, which is enough when only PostgreSQL crashes."""

    def command(self) -> list[str]:
        return [*super().command(), "-c", "fsync=off"]


class Server:
    def __init__(self, folder: Path) -> None:
        self._log = folder / "postgres.log"
        # Not `fast` when it serves: `synchronous_commit = off` forgets commits in a crash.
        draft = Cluster.at(folder / "data", fast=True)
        draft.initdb()
        self.cluster = _Forgetless.at(folder / "data")

    def start(self) -> None:
        self.cluster.start(self._log)

    def stop_fast(self) -> None:
        """Clients are cut off in good order."""
        self.cluster.stop()

    def stop_immediate(self) -> None:
        """As a crash: no checkpoint, recovery at the next start."""
        process = self.cluster._process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
        self.cluster._process = None


@contextmanager
def open_server() -> Iterator[Server]:
    with open_folder() as folder:
        server = Server(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop_fast()
            for leftover in (server.cluster.socket_dir, server.cluster.placement.shelter):
                if leftover is not None:
                    shutil.rmtree(leftover, ignore_errors=True)
