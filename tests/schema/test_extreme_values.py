"""Whatever a row holds, every field of the API can be serialized."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from core.database import Database
from models import RunStatus, StepStatus
from tests.api.graphql_client import GraphQLClient
from tests.factories import insert_deal, insert_run, insert_step
from tests.schema.every_field import every_field

YEARS = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC))
FAR = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
texts = st.none() | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
values = st.fixed_dictionaries(
    {
        **dict.fromkeys(("name", "currency", "hubspot_pipeline", "hubspot_stage", "owner_name"), texts),
        "hubspot_stage_label": texts,
        "amount": st.none() | st.decimals(-(10**30), 10**30, places=6),
        "close_date": st.none()
        | st.sampled_from([*YEARS, datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]),
    }
)


@pytest.mark.parametrize("stored", ["-infinity", "infinity", "0001-01-01 BC", "20000-01-01"])
async def test_a_date_that_the_driver_cannot_return_is_shown_as_none(
    graphql: GraphQLClient, database: Database, stored: str
) -> None:
    """An earlier release has stored a close date in year 1 as -infinity, and a time of archiving."""
    deal_id = await insert_deal(database)
    await database.run(text(f"UPDATE deals SET close_date = '{stored}'"))
    assert (await graphql("{ dealQueue { items { closeDate } } }"))["dealQueue"]["items"] == [{"closeDate": None}]
    assert (await graphql(every_field(deal_id)))["deal"]["closeDate"] is None
    await database.run(text("UPDATE deals SET archived_at = '-infinity'"))
    assert "recycle bin since 2026-11-01" in (await graphql(every_field(deal_id)))["whereIs"]["words"]


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(values)
async def test_every_field_of_any_row_is_json(
    graphql: GraphQLClient, database: Database, columns: dict[str, Any]
) -> None:
    """Amounts and texts as they were stored; dates in the years that are dates."""
    deal_id = await insert_deal(database, **columns)
    run_id = await insert_run(database, deal_id, RunStatus.FAILED, (StepStatus.DONE,), started_at=YEARS[1])
    error = {
        "error_type": columns["name"],
        "error_message": columns["owner_name"],
        "output": {"at": columns["currency"]},
    }
    await insert_step(database, run_id, 1, StepStatus.FAILED, **error)
    found = (await graphql(every_field(deal_id)))["deal"]
    assert (found["name"], found["ownerName"]) == (columns["name"], columns["owner_name"])
    assert found["amount"] is None if columns["amount"] is None else Decimal(found["amount"]) == columns["amount"]
    readable = columns["close_date"] in YEARS
    assert found["closeDate"] == (columns["close_date"].isoformat() if readable else None)
    assert datetime.fromisoformat(found["createdAt"]).utcoffset() == timedelta(0)
