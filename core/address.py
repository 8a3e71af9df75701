"""The one reader of DATABASE_URL: where the database is, and with what both drivers connect to it.

By libpq's rules, also for asyncpg: the URL, then its service, then the PG* variables of the environment. Each parameter
works with both drivers, or is refused in a sentence that names it; no sentence contains a password.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import Conninfo

from core.address_files import service_parameters, stored_password
from core.address_parameters import VARIABLES, is_known, objection
from core.address_tls import complete_tls
from core.errors import ConfigurationError

APPLICATION = "deal-queue"
# Neither driver has a limit of its own for a host that does not answer.
CONNECT_SECONDS = 10
# Without a host: the sockets of Debian's and of PostgreSQL's own packages.
LOCAL = ("/run/postgresql", "/tmp", "localhost")  # noqa: S108 - a socket's folder
_PORT = 5432
_FORM = "DATABASE_URL: write it as postgresql://user:password@host:port/name"
_ENCODING = (
    "DATABASE_URL: its user, password or name contains a character that must be percent-encoded: write % as %25, "
    "@ as %40, / as %2F, : as %3A, ? as %3F, # as %23, a space as %20"
)
_SCHEME = re.compile(r"\s*postgres(?:ql)?(?:\+\w+)?://", re.IGNORECASE)
_NAME = re.compile(r"\w{1,40}")


class Host(NamedTuple):
    """`name` is also the address, or the folder of a socket."""

    name: str
    port: int

    @property
    def is_socket(self) -> bool:
        return self.name.startswith("/")


@dataclass(frozen=True, slots=True)
class Address:
    """`parameters` are complete: nothing is left to what a driver would find by itself."""

    hosts: tuple[Host, ...]
    database: str
    user: str
    # Of each host.
    passwords: tuple[str | None, ...] = field(repr=False)
    parameters: Mapping[str, str] = field(repr=False)

    @classmethod
    def of(cls, url: str, environment: Mapping[str, str] = os.environ) -> "Address":
        """ConfigurationError says in one sentence what is wrong. Opens no connection."""
        parameters = _parameters(url, environment)
        hosts, database = _hosts(parameters), parameters.get("dbname", "")
        user = parameters.get("user") or _system_user() or ""
        for part, value in {"database": database, "user": user}.items():
            if not value:
                raise ConfigurationError(f"{_FORM}; it names no {part}.")
        if all(host.is_socket for host in hosts):  # neither driver uses TLS on a socket
            parameters = {name: value for name, value in parameters.items() if not name.startswith("ssl")}
            parameters["sslmode"] = "disable"
        else:
            complete_tls(parameters)
        stored = parameters.pop("passfile", None)
        passwords = tuple(
            parameters.get("password")
            or stored_password(stored, host=host.name, port=host.port, database=database, user=user)
            for host in hosts
        )
        return cls(hosts, database, user, passwords, parameters)

    @property
    def place(self) -> str:
        """For messages."""
        return ", ".join(f"[{name}]:{port}" if ":" in name else f"{name}:{port}" for name, port in self.hosts)

    @property
    def connect_seconds(self) -> int:
        """For each host; libpq reads 0 as no limit."""
        given = int(self.parameters.get("connect_timeout", 0))
        return given if given > 0 else CONNECT_SECONDS

    @property
    def target_session(self) -> str:
        """Of several hosts, one that can be written to."""
        given = self.parameters.get("target_session_attrs", "any")
        is_choice = len(self.hosts) > 1 and "host" in self.parameters
        return "read-write" if is_choice and given == "any" else given

    @property
    def application_name(self) -> str:
        named = self.parameters.get("application_name") or self.parameters.get("fallback_application_name")
        return named or APPLICATION

    def libpq(self) -> str:
        """For psycopg and the PostgreSQL command-line tools."""
        own = {
            "host": ",".join(host.name for host in self.hosts),
            "port": ",".join(str(host.port) for host in self.hosts),
            "user": self.user,
            "application_name": self.application_name,
            "client_encoding": "UTF8",
            "connect_timeout": str(self.connect_seconds),
            "target_session_attrs": self.target_session,
        }
        if len(set(self.passwords)) == 1 and self.passwords[0]:
            own["password"] = self.passwords[0]
        return make_conninfo(**dict(self.parameters) | own)


def _parameters(url: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Of the URL, its service and the environment; every name and value is one that both drivers honour."""
    given = {name: (value, f"DATABASE_URL: {name}") for name, value in _of_url(url).items()}
    variables = {name: (environment[key], key) for name, key in VARIABLES.items() if environment.get(key)}
    named = given.pop("service", variables.pop("service", None))
    if named is not None:
        service = service_parameters(named[0], environment)
        given = {name: (value, f"The service {named[0]}: {name}") for name, value in service.items()} | given
    found = variables | given
    for name, (value, place) in found.items():
        if (problem := objection(name, value)) is not None:
            raise ConfigurationError(f"{place}: {problem}.")
    return {name: value for name, (value, _) in found.items()}


def _of_url(url: str) -> dict[str, str]:
    scheme = _SCHEME.match(url)
    if scheme is None:
        raise ConfigurationError(f"{_FORM}.")
    rest = url[scheme.end() :].strip()
    # libpq ends the password at the first @, unless a / stands before it.
    user, _, behind = rest.partition("@") if "/" not in rest.partition("@")[0] else ("", "", rest)
    place, _, query = behind.partition("?")
    # A part of a password may be anywhere behind it, also where libpq looks for the names of parameters.
    is_doubtful = "@" in behind or "%" in user or " " in rest
    problem = f"{_ENCODING}." if is_doubtful else f"{_FORM}?parameter=value&parameter=value."
    if "@" in place:
        raise ConfigurationError(problem)
    for parameter in query.split("&") if query else ():
        name, _, value = parameter.partition("=")
        if _NAME.fullmatch(name) and not is_known(name) and parameter != "ssl=true":
            raise ConfigurationError(problem if is_doubtful else f"DATABASE_URL: {name}: {objection(name, value)}.")
        if "@" in value and objection(name, value) is not None:
            raise ConfigurationError(problem)
        if is_known(name) and re.search("[= ]", value):
            raise ConfigurationError(f"DATABASE_URL: {name}: write = as %3D and a space as %20 in its value.")
    try:
        found = conninfo_to_dict(f"postgresql://{rest}")
    except (psycopg.Error, UnicodeError):  # their messages may contain a part of the password
        raise ConfigurationError(problem) from None
    return {name: str(value) for name, value in found.items() if value}


def _system_user() -> str | None:
    """As libpq finds it; None when the operating system has no name for it, as in a container."""
    return next((one.val.decode() for one in Conninfo.get_defaults() if one.keyword == b"user" and one.val), None)


def _hosts(parameters: Mapping[str, str]) -> tuple[Host, ...]:
    names = parameters["host"].split(",") if "host" in parameters else list(LOCAL)
    ports = parameters.get("port", str(_PORT)).split(",")
    if len(ports) == 1:
        ports *= len(names)
    if len(ports) != len(names):
        raise ConfigurationError("DATABASE_URL: write one port for all hosts, or one for each.")
    if not all(name and not name.startswith("@") for name in names):
        raise ConfigurationError(f"{_FORM}; a host is a name, an address or the folder of a socket.")
    numbers = [int(port) if port.isdecimal() else 0 for port in (port or str(_PORT) for port in ports)]
    if not all(0 < number < 65_536 for number in numbers):
        raise ConfigurationError(
            "DATABASE_URL: a port must be a number from 1 to 65535, and an IPv6 address stands in brackets: [::1]:5432."
        )
    return tuple(map(Host, names, numbers))
