"""Loaders: the rows that many sibling fields of one request need are read by one statement."""

from collections import defaultdict
from collections.abc import Sequence

import orjson
from sqlalchemy import BigInteger, Text, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY
from strawberry.dataloader import DataLoader

from core.database import Database
from resolvers.rows import DealState, RunRow, StepDetail, StepRow
from resolvers.runs import DELETED_DEAL, RUNS, STATES, deal_state, run_row, steps

# `output` as text: orjson decodes every number to a float or int, as JavaScript clients do.
_DETAILS = select(
    steps.c.run_id,
    steps.c.stage,
    steps.c.status,
    steps.c.attempts,
    cast(steps.c.output, Text).label("output"),
    steps.c.error_type,
    steps.c.error_message,
).where(steps.c.run_id == func.any(bindparam("run_ids", type_=ARRAY(BigInteger))))


class Loaders:
    """For one request; the keys of `states` and `runs` are ids of deals."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.states: DataLoader[int, DealState] = DataLoader(self._load_states)
        self._runs: DataLoader[int, list[RunRow]] = DataLoader(self._load_runs)
        self._details: DataLoader[int, dict[str, StepDetail]] = DataLoader(self._load_details)

    async def runs(self, deal_id: int) -> list[RunRow]:
        """Every run of the deal, latest first, consistent with its state.

        The state is read first. Runs newer than the state's are left out, and the latest run is the state's own: so the
        deal's status and its runs never contradict each other.
        """
        latest = (await self.states.load(deal_id)).latest_run
        runs = await self._runs.load(deal_id)
        if latest is None:
            return []
        return [latest, *(run for run in runs if run.number < latest.number)]

    async def detail(self, step: StepRow) -> StepDetail | None:
        """What the step has stored; None if it has stored nothing, or has changed since it was read."""
        # A carried-over step has an output, and no attempts.
        if step.attempts == 0 and not step.is_carried_over:
            return None
        detail = (await self._details.load(step.run_id)).get(step.stage)
        same = detail is not None and (detail.status, detail.attempts) == (step.status, step.attempts)
        return detail if same else None

    async def _load_states(self, deal_ids: list[int]) -> Sequence[DealState]:
        rows = await self._database.run(STATES, {"deal_ids": deal_ids})
        states = {row.deal_id: deal_state(row) for row in rows}
        return [states.get(deal_id, DELETED_DEAL) for deal_id in deal_ids]

    async def _load_runs(self, deal_ids: list[int]) -> Sequence[list[RunRow]]:
        runs = defaultdict[int, list[RunRow]](list)
        for row in await self._database.run(RUNS, {"deal_ids": deal_ids}):
            runs[row.deal_id].append(run_row(row))
        return [runs[deal_id] for deal_id in deal_ids]

    async def _load_details(self, run_ids: list[int]) -> Sequence[dict[str, StepDetail]]:
        details = defaultdict[int, dict[str, StepDetail]](dict)
        for row in await self._database.run(_DETAILS, {"run_ids": run_ids}):
            output = None if row.output is None else orjson.loads(row.output)
            details[row.run_id][row.stage] = StepDetail(
                row.status, row.attempts, output, row.error_type, row.error_message
            )
        return [details[run_id] for run_id in run_ids]
