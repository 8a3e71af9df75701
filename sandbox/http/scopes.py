"""Which permission of the token a route needs.

Names: developers.hubspot.com, "Scopes". Notes and tasks need those of contacts (object API guides of notes and tasks).
"""

from collections.abc import Callable

from sandbox.http.call import Call

# The names of a type's scopes; those that are not here have their own name.
_OWNED_BY = {"notes": "contacts", "tasks": "contacts"}
_TYPES = ("contacts", "companies", "deals", "line_items")
OWNERS_READ = "crm.objects.owners.read"
SCOPES = frozenset(
    {
        "oauth",
        OWNERS_READ,
        *(
            f"crm.{area}.{name}.{right}"
            for area in ("objects", "schemas")
            for name in _TYPES
            for right in ("read", "write")
        ),
    }
)

# The scopes that a request needs, all of them.
Rule = Callable[[Call], tuple[str, ...]]


def nothing(_: Call) -> tuple[str, ...]:
    """Any token will do."""
    return ()


def owners(_: Call) -> tuple[str, ...]:
    return (OWNERS_READ,)


def reads(call: Call) -> tuple[str, ...]:
    return (_scope(call, "type", "objects", "read"),)


def writes(call: Call) -> tuple[str, ...]:
    return (_scope(call, "type", "objects", "write"),)


def reads_schema(call: Call) -> tuple[str, ...]:
    return (_scope(call, "type", "schemas", "read"),)


def writes_schema(call: Call) -> tuple[str, ...]:
    return (_scope(call, "type", "schemas", "write"),)


def reads_linked(call: Call) -> tuple[str, ...]:
    """Associations of one record: both ends."""
    return (_scope(call, "type", "objects", "read"), _scope(call, "target", "objects", "read"))


def reads_links(call: Call) -> tuple[str, ...]:
    """Associations of many records: both ends."""
    return (_scope(call, "source", "objects", "read"), _scope(call, "target", "objects", "read"))


def writes_links(call: Call) -> tuple[str, ...]:
    """Writing associations of many records: the end that they are written from."""
    return (_scope(call, "source", "objects", "write"),)


def _scope(call: Call, part: str, area: str, right: str) -> str:
    name = call.kind(part).name
    return f"crm.{area}.{_OWNED_BY.get(name, name)}.{right}"
