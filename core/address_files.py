"""The files that DATABASE_URL may refer to: services and passwords."""

import configparser
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from core.errors import ConfigurationError

# Five fields between colons; a backslash stands before a colon, and before itself.
_ENTRY = re.compile(":".join([r"((?:\\.|[^:\\])*)"] * 4 + ["(.*)"]))
_GROUP_AND_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def home() -> Path:
    """Where the user's files are; a folder that does not exist when the system knows no home of the user."""
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises an error then


def service_parameters(name: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The parameters of a service in `pg_service.conf`; ConfigurationError when no file defines it."""
    files = [Path(environment.get("PGSERVICEFILE") or home() / ".pg_service.conf")]
    if folder := environment.get("PGSYSCONFDIR"):
        files.append(Path(folder) / "pg_service.conf")
    for file in files:
        services = configparser.RawConfigParser(delimiters="=", comment_prefixes="#", strict=False)
        try:
            services.read_string(file.read_text())
        except (OSError, ValueError, configparser.Error):
            continue
        if services.has_section(name):
            return dict(services.items(name))
    raise ConfigurationError(f"DATABASE_URL: the service {name} is not defined in {' or '.join(map(str, files))}.")


def stored_password(passfile: str | None, *, host: str, port: int, database: str, user: str) -> str | None:
    """From `passfile` or `~/.pgpass`, which is ignored while other users may read it, as libpq does."""
    file = Path(passfile) if passfile else home() / ".pgpass"
    try:
        if not file.is_file() or file.stat().st_mode & _GROUP_AND_OTHERS:
            return None
        lines = file.read_text().splitlines()
    except (OSError, ValueError):
        return None
    wanted = (("localhost", host) if host.startswith("/") else (host,), (str(port),), (database,), (user,))
    for line in lines:
        if (found := _ENTRY.fullmatch(line)) is not None and not line.startswith("#"):
            *keys, password = (re.sub(r"\\(.)", r"\1", field) for field in found.groups())
            if all(key in ("*", *values) for key, values in zip(keys, wanted, strict=True)):
                return password
    return None
