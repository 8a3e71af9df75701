"""Which deals: by id, or by conditions on them. What a filter shows is what a bulk operation with it touches.

The list, the search, bulk operations and the command line are to choose deals by this one condition.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from models.enums import RunReason, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class DealFilter:
    """A deal matches when every condition that is given holds.

    `deal_ids` are our ids; `pipeline` and `stage` are HubSpot's, `owner` is a name or HubSpot's id; `reason` is that of
    the deal's latest run.
    """

    deal_ids: Sequence[int] | None = None
    statuses: Sequence[RunStatus] | None = None
    pipeline: str | None = None
    stage: str | None = None
    owner: str | None = None
    reason: RunReason | None = None
    updated_before: datetime | None = None
    updated_after: datetime | None = None

    @property
    def is_empty(self) -> bool:
        """Without any condition every deal matches; a bulk operation refuses that."""
        return not self.given()

    def given(self) -> dict[str, object]:
        """The conditions that were given, for the audit."""
        return {name: value for name, value in self.parameters().items() if value is not None}

    def parameters(self) -> dict[str, object]:
        """The values of MATCHES."""
        return asdict(self)


# For rows `d` of `deals`. A condition that was not given is NULL, and holds.
MATCHES = """
    (CAST(:deal_ids AS bigint[]) IS NULL OR d.id = ANY(CAST(:deal_ids AS bigint[])))
    AND (CAST(:statuses AS run_status[]) IS NULL OR d.status = ANY(CAST(:statuses AS run_status[])))
    AND (CAST(:pipeline AS text) IS NULL OR d.hubspot_pipeline = :pipeline)
    AND (CAST(:stage AS text) IS NULL OR d.hubspot_stage = :stage)
    AND (CAST(:owner AS text) IS NULL OR :owner IN (d.owner_id, d.owner_name))
    AND (CAST(:reason AS run_reason) IS NULL OR EXISTS (
        SELECT FROM pipeline_runs AS r WHERE r.id = d.latest_run_id AND r.reason = CAST(:reason AS run_reason)))
    AND (CAST(:updated_before AS timestamptz) IS NULL OR d.updated_at < :updated_before)
    AND (CAST(:updated_after AS timestamptz) IS NULL OR d.updated_at >= :updated_after)
"""
