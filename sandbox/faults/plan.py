"""The requested faults: which requests each applies to, and how often."""

import re
from collections.abc import Container, Iterator
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, NonNegativeInt, PositiveInt, field_validator

from sandbox.faults.kinds import FaultKind


class Fault(BaseModel):
    """Passes over the first `skip` matching requests, then applies to `times` of them; to all when `times` is null."""

    model_config = ConfigDict(extra="forbid", strict=True)

    kind: FaultKind
    method: Literal["GET", "POST", "PATCH", "PUT", "DELETE"] | None = None
    path: str = ""
    skip: NonNegativeInt = 0
    times: PositiveInt | None = 1
    # Options of single kinds: the duration of a hang or a drip, the value of Retry-After, the missing scope; the record
    # (by default the first of the response), the field or property, and the JSON text that its value is replaced with.
    seconds: NonNegativeFloat | None = None
    retry_after: NonNegativeInt | None = None
    scope: str = "crm.objects.deals.read"
    record: str | None = None
    field: str = "properties.amount"
    value: str = "null"
    applied: NonNegativeInt = 0

    @field_validator("path")
    @classmethod
    def _pattern(cls, path: str) -> str:
        try:
            re.compile(path)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return path

    def matches(self, method: str, path: str) -> bool:
        """`path` is the path with the query."""
        return self.method in (None, method) and re.search(self.path, path) is not None

    @property
    def is_exhausted(self) -> bool:
        return self.times is not None and self.applied >= self.times


class FaultPlan:
    """Faults in the order in which they were requested: the first that matches a request applies to it."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def as_json(self) -> list[dict[str, Any]]:
        return [fault.model_dump(mode="json") for fault in self._faults]

    def applied_by_kind(self) -> dict[str, int]:
        """How often each kind was applied, without kinds that never were."""
        counts: dict[str, int] = {}
        for fault in self._faults:
            if fault.applied:
                counts[fault.kind.value] = counts.get(fault.kind.value, 0) + fault.applied
        return counts

    def due(self, method: str, path: str, kinds: Container[FaultKind]) -> Iterator[Fault]:
        """Faults of those kinds that are due for this request; the caller increments the `applied` of its choice."""
        for fault in self._faults:
            if fault.kind in kinds and not fault.is_exhausted and fault.matches(method, path):
                if fault.skip:
                    fault.skip -= 1
                else:
                    yield fault
