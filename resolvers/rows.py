"""What the reads return: named tuples, because a page of 200 deals has 1,400 of them and none is changed."""

from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from models import RunReason, RunStatus, RunTrigger, StepStatus
from resolvers.deal_state import StateWord


class DealRow(NamedTuple):
    """A deal as stored; the fields have the names of the columns."""

    id: int
    hubspot_deal_id: str
    name: str | None
    amount: Decimal | None
    currency: str | None
    hubspot_pipeline: str | None
    hubspot_stage: str | None
    hubspot_stage_label: str | None
    owner_name: str | None
    close_date: datetime | None
    created_at: datetime
    updated_at: datetime


class StepRow(NamedTuple):
    """One stage of one run, begun or not. `carried_from` is the number of the run that has run a carried-over one."""

    run_id: int
    stage: str
    label: str
    status: StepStatus
    started_at: datetime | None
    ended_at: datetime | None
    attempts: int
    carried_from: int | None = None

    @property
    def is_carried_over(self) -> bool:
        """Whether an earlier run has finished the stage, and this one never ran it."""
        return self.status is StepStatus.DONE and self.attempts == 0


class StepDetail(NamedTuple):
    """What a step has stored, with its status and attempts at that moment."""

    status: StepStatus
    attempts: int
    output: Any
    error_type: str | None
    error_message: str | None


class RunRow(NamedTuple):
    id: int
    number: int
    trigger: RunTrigger
    status: RunStatus
    reason: RunReason | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    next_attempt_at: datetime | None
    steps: list[StepRow]
    # Of a RETRYING run: what a person must grant in HubSpot before it continues.
    waits_for: str | None = None


class DealState(NamedTuple):
    """A deal's state, read by one statement, so that its parts never contradict each other."""

    status: RunStatus
    reason: RunReason | None
    current_stage: str | None
    latest_run: RunRow | None
    word: StateWord

    @property
    def steps(self) -> list[StepRow]:
        return [] if self.latest_run is None else self.latest_run.steps

    @property
    def last_step(self) -> StepRow | None:
        """The step of the current stage."""
        return next((step for step in self.steps if step.stage == self.current_stage), None)

    @property
    def waits_for(self) -> str | None:
        return None if self.latest_run is None else self.latest_run.waits_for

    @property
    def next_attempt(self) -> int | None:
        """The number of the stage's next attempt; None unless the deal is RETRYING."""
        step = self.last_step
        return step.attempts + 1 if step and self.word is StateWord.RETRYING else None


class QueuePage(NamedTuple):
    deals: list[DealRow]
    # The cursor of the next page; None at the end of the queue.
    next_before: str | None


class AccessWaitRow(NamedTuple):
    """How many runs wait for the same thing, which a person must grant in HubSpot."""

    waits_for: str
    runs: int


class StoppedProcessRow(NamedTuple):
    process: str
    host: str
    reason: str


class SyncStatusRow(NamedTuple):
    last_sync_at: datetime | None
    last_error: str | None
    next_sync_at: datetime | None
    lag_seconds: float | None
    backlog: int | None
    backfilled: bool | None
    held_deals: int
    rejected_records: int
    calls_left_today: int | None
    access_waits: list[AccessWaitRow]
    stopped_processes: list[StoppedProcessRow]


class SyncRejectRow(NamedTuple):
    """`record_key` is HubSpot's id, or a digest of a record without one."""

    record_key: str
    error: str
    first_seen_at: datetime
    last_seen_at: datetime
