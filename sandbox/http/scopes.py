"""The scopes of the token that each route requires.

Notes and tasks need those of contacts (object API guides of notes and tasks).
"""

from collections.abc import Callable

from sandbox.config import OWNERS_READ
from sandbox.http.call import Call

# Object types that have no scopes of their own, with the type whose scopes they need.
_SCOPES_OF = {"notes": "contacts", "tasks": "contacts"}

# All scopes that a request requires.
RequiredScopes = Callable[[Call], tuple[str, ...]]


def no_scope(_: Call) -> tuple[str, ...]:
    """Any token is accepted."""
    return ()


def reads_owners(_: Call) -> tuple[str, ...]:
    return (OWNERS_READ,)


def reads(call: Call) -> tuple[str, ...]:
    return (_scope(call, "type", "objects", "read"),)


def writes(call: Call) -> tuple[str, ...]:
    return (_scope(call, "type", "objects", "write"),)


def reads_schema(call: Call) -> tuple[str, ...]:
    return (_scope(call, "type", "schemas", "read"),)


def writes_schema(call: Call) -> tuple[str, ...]:
    return (_scope(call, "type", "schemas", "write"),)


def reads_associations_of_one(call: Call) -> tuple[str, ...]:
    """Associations of one record: both ends."""
    return (_scope(call, "type", "objects", "read"), _scope(call, "target", "objects", "read"))


def reads_associations(call: Call) -> tuple[str, ...]:
    """Associations of many records: both ends."""
    return (_scope(call, "source", "objects", "read"), _scope(call, "target", "objects", "read"))


def writes_associations(call: Call) -> tuple[str, ...]:
    """Writing associations of many records: the source end only."""
    return (_scope(call, "source", "objects", "write"),)


def _scope(call: Call, parameter: str, area: str, right: str) -> str:
    name = call.object_type(parameter).name
    return f"crm.{area}.{_SCOPES_OF.get(name, name)}.{right}"
