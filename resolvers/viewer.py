"""Who asks."""

from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """What a viewer may do: read; repair the queue; everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Viewer(NamedTuple):
    name: str
    role: Role
