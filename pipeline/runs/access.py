"""Runs that wait until a person grants in HubSpot what it has refused: a scope of the token, for example.

One of the runs that wait for the same thing is attempted at a time, in turn. When HubSpot no longer refuses it, all of
them are due.
"""

import random

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from models.conditions import next_turns, waits_for_access
from pipeline.queue import RESUMED, wake
from pipeline.runs.base import RunStatements
from pipeline.runs.sql import requeued, shown_on_deals

# Of all runs that wait for the same thing, about one is attempted in this time, however many they are.
TURN_SECONDS = 60.0
# The leading scheduler checks this often whether a turn is overdue: the runs whose turn it was may have been cancelled.
PROBE_SECONDS = 30
# More waiting runs than this are not counted.
MOST_COUNTED = 10_000
RELEASE_BATCH = 1_000

_COUNT = text(f"""
SELECT count(*) AS n FROM (
    SELECT FROM pipeline_runs AS r WHERE {waits_for_access()} AND r.waits_for = :waits_for LIMIT {MOST_COUNTED}) AS w
""")

_OF_RUN = f"""r.id AS run_id, r.deal_id, r.priority + {RESUMED} AS priority, NULL::timestamptz AS next_attempt_at,
        r.crashes, r.job_id AS old_job_id"""


def _make_due(due: str, *, changes: str = "") -> str:
    """Make the runs that the CTE `due` selects and locks due now, each with a new job."""
    return f"""
WITH due AS ({due}), {requeued("due")}, made_due AS (
    UPDATE pipeline_runs AS r SET next_attempt_at = clock_timestamp(), job_id = j.job_id{changes}
    FROM wanted AS w JOIN jobs AS j USING (n) WHERE r.id = w.run_id
    RETURNING r.deal_id
), old_jobs AS (
    DELETE FROM procrastinate_jobs AS j USING due WHERE j.id = due.old_job_id AND j.status = 'todo'
)"""


_WAITING = f"SELECT {_OF_RUN} FROM pipeline_runs AS r WHERE {waits_for_access()}"

_ALL_DUE = _make_due(
    f"{_WAITING} AND r.waits_for = :waits_for ORDER BY r.next_attempt_at LIMIT :batch FOR NO KEY UPDATE SKIP LOCKED",
    changes=", waits_for = NULL",
)
_GRANTED = text(f"{_ALL_DUE}{shown_on_deals('made_due', returning='d.id')}")

_NEXT_DUE = _make_due(f"""{_WAITING} AND r.id IN (
        SELECT f.id FROM ({next_turns()}) AS f
        WHERE f.next_attempt_at > now() + make_interval(secs => :seconds))
    FOR NO KEY UPDATE SKIP LOCKED""")
_PROBE = text(f"{_NEXT_DUE} SELECT deal_id FROM made_due")


async def delay_of_wait(session: AsyncSession, waits_for: str) -> float:
    """The seconds until it is the turn of one more run: behind those that wait for the same thing."""
    waiting = int((await session.execute(_COUNT, {"waits_for": waits_for})).scalar_one())
    return random.uniform(0.5, 1) * TURN_SECONDS * (1 + waiting)  # noqa: S311 - spreading load, not keeping a secret


class WaitingForAccess(RunStatements):
    async def access_granted(self, waits_for: str) -> int:
        """HubSpot no longer refuses this: every run that waits for it is due; how many."""
        granted = 0
        while batch := len(await self._database.run(_GRANTED, {"waits_for": waits_for, "batch": RELEASE_BATCH})):
            granted += batch
        if granted:
            wake(self._database)
        return granted

    async def probe_access(self) -> int:
        """Attempt one run at once of each thing that is waited for and whose next turn is far away; how many."""
        probed = len(await self._database.run(_PROBE, {"seconds": PROBE_SECONDS}))
        if probed:
            wake(self._database)
        return probed
