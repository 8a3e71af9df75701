"""The environment variables of the supervised processes and of supervisord's configuration."""

import os
import pwd
import secrets
import shlex
import sys
from pathlib import Path

from core.settings import Settings
from deploy.postgres import Cluster

CHECKOUT = Path(__file__).resolve().parent.parent


def forget_postgresql_variables() -> None:
    """With PGPORT and the like, clients would not find the embedded server's socket."""
    for name in [name for name in os.environ if name.startswith("PG")]:
        del os.environ[name]


def base_environment(settings: Settings, data_dir: Path) -> dict[str, str]:
    """The present environment, made independent of the working folder."""
    return dict(os.environ) | {
        "PYTHONPATH": str(CHECKOUT),
        "PYTHONUNBUFFERED": "1",
        "DATA_DIR": str(data_dir),
        "HOST": settings.host,
        "PORT": str(settings.port),
        "SYNC_INTERVAL_SECONDS": str(settings.sync_interval),
    }


def sandbox_environment(port: int) -> dict[str, str]:
    """Every process uses the sandbox as HubSpot; its token is valid for this start only."""
    return {
        "SANDBOX_PORT": str(port),
        "HUBSPOT_BASE_URL": f"http://127.0.0.1:{port}",
        "HUBSPOT_TOKEN": f"sandbox-{secrets.token_urlsafe(24)}",
    }


def supervisor_environment(
    settings: Settings, data_dir: Path, control: Path, cluster: Cluster | None
) -> dict[str, str]:
    """The variables %(ENV_...)s of supervisord.conf."""
    logs = data_dir / "logs"
    return {
        "LOG_TO": settings.log_to,
        "DEAL_QUEUE_PYTHON": shlex.quote(sys.executable),
        "DEAL_QUEUE_CONTROL": str(control),
        "DEAL_QUEUE_SOCKETS": os.pathsep.join(map(str, [control, *([cluster.socket_dir] if cluster else [])])),
        # supervisord expands the names of log files twice.
        "DEAL_QUEUE_LOGS": str(logs).replace("%", "%%"),
        "DEAL_QUEUE_LOGS_SHOWN": shown(logs),
        # Not on standard output, which is kept as a log: the link signs its reader in.
        "DEAL_QUEUE_ANNOUNCE_ON": _switch(settings.log_to == "files"),
        "DEAL_QUEUE_SANDBOX_ON": _switch(settings.uses_sandbox),
        "DEAL_QUEUE_POSTGRES_ON": _switch(cluster is not None),
        "DEAL_QUEUE_POSTGRES": cluster.command_line() if cluster else "postgres",
        "DEAL_QUEUE_POSTGRES_USER": cluster.account.name if cluster else pwd.getpwuid(0).pw_name,
    } | _supervisor_log(logs, settings.log_to)


def _supervisor_log(logs: Path, log_to: str) -> dict[str, str]:
    if log_to == "stdout":
        names = {"SILENT": "false", "LOGFILE": "/dev/null", "LOGFILE_MAXBYTES": "0"}
    else:
        names = {"SILENT": "true", "LOGFILE": str(logs / "supervisord.log"), "LOGFILE_MAXBYTES": "1MB"}
    return {f"DEAL_QUEUE_{name}": value for name, value in names.items()}


def _switch(on: bool) -> str:
    return "true" if on else "false"


def shown(path: Path) -> str:
    """The path relative to the working folder, where it is below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
