"""Runs that wait for access: whose turn it is, and that all of them continue when one is no longer refused."""

from procrastinate import App

from core.database import Database
from crm.errors import MissingScopes
from models import RunStatus, StepStatus
from pipeline.operations.audited import OperationContext
from pipeline.operations.cancel import cancel
from pipeline.runs.transition import StepEnd, Transition
from pipeline.stages.stage import StageContext
from pipeline.worker import outcome
from scheduler.jobs import JOBS
from tests.factories import rows, run_store
from tests.pipeline.staging import deal_with, runner, stage
from tests.scheduler.contexts import job_context

DUE = "SELECT deal_id FROM pipeline_runs WHERE next_attempt_at <= now() ORDER BY deal_id"
WAITING = "SELECT deal_id FROM pipeline_runs WHERE waits_for IS NOT NULL ORDER BY deal_id"
# Each run's turn is a minute after that of the run before it.
IN_TURN = "UPDATE pipeline_runs SET next_attempt_at = now() + deal_id * interval '1 min' RETURNING id"
DELIVERED_NOW = """
SELECT r.deal_id FROM pipeline_runs r JOIN procrastinate_jobs j ON j.id = r.job_id AND j.status = 'todo'
WHERE r.status = 'RETRYING' AND j.scheduled_at IS NULL ORDER BY r.deal_id
"""


class Refused:
    """The work of a stage that HubSpot refuses until `granted`, naming `scope`."""

    def __init__(self, scope: str = "crm.objects.contacts.read") -> None:
        self.scope = scope
        self.granted = False

    async def __call__(self, _: StageContext) -> None:
        if not self.granted:
            raise MissingScopes("The token lacks a scope.", scopes=(self.scope,))


async def waiting_deals(database: Database, count: int, work: Refused) -> list[int]:
    deals = [await deal_with(database, "one") for _ in range(count)]
    for deal_id in deals:
        await runner(database, stage("one", work)).process(deal_id)
    await rows(database, IN_TURN)
    return deals


async def due(database: Database) -> list[int]:
    return [row["deal_id"] for row in await rows(database, DUE)]


async def delivered_now(database: Database) -> list[int]:
    return [row["deal_id"] for row in await rows(database, DELIVERED_NOW)]


async def test_the_turn_of_cancelled_runs_passes_to_the_next(
    database: Database, app: App, context: OperationContext
) -> None:
    """The scheduler's job makes due what would be attempted hours later, one run for each thing that is waited for."""
    deals = await waiting_deals(database, 4, Refused())
    other = (await waiting_deals(database, 1, Refused("crm.objects.owners.read")))[0]
    for deal_id in deals[:2]:
        await cancel(context, deal_id)
    access = next(job for job in JOBS if job.name == "access")
    await access.run(job_context(database))
    assert await due(database) == [deals[2], other]
    assert await delivered_now(database) == [deals[2], other]


async def test_a_success_makes_due_those_that_wait_for_the_same_only(database: Database) -> None:
    """With one job each, which is due as well."""
    work = Refused()
    deals = await waiting_deals(database, 3, work)
    other = (await waiting_deals(database, 1, Refused("crm.objects.owners.read")))[0]
    work.granted = True
    await rows(
        database, "UPDATE pipeline_runs SET next_attempt_at = now() WHERE deal_id = :id RETURNING id", id=deals[0]
    )
    await runner(database, stage("one", work)).process(deals[0])
    assert await due(database) == deals[1:]
    assert [row["deal_id"] for row in await rows(database, WAITING)] == [other]
    assert await delivered_now(database) == deals[1:]


async def test_a_worker_that_dies_before_the_others_are_due_leaves_that_to_the_next_turn(database: Database) -> None:
    """Its run is DONE; the others still wait, and the next success makes them due."""
    work = Refused()
    deals = await waiting_deals(database, 3, work)
    runs = run_store(database)
    await rows(
        database, "UPDATE pipeline_runs SET next_attempt_at = now() WHERE deal_id = :id RETURNING id", id=deals[0]
    )
    lease = await runs.claim(deals[0], worker="dies")
    assert lease is not None
    await runs.move(lease, Transition(begin=0))
    await runs.move(lease, Transition(status=RunStatus.DONE, end=StepEnd(0, StepStatus.DONE, output={})))
    assert [row["deal_id"] for row in await rows(database, WAITING)] == deals[1:]
    work.granted = True
    assert await runs.probe_access() == 1
    await runner(database, stage("one", work)).process(deals[1])
    assert await due(database) == [deals[2]]


def test_only_a_stage_that_passed_or_was_refused_otherwise_proves_that_access_is_granted() -> None:
    """An error of another kind proves nothing."""
    done, failed = (StepEnd(0, status) for status in (StepStatus.DONE, StepStatus.FAILED))
    assert outcome.is_granted("a", Transition(end=done))
    assert outcome.is_granted("a", Transition(end=failed, waits_for="b"))
    assert not outcome.is_granted("a", Transition(end=failed, waits_for="a"))
    assert not outcome.is_granted("a", Transition(end=failed))
    assert not outcome.is_granted("a", Transition())
