"""What a stage is: its names, its limits, and one coroutine."""

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
from pipeline.rulebook import Rulebook, shipped_rulebook
from pipeline.stages.score.usual_stage_age import StageAges

Output = TypeVar("Output", bound=BaseModel)


class SkipRun(DealQueueError):
    """There is nothing to process (archived, merged, gone): the run ends as SKIPPED."""

    def __init__(self, reason: RunReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class StageFailed(DealQueueError):
    """The stage cannot succeed however often it is tried: the run ends as FAILED."""

    def __init__(self, message: str, reason: RunReason | None = None) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential back-off; half of each wait is left to chance: what failed together comes back apart.

    Ten bad minutes of HubSpot's fail no run: the waits before the last attempt are 11 minutes at least.
    """

    attempts: int = 12
    first_seconds: float = 2.0
    longest_seconds: float = 300.0

    def delay_seconds(self, failures: int) -> float:
        """How long to wait after the failure number `failures` (1 for the first)."""
        ceiling = min(self.longest_seconds, self.first_seconds * 2 ** (failures - 1))
        return random.uniform(ceiling / 2, ceiling)  # noqa: S311 - spreading load, not keeping a secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the worker was started with: the same for all its deals. Without any: the shipped rules, and a dry run."""

    rulebook: Rulebook = field(default_factory=shipped_rulebook)
    write_back: bool = False
    ages: StageAges = field(default_factory=StageAges)


@dataclass(frozen=True, slots=True, kw_only=True)
class StageContext:
    """What a stage may use. It writes nothing itself: what it returns is stored with the step's end."""

    deal_id: int
    hubspot_deal_id: str
    run_id: int
    # The same over every attempt, so that an outside system can recognise a repeated call.
    idempotency_key: str
    # The stored outputs of this run's finished stages, by stage key.
    outputs: Mapping[str, Any]
    crm: HubSpot
    catalog: Catalog
    database: Database
    now: datetime
    terms: Terms = field(default_factory=Terms)

    @property
    def rulebook(self) -> Rulebook:
        return self.terms.rulebook

    def output_of(self, stage: str, model: type[Output]) -> Output:
        """What an earlier stage of this run has stored; StageFailed when there is none that this release can read."""
        try:
            return model.model_validate(self.outputs[stage])
        except (KeyError, ValidationError) as error:
            raise StageFailed(
                f"The output of {stage} in run {self.run_id} is missing or of another release. "
                "Process the deal again, from its first stage.",
                RunReason.NEEDS_ATTENTION,
            ) from error


@dataclass(frozen=True, slots=True)
class StageResult:
    """`output` is stored as the step's JSON; ids that are given replace the deal's, in the same transaction."""

    output: BaseModel
    company_ids: list[str] | None = None
    contact_ids: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """`needs` are the keys of earlier stages whose outputs it reads: the others it may not look at.

    `effect` is what a second run of it does: nothing more, or something outside that it must look for first.
    """

    key: str
    label: str
    run: Callable[[StageContext], Awaitable[StageResult]]
    timeout_seconds: float = 30.0
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    effect: Literal["idempotent", "side_effect"] = "idempotent"
    needs: tuple[str, ...] = ()

    def under(self, terms: Terms) -> "Stage":
        """The same stage on these terms, with the outputs that it needs and no others."""

        async def run(context: StageContext) -> StageResult:
            needed = {key: output for key, output in context.outputs.items() if key in self.needs}
            return await self.run(replace(context, outputs=needed, terms=terms))

        return replace(self, run=run)


def check_order(stages: Sequence[Stage]) -> None:
    """ValueError when two stages have one key, or one needs the output of none that comes before it."""
    before: set[str] = set()
    for stage in stages:
        if missing := [key for key in stage.needs if key not in before]:
            raise ValueError(f"Stage {stage.key} needs {', '.join(missing)}, which must come before it in STAGES.")
        if stage.key in before:
            raise ValueError(f"Two stages have the key {stage.key}; what is stored could not be told apart.")
        before.add(stage.key)
