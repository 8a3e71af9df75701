"""A primary and its standby, which change places; both are reached by one address, which is moved later."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from deploy.folders import own_folder
from deploy.postgres import SUPERUSER, Cluster
from tests.crash.postgres_server import PostgresServer, open_postgres_server
from tests.folders import open_folder


class ServerPair:
    def __init__(self, first: PostgresServer, second: PostgresServer) -> None:
        self.first, self.second = first, second

    def switch(self) -> None:
        """An orderly switchover: the standby has every commit when it is promoted, and the primary follows it."""
        self.first.stop_fast()
        with psycopg.connect(self.second.cluster.url("postgres"), autocommit=True) as connection:
            connection.execute("SELECT pg_promote()")
        data = self.first.cluster.data_dir
        (data / "standby.signal").touch()
        with (data / "postgresql.auto.conf").open("a") as configuration:
            place = f"host={self.second.cluster.socket_dir} user={SUPERUSER}"
            configuration.write(f"primary_conninfo = '{place}'\n")
        self.first.start()


def _copy(primary: Cluster, folder: Path) -> None:
    """The data of a standby, in `folder`."""
    standby = Cluster.at(folder / "data")
    account = standby.account
    own_folder(standby.data_dir, uid=account.uid, gid=account.gid, mode=0o700)
    command = [str(standby.placement.bin_dir / "pg_basebackup"), "-D", str(standby.data_dir), "-R", "--no-sync",
               "-h", str(primary.socket_dir), "-U", SUPERUSER, "--checkpoint=fast"]  # fmt: skip
    subprocess.run(command, cwd="/", check=True, **account.popen_options())


@contextmanager
def open_server_pair(database: str) -> Iterator[ServerPair]:
    """With an empty database of this name."""
    with open_postgres_server() as first, open_folder() as folder:
        first.cluster.create_database(database)
        _copy(first.cluster, folder)
        second = PostgresServer(folder)
        try:
            second.start()
            yield ServerPair(first, second)
        finally:
            second.stop_fast()
