"""Six stages that each do one thing outside: look whether it is done already, then do it."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from pydantic import BaseModel

from crm.errors import TransientCrmError
from pipeline.stages.stage import RetryPolicy, Stage, StageContext, StageResult, StageSettings
from tests.crash.external_system import ask
from tests.crash.worker_plan import Plan, die
from tests.factories import STAGES

Probe = Callable[[str], None]
RETRY = RetryPolicy(attempts=5, first_seconds=0.2, longest_seconds=0.2)
# Where the poison deal kills its worker: not at the first stage, so that those beside it are under way as well.
POISONED = "validate"
# What a stage says that does not end when it is told to.
GOES_ON = "stage.goes_on"


class Effect(BaseModel):
    key: str


class PlannedStage:
    """One stage; `probe` is told where it is."""

    def __init__(self, key: str, plan: Plan, probe: Probe) -> None:
        self.key = key
        self._plan = plan
        self._probe = probe
        self._fails = plan.fail_once == key

    async def run(self, context: StageContext) -> StageResult:
        there = await ask(self._plan.sink, "LOOK", context.idempotency_key)
        self._probe(f"looked:{self.key}")
        if there == "absent":
            await ask(self._plan.sink, "MAKE", context.idempotency_key)
        self._probe(f"called:{self.key}")
        if self._plan.blocking_stage == self.key:
            time.sleep(60)  # noqa: ASYNC251 - the bug under test: a stage that stops the whole event loop
        if self._plan.deaf_stage == self.key:
            await _go_on()
        await asyncio.sleep(self._plan.stage_seconds)
        if context.deal_id == self._plan.poison and self.key == POISONED:
            die()
        if self._fails:
            self._fails = False
            raise TransientCrmError("HubSpot answered 502.")
        return StageResult(Effect(key=context.idempotency_key))


async def _go_on() -> None:
    """The bug under test: whoever wants this to end has to kill the process."""
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        print(GOES_ON, flush=True)


def planned_stages(plan: Plan, probe: Probe) -> tuple[Stage, ...]:
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
