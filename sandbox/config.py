"""The behaviour of the account, which GET and POST /_sim/config read and change while the sandbox runs."""

from collections.abc import Mapping
from typing import Annotated, Any

import orjson
from annotated_types import Len
from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, NonNegativeInt, PositiveInt, field_validator

from sandbox import SANDBOX_TOKEN

# The scopes that a token may have (developers.hubspot.com, "Scopes").
OWNERS_READ = "crm.objects.owners.read"
SCOPES = frozenset(
    {
        "oauth",
        OWNERS_READ,
        *(
            f"crm.{area}.{name}.{right}"
            for area in ("objects", "schemas")
            for name in ("contacts", "companies", "deals", "line_items")
            for right in ("read", "write")
        ),
    }
)
Lag = Annotated[tuple[NonNegativeInt, ...], Len(2, 2)]


class Config(BaseModel):
    """One object for the whole sandbox, which `change` updates in place. The keys: docs/sandbox.md, "Config"."""

    model_config = ConfigDict(extra="forbid", strict=True)

    lag_ms: Lag = (0, 0)
    stale_bodies: bool = False
    offset_cap: PositiveInt = 10_000
    burst: PositiveInt = 190
    search_per_second: PositiveInt = 5
    daily: PositiveInt = 650_000
    background_rps: NonNegativeFloat = 0
    background_search_rps: NonNegativeFloat = 0
    retry_after: NonNegativeInt | None = None
    latency_ms: NonNegativeInt = 0
    missing_scopes: tuple[str, ...] = ()
    token_revoked: bool = False
    primary_id_preserved: bool = False
    time_zone: str | None = "Europe/London"
    # Never shown: on a shared machine every user can reach the control plane.
    token: str = Field(SANDBOX_TOKEN, min_length=1, exclude=True)

    @field_validator("lag_ms")
    @classmethod
    def _ascending(cls, lag: tuple[int, ...]) -> tuple[int, ...]:
        if lag[0] > lag[1]:
            raise ValueError("the shortest lag must not be longer than the longest")
        return lag

    @field_validator("missing_scopes")
    @classmethod
    def _known(cls, scopes: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := set(scopes) - SCOPES:
            raise ValueError(f"unknown scopes: {', '.join(sorted(unknown))}")
        return scopes

    def change(self, given: Mapping[str, Any]) -> None:
        """Set those values, all or none; raises pydantic's ValidationError when one is invalid."""
        merged = {**self.model_dump(), "token": self.token, **given}
        validated = Config.model_validate_json(orjson.dumps(merged))
        for name in Config.model_fields:
            setattr(self, name, getattr(validated, name))
