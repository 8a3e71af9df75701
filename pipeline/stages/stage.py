"""The contract of a stage: what it declares, what it may use, and how it returns, skips or fails."""

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from core.database import Database
from core.errors import DealQueueError
from crm.catalog import Catalog
from crm.client import HubSpot
from models import RunReason
from models.stages import StageName
from pipeline.rulebook import Rulebook, shipped_rulebook
from pipeline.runs.transition import NextCheck
from pipeline.stages.score.usual_stage_age import UsualStageAges

Output = TypeVar("Output", bound=BaseModel)


class SkipRun(DealQueueError):
    """There is nothing to process (the deal is archived, merged or deleted): the run ends as SKIPPED."""

    def __init__(self, reason: RunReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StageFailed(DealQueueError):
    """The stage would fail again if it were retried: the run ends as FAILED.

    `own_activity` is when we have logged something on the deal in HubSpot before the stage failed.
    """

    def __init__(
        self, message: str, reason: RunReason | None = None, own_activity: list[datetime] | None = None
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.own_activity = own_activity


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off with jitter: half of each wait is random, so that runs that failed together retry apart.

    An outage of HubSpot of ten minutes fails no run: the waits before the last attempt add up to 11 minutes at least.
    """

    attempts: int = 12
    first_seconds: float = 2.0
    longest_seconds: float = 300.0

    def delay_seconds(self, failures: int) -> float:
        """The wait after that many failures (1 after the first)."""
        ceiling = min(self.longest_seconds, self.first_seconds * 2 ** (failures - 1))
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - spreading load, not keeping a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSettings:
    """What a worker was started with, the same for all its deals. The defaults: the shipped rules, and dry runs."""

    rulebook: Rulebook = field(default_factory=shipped_rulebook)
    write_back: bool = False
    usual_stage_ages: UsualStageAges = field(default_factory=UsualStageAges)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """What a stage may use. A stage writes no rows of the deal itself: its result is stored when the step ends."""

    deal_id: int
    hubspot_deal_id: str
    run_id: int
    # The same in every attempt, so that an outside system can recognise a repeated call.
    idempotency_key: str
    # The stored outputs of this run's finished stages, by stage key.
    outputs: Mapping[str, Any]
    crm: HubSpot
    catalog: Catalog
    database: Database
    now: datetime
    settings: StageSettings = field(default_factory=StageSettings)

    @property
    def rulebook(self) -> Rulebook:
        return self.settings.rulebook

    def output_of(self, stage: str, model: type[Output]) -> Output:
        """The stored output of an earlier stage of this run; StageFailed if it is missing or cannot be read."""
        try:
            return model.model_validate(self.outputs[stage])
        except (KeyError, ValidationError) as error:
            raise StageFailed(
                f"The output of {stage} in run {self.run_id} is missing or from another release. "
                "Retry the deal from its first stage.",
                RunReason.NEEDS_ATTENTION,
            ) from error


@dataclass(frozen=True, slots=True)
class StageResult:
    """`output` is stored as the step's JSON. What else is given is stored with the deal in the same transaction.

    `activity_at` is the deal's last activity that was not ours, `own_activity` when notes and tasks of ours were made.
    """

    output: BaseModel
    company_ids: list[str] | None = None
    contact_ids: list[str] | None = None
    activity_at: datetime | None = None
    own_activity: list[datetime] | None = None
    next_check: NextCheck | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """`needs` are the keys of the earlier stages whose outputs this stage reads; it gets no others.

    `effect` is what an attempt after an unknown outcome must know: an idempotent stage can simply run again, a stage
    with a side effect must first look for what an earlier attempt has done outside.
    """

    key: str
    label: str
    run: Callable[[StageContext], Awaitable[StageResult]]
    timeout_seconds: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    effect: Literal["idempotent", "side_effect"] = "idempotent"
    needs: tuple[str, ...] = ()

    @property
    def name(self) -> StageName:
        return StageName(self.key, self.label)

    def with_settings(self, settings: StageSettings) -> "Stage":
        """This stage, run with these settings and with only the outputs that it needs."""

        async def run(context: StageContext) -> StageResult:
            needed = {key: output for key, output in context.outputs.items() if key in self.needs}
            return await self.run(replace(context, outputs=needed, settings=settings))

        return replace(self, run=run)


def check_order(stages: Sequence[Stage]) -> None:
    """ValueError when two stages have the same key, or a stage needs one that does not come before it."""
    before: set[str] = set()
    for stage in stages:
        if missing := [key for key in stage.needs if key not in before]:
            raise ValueError(f"Stage {stage.key} needs {', '.join(missing)}, which must come before it in STAGES.")
        if stage.key in before:
            raise ValueError(f"Two stages have the key {stage.key}; their stored outputs could not be distinguished.")
        before.add(stage.key)
