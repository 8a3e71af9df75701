"""The faults that are asked for: which request each strikes, and how often."""

import re
from collections.abc import Container, Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveInt, field_validator

from sandbox.faults.kinds import Kind


class Fault(BaseModel):
    """`skip` requests that it would strike are let pass, then `times` are struck; every one when `times` is null."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: Kind
    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"] | None = None
    path: str = ""
    skip: NonNegativeInt = 0
    times: PositiveInt | None = 1
    # How long it hangs or drips; what Retry-After says; what a missing scope is called.
    seconds: NonNegativeFloat | None = None
    retry_after: NonNegativeInt | None = None
    scope: str = "crm.objects.deals.read"
    applied: NonNegativeInt = 0

    @field_validator("path")
    @classmethod
    def _pattern(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"no regular expression: {error}") from None
        return path

    def strikes(self, method: str, path: str) -> bool:
        """Whether a request of that method and path (with its query) is one of those."""
        return self.method in (None, method) and re.search(self.path, path) is not None

    @property
    def spent(self) -> bool:
        return self.times is not None and self.applied >= self.times


class Plan:
    """Faults in the order in which they were asked for: the first that strikes a request is the one it suffers."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def shown(self) -> list[dict[str, Any]]:
        return [fault.model_dump(mode="json") for fault in self._faults]

    def applied(self) -> dict[str, int]:
        """How often each kind has struck; those that never did are left out."""
        counts: dict[str, int] = {}
        for fault in self._faults:
            if fault.applied:
                counts[fault.kind.value] = counts.get(fault.kind.value, 0) + fault.applied
        return counts

    def draw(self, method: str, path: str, kinds: Container[Kind]) -> Iterator[Fault]:
        """Faults of those kinds whose turn it is with this request. Whoever applies one counts it as applied."""
        for fault in self._faults:
            if fault.kind in kinds and not fault.spent and fault.strikes(method, path):
                if fault.skip:
                    fault.skip -= 1
                else:
                    yield fault
