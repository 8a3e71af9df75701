"""`make run`: everything that precedes supervisord; then this process becomes supervisord.

Exit codes: 2 for a wrong setting, 1 for a problem of the machine; both before anything is changed, if possible.
"""

import os
import secrets
import signal
import sys
from pathlib import Path
from typing import NoReturn

from core.entry import configuration_errors
from core.errors import ConfigurationError
from core.identity import INSTANCE_VARIABLE
from core.settings import ADMIN_TOKEN_FILE, DATABASE_URL_FILE, HUBSPOT_API, SANDBOX_URL_FILE, Settings
from core.text_files import read_text
from deploy import database, environment
from deploy.errors import StartError
from deploy.folders import own_folder, short_hash, write_private
from deploy.instance import check_port, free_port, hold_folder, hold_lock, instance_id, refuse_second
from deploy.orphans import end_programs
from deploy.placement import SOCKETS
from deploy.postgres import Cluster
from deploy.progress import Progress
from deploy.supervise import STOP_SIGNALS

CONFIGURATION = Path(__file__).with_name("supervisord.conf")


def main() -> int:
    for kind in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: the cluster that was just started is stopped
        signal.signal(kind, signal.default_int_handler)
    try:
        settings = Settings.load()
        _check_settings(settings)
        data_dir = settings.data_dir.absolute()
        _check_machine(settings, data_dir)
        if settings.database_url is None:
            environment.forget_postgresql_variables()
        _exec_supervisor(_prepare(settings, data_dir))
    except StartError as error:
        return _complain(error, 1)
    except OSError as error:  # a full disk, a file of another user's
        return _complain(f"Deal Queue could not start: {error}", 1)
    except KeyboardInterrupt:
        return _complain("Stopped before it was ready; nothing is left running.", 130)


def _complain(problem: object, exit_code: int) -> int:
    sys.stderr.write(f"{problem}\n")
    return exit_code


def _check_settings(settings: Settings) -> None:
    """Checks that concern more than one setting."""
    if settings.uses_sandbox and settings.hubspot_base_url != HUBSPOT_API:
        raise ConfigurationError("HUBSPOT_BASE_URL is set, but HUBSPOT_TOKEN is not; set both, or neither.")


def _check_machine(settings: Settings, data_dir: Path) -> None:
    """Before anything is created: no other Deal Queue runs with this folder, and the ports are free."""
    refuse_second(data_dir)
    _end_leftovers(data_dir)
    check_port(settings.host, settings.port, "PORT")
    if settings.uses_sandbox and settings.sandbox_port is not None:
        check_port("127.0.0.1", settings.sandbox_port, "SANDBOX_PORT")


def _end_leftovers(data_dir: Path) -> None:
    """No other start holds the lock, so programs that still run have outlived their supervisord (kill -9)."""
    if left := end_programs(data_dir):
        Progress().print(f"Ended {left} processes that an earlier start left behind.")


def _prepare(settings: Settings, data_dir: Path) -> dict[str, str]:
    """Folders, lock, token, database; returns the environment for supervisord."""
    progress = Progress()
    _make_folders(data_dir)
    lock = hold_lock(data_dir, f"http://{settings.host}:{settings.port}/")
    admin_token = data_dir / ADMIN_TOKEN_FILE
    if not (read_text(admin_token) or "").strip():
        write_private(admin_token, secrets.token_urlsafe(32) + "\n")
    child = environment.base_environment(settings, data_dir) | {INSTANCE_VARIABLE: instance_id(data_dir, lock)}
    if settings.uses_sandbox:
        child |= environment.sandbox_environment(settings.sandbox_port or free_port())
        # For commands of a person, such as `python -m scheduler --once` and `python -m crm check`.
        write_private(data_dir / SANDBOX_URL_FILE, f"{child['HUBSPOT_BASE_URL']} {child['HUBSPOT_TOKEN']}\n")
    cluster = _prepare_database(settings, data_dir, child, progress)
    return child | environment.supervisor_environment(settings, data_dir, _control(data_dir), cluster)


def _make_folders(data_dir: Path) -> None:
    try:
        if not data_dir.exists():
            data_dir.mkdir(parents=True)
            # As root, another user runs PostgreSQL: it must be able to enter the folder, not to list it.
            data_dir.chmod(0o711 if os.geteuid() == 0 else 0o700)
        (data_dir / "logs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StartError(f"DATA_DIR: the folder {data_dir} cannot be used: {error.strerror}.") from None


def _control(data_dir: Path) -> Path:
    """The folder of supervisord's control socket: private, with a short path."""
    folder = SOCKETS / f"dq-{short_hash(f'control {os.geteuid()}:{data_dir}')}"
    own_folder(folder, uid=os.geteuid(), gid=os.getegid(), mode=0o700)
    (folder / "supervisor.sock").unlink(missing_ok=True)  # left by a kill -9; supervisord would warn about it
    return folder


def _prepare_database(settings: Settings, data_dir: Path, child: dict[str, str], progress: Progress) -> Cluster | None:
    """Wait for the database and migrate it. Returns the embedded server, if it is used, for supervisord to start."""
    logs = data_dir / "logs"
    if settings.database_url is not None:
        (data_dir / DATABASE_URL_FILE).unlink(missing_ok=True)
        with progress.step("Waiting for the database"):
            database.wait_for_server(settings.database_url.get_secret_value(), notice=progress.print)
        _migrate(settings.database_url.get_secret_value(), child, logs, progress)
        return None
    cluster = Cluster.at(data_dir / "postgres")
    child["DATABASE_URL"] = cluster.url()
    write_private(data_dir / DATABASE_URL_FILE, cluster.url() + "\n")
    _prepare_cluster(cluster, child, logs, progress)
    return cluster


def _prepare_cluster(cluster: Cluster, child: dict[str, str], logs: Path, progress: Progress) -> None:
    if (shelter := cluster.placement.shelter) is not None:
        hold_folder(shelter)
        progress.print(cluster.placement.notice())
    with progress.step("Preparing the embedded PostgreSQL"):
        cluster.initdb()
        cluster.start(logs / "postgres.log")
    try:
        cluster.create_database()
        _migrate(cluster.url(), child, logs, progress)
    finally:
        cluster.stop()


def _migrate(url: str, child: dict[str, str], logs: Path, progress: Progress) -> None:
    if not database.is_current(url):
        with progress.step("Migrating the database"):
            database.migrate(child, logs / "migrations.log")


def _exec_supervisor(child: dict[str, str]) -> NoReturn:
    # deploy.supervise unblocks them once supervisord has its own handlers.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    sys.stdout.flush()
    command = [sys.executable, "-m", "deploy.supervise", "-c", str(CONFIGURATION), "-n"]
    os.execve(sys.executable, command, child)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    with configuration_errors():
        sys.exit(main())
