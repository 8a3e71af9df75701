"""pgbouncer between a test and its server."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.postgres import SUPERUSER, Cluster
from tests.folders import open_folder
from tests.installation import free_port, until

PROGRAM = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin:/usr/local/sbin")
# Its defaults, but for the size of the pool: it refuses all startup parameters but five.
CONFIGURATION = """
[databases]
* = host={socket} port=5432 user={user}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
server_round_robin = {round_robin}
logfile = {folder}/pgbouncer.log
"""


@contextmanager
def pooler(cluster: Cluster, mode: str, *, size: int = 20, round_robin: bool = False) -> Iterator[str]:
    """The beginning of the URLs of its databases."""
    if PROGRAM is None:
        pytest.skip("pgbouncer is not installed (Debian: apt-get install pgbouncer)")
    with open_folder() as folder:
        shutil.chown(folder, cluster.account.uid, cluster.account.gid)
        port = free_port()
        file = folder / "pgbouncer.ini"
        text = CONFIGURATION.format(
            socket=cluster.socket_dir, user=SUPERUSER, port=port, mode=mode, size=size, folder=folder,
            round_robin=int(round_robin),
        )  # fmt: skip
        file.write_text(text)
        process = subprocess.Popen(
            [PROGRAM, "-q", str(file)], cwd="/", stderr=subprocess.DEVNULL, **cluster.account.popen_options()
        )
        try:
            until(lambda: _is_up(folder / "pgbouncer.log"), seconds=10, what="pgbouncer")
            yield f"postgresql://{SUPERUSER}@127.0.0.1:{port}/"
        finally:
            process.kill()
            process.wait()


def _is_up(log: Path) -> bool:
    return log.exists() and "process up" in log.read_text()
