"""The caller of the API, and its role."""

from enum import StrEnum
from typing import NamedTuple


class Role(StrEnum):
    """Permissions: a viewer reads, an operator also repairs the queue, an admin may do everything."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Viewer(NamedTuple):
    name: str
    role: Role
