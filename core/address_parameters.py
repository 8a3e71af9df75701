"""The parameters that DATABASE_URL may carry, by their names in libpq, and what each may be set to.

Two drivers connect: psycopg, which is libpq, and asyncpg. A parameter that only one of them honours is refused, because
half of the connections would ignore it.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from psycopg.pq import Conninfo

_LIBPQ = {option.keyword.decode(): option for option in Conninfo.get_defaults()}
# The environment variables that libpq reads.
VARIABLES: Mapping[str, str] = {name: one.envvar.decode() for name, one in _LIBPQ.items() if one.envvar}

# Honoured with every value by both drivers.
_HONOURED = frozenset({
    "user", "password", "host", "port", "dbname", "passfile", "service", "options", "application_name",
    "fallback_application_name", "connect_timeout", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl",
})  # fmt: skip
_TLS_VERSIONS = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
# Honoured with these values; of what only one driver knows, these are the values that change nothing.
_VALUES: Mapping[str, tuple[str, ...]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "sslnegotiation": ("postgres", "direct"),
    "ssl_min_protocol_version": _TLS_VERSIONS,
    "ssl_max_protocol_version": _TLS_VERSIONS,
    "load_balance_hosts": ("disable", "random"),
    "target_session_attrs": ("any", "read-write", "primary"),
    "channel_binding": ("disable", "prefer"),
    "client_encoding": ("UTF8", "UTF-8", "utf8", "utf-8"),
    "gssencmode": ("disable", "prefer"),
    "sslcertmode": ("allow",),
    "sslcompression": ("0",),
    "sslsni": ("1",),
}
_REASONS: Mapping[str, str] = {
    "channel_binding": ", because asyncpg does not bind channels; sslmode=verify-full verifies the server as well",
    "target_session_attrs": ", because Deal Queue writes",
    "client_encoding": ", because Deal Queue sends UTF-8",
}
# Parameters of other drivers, and the one that libpq knows under a name that asyncpg does not.
_INSTEAD: Mapping[str, str] = {
    "ssl": "sslmode=require",
    "sslaccept": "sslmode=require or sslmode=verify-full",
    "schema": "options=-csearch_path%3DNAME",
    "currentschema": "options=-csearch_path%3DNAME",
    "search_path": "options=-csearch_path%3DNAME",
    "database": "dbname",
    "username": "user",
    "timeout": "connect_timeout",
    "hostaddr": "the address as the host",
}


def is_known(name: str) -> bool:
    """Whether libpq knows the parameter."""
    return name in _LIBPQ


def objection(name: str, value: str) -> str | None:
    """What is wrong with the parameter, to be read behind its name; None when nothing is."""
    if name in _VALUES:
        allowed = _VALUES[name]
        return None if value in allowed else f"write {_one_of(allowed)}{_REASONS.get(name, '')}"
    if name == "connect_timeout":
        return None if value.lstrip("-").isdecimal() else "write a number of seconds"
    if name in _HONOURED:
        return None
    if (instead := _INSTEAD.get(name.lower())) is not None:
        return f"write {instead} instead"
    if name in _LIBPQ:
        return "remove it, because asyncpg does not know it"
    close = get_close_matches(name.lower(), sorted(_HONOURED | _VALUES.keys()), n=1, cutoff=0.75)
    return f"write {close[0]} instead" if close else "remove it, because PostgreSQL's clients do not know it"


def _one_of(values: tuple[str, ...]) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} or {values[-1]}"
