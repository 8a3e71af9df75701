"""Steps that a run has carried over from an earlier one: shown with their findings, and with nothing of its time."""

from typing import Any

from core.database import Database
from pipeline.operations.audited import OperationContext
from pipeline.operations.cancel import cancel, undo_cancel
from pipeline.operations.process_now import process_now
from pipeline.operations.retry import RetryFrom, retry
from pipeline.runs.lease import Lease
from pipeline.runs.transition import Transition
from tests.api.graphql_client import GraphQLClient
from tests.factories import STAGES, done_deal, finish_step, rows, run_store
from tests.pipeline.operations.states import failed_deal

DEAL = """
query ($id: ID!) { deal(id: $id) {
  steps { isCarriedOver carriedOverFrom }
  runs { number steps { status startedAt endedAt attempts output isCarriedOver carriedOverFrom } }
} }
"""


async def runs_of(graphql: GraphQLClient, deal_id: int) -> list[dict[str, Any]]:
    """Every run, latest first; the deal's own steps are those of its latest run."""
    deal = (await graphql(DEAL, id=deal_id))["deal"]
    runs: list[dict[str, Any]] = deal["runs"]
    marks = [{"isCarriedOver": is_carried, "carriedOverFrom": number} for is_carried, number in marks_of(runs[0])]
    assert deal["steps"] == marks
    return runs


def marks_of(run: dict[str, Any]) -> list[tuple[bool, int | None]]:
    """Of each step: whether it was carried over, and from which run."""
    return [(step["isCarriedOver"], step["carriedOverFrom"]) for step in run["steps"]]


def carried(*numbers: int | None) -> list[tuple[bool, int | None]]:
    """The first steps were carried over from these runs; the others were not."""
    return [(True, number) for number in numbers] + [(False, None)] * (len(STAGES) - len(numbers))


async def claim(database: Database, deal_id: int) -> Lease:
    """The deal's run, in its first unfinished stage."""
    lease = await run_store(database).claim(deal_id, worker="worker@test")
    assert lease is not None
    await run_store(database).move(lease, Transition(begin=lease.position))
    return lease


async def test_the_findings_of_a_carried_stage_are_shown(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """With the output that the earlier run stored, and without the time at which that run did the work."""
    lease = await failed_deal(database, finished=2)
    await retry(context, lease.deal_id)
    latest, first = await runs_of(graphql, lease.deal_id)
    assert [step["output"] for step in latest["steps"][:3]] == [{"stage": "fetch"}, {"stage": "validate"}, None]
    assert [(step["startedAt"], step["endedAt"]) for step in latest["steps"]] == [(None, None)] * 6
    assert marks_of(latest) == carried(1, 1)
    assert marks_of(first) == carried()
    assert all(step["startedAt"] and step["endedAt"] for step in first["steps"][:2])


async def test_a_retry_from_each_stage_marks_the_stages_before_it(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """Those that the run executes itself have its own times and no mark, also once it is done."""
    for position, key in enumerate(STAGES):
        lease = await done_deal(database)
        await retry(context, lease.deal_id, RetryFrom(stage=key))
        again = await claim(database, lease.deal_id)
        for own in range(position, len(STAGES)):
            await finish_step(database, again, own)
        latest = (await runs_of(graphql, lease.deal_id))[0]
        assert marks_of(latest) == carried(*[1] * position)
        assert [step["output"] for step in latest["steps"]] == [{"stage": stage} for stage in STAGES]
        assert [step["endedAt"] is None for step in latest["steps"]] == [own < position for own in range(len(STAGES))]
        assert [step["attempts"] for step in latest["steps"]] == [0] * position + [1] * (len(STAGES) - position)


async def test_a_step_that_is_carried_twice_names_the_run_that_ran_it(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """Not the run in between, which had carried it over itself; a named older run is named as well."""
    lease = await failed_deal(database, finished=2)
    await retry(context, lease.deal_id)
    again = await claim(database, lease.deal_id)
    await finish_step(database, again, 2)
    # In its fourth stage: what a cancelled run had not finished is not carried over.
    await cancel(context, lease.deal_id)
    await run_store(database).move(again, Transition(begin=None))
    await undo_cancel(context, lease.deal_id)
    assert marks_of((await runs_of(graphql, lease.deal_id))[0]) == carried(1, 1, 2)
    await cancel(context, lease.deal_id)
    await retry(context, lease.deal_id, RetryFrom(run_id=lease.run_id))
    assert [(run["number"], marks_of(run)) for run in await runs_of(graphql, lease.deal_id)] == [
        (4, carried(1, 1)), (3, carried(1, 1, 2)), (2, carried(1, 1)), (1, carried())
    ]  # fmt: skip


async def test_a_whole_run_carries_nothing_over(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """Nor does a run that is requested now."""
    lease = await done_deal(database)
    await retry(context, lease.deal_id, RetryFrom(whole=True))
    await cancel(context, lease.deal_id)
    await process_now(context, lease.deal_id)
    assert [marks_of(run) for run in await runs_of(graphql, lease.deal_id)] == [carried()] * 3


async def test_a_step_that_an_earlier_release_carried_over_is_marked(
    graphql: GraphQLClient, database: Database, context: OperationContext
) -> None:
    """It has an output; from which run it comes is not known."""
    lease = await failed_deal(database, finished=1)
    await retry(context, lease.deal_id)
    await rows(database, "UPDATE steps SET carried_from = NULL RETURNING run_id")
    latest = (await runs_of(graphql, lease.deal_id))[0]
    assert marks_of(latest) == carried(None)
    assert latest["steps"][0]["output"] == {"stage": "fetch"}
