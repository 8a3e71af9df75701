"""A page of deals as the arrays that PostgreSQL turns into a table."""

from dataclasses import astuple
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from sqlalchemy import text

from core.database import Database
from models import Deal, RunReason, RunStatus
from pipeline.queue import Priority
from pipeline.runs.synced_deal import COLUMNS, FIELDS, SHOWN, VERSION, as_table, listed, page_arrays
from tests.factories import deal_row


@pytest.mark.parametrize("names", [FIELDS, VERSION])
async def test_a_page_reaches_the_database_unchanged(database: Database, names: tuple[str, ...]) -> None:
    """Every field of every deal, in the order of the page; empty ones are NULL."""
    deals = [
        deal_row("2", amount=Decimal("12345678901234567890.55"), close_date=datetime(2026, 1, 2, tzinfo=UTC)),
        deal_row("1", name=None, amount=None, owner_id=None, archived_at=datetime(2026, 3, 4, tzinfo=UTC)),
        deal_row(run_status=RunStatus.SKIPPED, run_reason=RunReason.NOT_SELECTED, run_priority=Priority.BACKFILL),
    ]
    read = text(f"SELECT {listed('p.', names)} FROM {as_table(names)} AS p ({listed('', names)})")
    found = await database.run(read, page_arrays(deals, names))
    expected = [
        tuple(value for name, value in zip(FIELDS, astuple(deal), strict=True) if name in names) for deal in deals
    ]
    order = [name for name in FIELDS if name in names]
    assert [tuple(getattr(row, name) for name in order) for row in found] == expected


def test_the_fields_are_columns_of_the_deal() -> None:
    """Except for those of its first run."""
    columns = set(Deal.__table__.columns.keys())
    assert set(COLUMNS) <= columns
    assert set(FIELDS) - columns == {"run_status", "run_reason", "run_priority"}
    assert set(SHOWN) | set(VERSION) <= set(COLUMNS)
    # The statement that stores a page updates all columns but the first, by which it finds the deal.
    assert COLUMNS[0] == "hubspot_deal_id"
