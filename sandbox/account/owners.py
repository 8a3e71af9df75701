"""The owners of deals: eight active ones, and one who has left the company and is archived."""

from dataclasses import dataclass
from typing import Any

DOMAIN = "northwind-sandbox.example"
_CREATED_AT = "2021-03-01T09:00:00.000Z"
_LEFT_AT = "2025-06-30T16:20:00.000Z"


@dataclass(frozen=True, slots=True)
class Owner:
    id: int
    first_name: str
    last_name: str
    team: str
    archived: bool = False

    @property
    def email(self) -> str:
        return f"{self.first_name}.{self.last_name}@{DOMAIN}".lower().replace("ø", "o").replace("é", "e")

    @property
    def user_id(self) -> int:
        return self.id // 10 + 3_000_000

    def body(self) -> dict[str, Any]:
        """HubSpot returns `userId: null` for a deactivated owner (developers.hubspot.com, owners guide)."""
        return {
            "id": str(self.id),
            "email": self.email,
            "type": "PERSON",
            "firstName": self.first_name,
            "lastName": self.last_name,
            "userId": None if self.archived else self.user_id,
            "userIdIncludingInactive": self.user_id,
            "createdAt": _CREATED_AT,
            "updatedAt": _LEFT_AT if self.archived else _CREATED_AT,
            "archived": self.archived,
            "teams": [] if self.archived else [{"id": self.team, "name": TEAMS[self.team], "primary": True}],
        }


TEAMS = {"4410271": "New Business", "4410272": "Customer Success"}
OWNERS = (
    Owner(77412201, "Amara", "Okafor", "4410271"),
    Owner(77412344, "Søren", "Lindqvist", "4410271"),
    Owner(77415870, "Grace", "Whitfield", "4410271"),
    Owner(78120033, "Mateo", "Rivera", "4410271"),
    Owner(78120951, "Renée", "Dubois", "4410272"),
    Owner(79544102, "Kenji", "Watanabe", "4410272"),
    Owner(80031177, "Priya", "Raman", "4410272"),
    Owner(81290456, "Tom", "Hartley", "4410271"),
    Owner(76001988, "Ulrike", "Brandt", "4410272", archived=True),
)
ACTIVE_OWNERS = tuple(owner for owner in OWNERS if not owner.archived)
INACTIVE_OWNER = next(owner for owner in OWNERS if owner.archived)
