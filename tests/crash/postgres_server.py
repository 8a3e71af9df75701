"""A PostgreSQL server for one test, which may be stopped, crashed and restarted: what was committed stays committed."""

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.postgres import Cluster
from tests.folders import open_folder


class _ClusterWithoutFsync(Cluster):
    """A commit is passed to the operating system at once, which is enough when only PostgreSQL crashes."""

    def command(self) -> list[str]:
        return [*super().command(), "-c", "fsync=off"]


class PostgresServer:
    def __init__(self, folder: Path) -> None:
        self._log = folder / "postgres.log"
        # `fast` for initdb only: it sets `synchronous_commit = off`, and a crash would lose commits.
        draft = Cluster.at(folder / "data", fast=True)
        draft.initdb()
        self.cluster = _ClusterWithoutFsync.at(folder / "data")

    def start(self) -> None:
        self.cluster.start(self._log)

    def stop_fast(self) -> None:
        """An orderly shutdown that disconnects the clients."""
        self.cluster.stop()

    def stop_immediate(self) -> None:
        """Like a crash: no checkpoint, and recovery at the next start."""
        process = self.cluster._process
        assert process is not None
        process.send_signal(signal.SIGQUIT)
        process.wait(30)
        self.cluster._process = None


@contextmanager
def open_postgres_server() -> Iterator[PostgresServer]:
    with open_folder() as folder:
        server = PostgresServer(folder)
        try:
            server.start()
            yield server
        finally:
            server.stop_fast()
            for leftover in (server.cluster.socket_dir, server.cluster.placement.shelter):
                if leftover is not None:
                    shutil.rmtree(leftover, ignore_errors=True)
