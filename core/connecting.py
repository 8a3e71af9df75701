"""Connects asyncpg to the database: to the first of its hosts that accepts, as libpq does for psycopg."""

import random
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import asyncpg

from core.address import Address

# The other hosts are tried. A wrong password is wrong for all of them.
_NEXT_HOST = (
    OSError,
    asyncpg.CannotConnectNowError,
    asyncpg.ConnectionDoesNotExistError,
    asyncpg.TooManyConnectionsError,
    asyncpg.TargetServerAttributeNotMatched,
)
_TLS_PREFIX = "ssl"


async def connect(address: Address, *, server_settings: Mapping[str, str] | None = None, **options: Any) -> Any:
    """As asyncpg.connect, whose time-out is for all hosts together; `options` are what the address does not say."""
    parameters = address.parameters
    settings = {"application_name": address.application_name, **(server_settings or {})}
    if "options" in parameters:
        settings["options"] = parameters["options"]
    # asyncpg takes the files of certificates and keys only in a URL.
    tls = urlencode({name: value for name, value in parameters.items() if name.startswith(_TLS_PREFIX)})
    ours: dict[str, Any] = {
        "dsn": f"postgresql:///?{tls}",
        "user": address.user,
        "database": address.database,
        "target_session_attrs": address.target_session,
        "server_settings": settings,
    }
    places = list(zip(address.hosts, address.passwords, strict=True))
    if parameters.get("load_balance_hosts") == "random":
        random.shuffle(places)
    failures: list[Exception] = []
    for host, password in places:
        try:
            where = {"host": host.name, "port": host.port, "password": password}
            return await asyncpg.connect(**{"timeout": address.connect_seconds, **options, **ours, **where})
        except _NEXT_HOST as error:
            failures.append(error)
    raise failures[-1]
