"""Which deals a bulk operation is about: named by id, or those that a filter finds when it is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from models import RunReason, RunStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Every condition that is given holds; `deal_ids` are ours, `pipeline` and `stage` HubSpot's, `reason` a run's."""

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
        """Nothing was given: that would be all deals, which nobody means."""
        return all(value is None for value in asdict(self).values())

    def given(self) -> dict[str, object]:
        """What the audit keeps of it."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def parameters(self) -> Mapping[str, object]:
        return {
            **asdict(self),
            "deal_ids": None if self.deal_ids is None else list(self.deal_ids),
            "statuses": None if self.statuses is None else list(self.statuses),
        }


# For deals `d`. A condition that was not given is NULL, and holds.
SELECTED = """
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
