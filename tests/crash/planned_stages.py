"""Six stages that each have one effect on the external system: check whether it is applied already, then apply it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from pydantic import BaseModel

from crm.errors import TransientCrmError
from pipeline.stages.stage import RetryPolicy, Stage, StageContext, StageResult, StageSettings
from tests.crash.external_system import call_external_system
from tests.crash.worker_plan import WorkerPlan, kill_own_process
from tests.factories import STAGES

Probe = Callable[[str], None]
RETRY = RetryPolicy(attempts=5, first_seconds=0.2, longest_seconds=0.2)
# Where the crashing deal kills its worker: not at the first stage, so that other runs of the worker have begun as well.
CRASHING_STAGE = "validate"
# What a stage logs that ignores its cancellation.
CANCEL_IGNORED = "stage.cancel_ignored"


class Effect(BaseModel):
    key: str


class PlannedStage:
    """One stage; it calls `probe` with each crash point that it reaches."""

    def __init__(self, key: str, plan: WorkerPlan, probe: Probe) -> None:
        self.key = key
        self._plan = plan
        self._probe = probe
        self._fails = plan.fail_once == key

    async def run(self, context: StageContext) -> StageResult:
        found = await call_external_system(self._plan.external_system, "CHECK", context.idempotency_key)
        self._probe(f"checked:{self.key}")
        if found == "absent":
            await call_external_system(self._plan.external_system, "APPLY", context.idempotency_key)
        self._probe(f"applied:{self.key}")
        if self._plan.blocking_stage == self.key:
            time.sleep(60)  # noqa: ASYNC251 - the bug under test: a stage that stops the whole event loop
        if self._plan.uncancellable_stage == self.key:
            await _ignore_cancellation()
        await asyncio.sleep(self._plan.stage_seconds)
        if context.deal_id == self._plan.crashing_deal and self.key == CRASHING_STAGE:
            kill_own_process()
        if self._fails:
            self._fails = False
            raise TransientCrmError("HubSpot answered 502.")
        return StageResult(Effect(key=context.idempotency_key))


async def _ignore_cancellation() -> None:
    """The bug under test: only killing the process ends this stage."""
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        print(CANCEL_IGNORED, flush=True)


def planned_stages(plan: WorkerPlan, probe: Probe) -> tuple[Stage, ...]:
    return tuple(
        Stage(
            key=key,
            label=key.capitalize(),
            run=PlannedStage(key, plan, probe).run,
            retry=RETRY,
            timeout_seconds=plan.stage_timeout_seconds,
            effect="side_effect",
        ).with_settings(StageSettings())
        for key in STAGES
    )
