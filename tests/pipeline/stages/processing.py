"""Runs the stages of one deal in order, as the runner does, but without leases and retries."""

from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from core.database import Database
from crm.catalog import Catalog
from crm.client import HubSpot
from crm.records import parse_deal
from pipeline.stages import STAGES
from pipeline.stages.fetch.fetch import STAGE as FETCH
from pipeline.stages.stage import SkipRun, Stage, StageContext, StageResult, StageSettings
from tests.factories import one, queued_deal

# Owners of the sandbox: an active one, and one that is deactivated.
KENJI, ULRIKE = "79544102", "76001988"

_ASSOCIATED = text("UPDATE deals SET company_ids = :companies, contact_ids = :contacts WHERE id = :id")

_ANOTHER_RUN = text("""
WITH ended AS (UPDATE pipeline_runs SET status = 'DONE' RETURNING deal_id),
     another AS (INSERT INTO pipeline_runs (deal_id, number, trigger, status, stages)
                 SELECT deal_id, count(*) + 1, 'MANUAL', 'QUEUED', '[]' FROM ended GROUP BY deal_id RETURNING id)
UPDATE deals SET latest_run_id = another.id FROM another""")


class Processing:
    def __init__(
        self, client: HubSpot, catalog: Catalog, database: Database, settings: StageSettings | None = None
    ) -> None:
        self.database = database
        self.settings = settings or StageSettings()
        self._client = client
        self._catalog = catalog

    async def store(self, hubspot_deal_id: str) -> int:
        """Store the deal as the sync does; return its id."""
        found = await self._client.get_deal(hubspot_deal_id)
        deal = parse_deal({"id": found.record.id, "properties": found.record.properties})
        return await queued_deal(
            self.database,
            hubspot_deal_id=deal.id,
            name=deal.name,
            amount=deal.amount,
            currency=deal.currency,
            hubspot_pipeline=deal.pipeline,
            hubspot_stage=deal.stage,
            hubspot_created_at=deal.created_at,
        )

    async def through(self, hubspot_deal_id: str, last: str = "write_back", **options: Any) -> dict[str, Any]:
        """The outputs of all stages up to `last`, as they are stored."""
        return await self.outputs(await self.store(hubspot_deal_id), hubspot_deal_id, last, **options)

    async def outputs(
        self, deal_id: int, hubspot_deal_id: str, last: str = "write_back", **options: Any
    ) -> dict[str, Any]:
        """The same of a deal that is stored already."""
        outputs: dict[str, Any] = {}
        for stage in STAGES:
            result = await self.run(stage, deal_id, hubspot_deal_id, outputs, **options)
            outputs[stage.key] = orjson.loads(orjson.dumps(result.output.model_dump(mode="json")))
            await self._associate(deal_id, result)
            if stage.key == last:
                break
        return outputs

    async def run(
        self, stage: Stage, deal_id: int, hubspot_deal_id: str, outputs: dict[str, Any], *, now: datetime | None = None
    ) -> StageResult:
        context = await self.context(stage, deal_id, hubspot_deal_id, outputs, now=now)
        return await stage.with_settings(self.settings).run(context)

    async def context(
        self, stage: Stage, deal_id: int, hubspot_deal_id: str, outputs: dict[str, Any], *, now: datetime | None = None
    ) -> StageContext:
        run_id = await one(self.database, "SELECT latest_run_id FROM deals WHERE id = :id", id=deal_id)
        return StageContext(
            deal_id=deal_id,
            hubspot_deal_id=hubspot_deal_id,
            run_id=run_id,
            idempotency_key=f"{run_id}:{stage.key}",
            outputs=outputs,
            crm=self._client,
            catalog=self._catalog,
            database=self.database,
            now=now or datetime.now(UTC),
        )

    async def start_another_run(self) -> None:
        """End the run of the only deal and create another one."""
        await self.database.run(_ANOTHER_RUN, {})

    async def _associate(self, deal_id: int, result: StageResult) -> None:
        if result.company_ids is not None:
            parameters = {"id": deal_id, "companies": result.company_ids, "contacts": result.contact_ids}
            await self.database.run(_ASSOCIATED, parameters)


def rules(output: dict[str, Any]) -> list[str]:
    """The rules of the findings of a stage."""
    return [finding["rule"] for finding in output["findings"]]


def message(output: dict[str, Any], rule: str) -> str:
    """The message of the only finding of that rule."""
    found = [finding["message"] for finding in output["findings"] if finding["rule"] == rule]
    assert len(found) == 1, output["findings"]
    return str(found[0])


async def skipped(processing: Processing, deal_id: int, hubspot_deal_id: str) -> SkipRun:
    """The reason why `fetch` ends the run without processing the deal."""
    with pytest.raises(SkipRun) as raised:
        await processing.run(FETCH, deal_id, hubspot_deal_id, {})
    return raised.value
