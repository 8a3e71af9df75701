"""Which properties request another run: RERUN_ON, or all that a rule reads, those of the admins' rules included."""

from dataclasses import replace

import pytest

from core.database import Database
from core.errors import ConfigurationError
from core.settings import Settings
from crm.client import HubSpot
from crm.properties import PROPERTIES
from pipeline.rulebook import read_by_rules, shipped_rulebook
from scheduler.context import JobContext
from scheduler.sync.rerun_on import check_rerun_on, rerun_properties
from tests.crm.account import Account
from tests.hubspot import Sandbox
from tests.scheduler.contexts import leading_context

RULES = "/property-validations"


async def properties(database: Database, client: HubSpot, rerun_on: str = "") -> tuple[str, ...]:
    return await rerun_properties(await leading_context(database, client, rerun_on=rerun_on))


async def test_unset_it_is_every_property_that_a_rule_reads(database: Database, client: HubSpot) -> None:
    """The admins of the account have rules for amount, name and next step."""
    assert await properties(database, client) == read_by_rules(shipped_rulebook())
    narrow = replace(await leading_context(database, client), read_by_rules=("dealtype",))
    assert await rerun_properties(narrow) == ("dealname", "amount", "dealtype", "hs_next_step")


@pytest.mark.parametrize(
    ("rerun_on", "expected"),
    [("none", ()), (" None ", ()), ("dealstage, amount", ("dealstage", "amount"))],
)
async def test_set_it_is_the_list_or_none(
    database: Database, client: HubSpot, account: Account, rerun_on: str, expected: tuple[str, ...]
) -> None:
    """Without a call."""
    route = "GET /crm/property-validations/{version}/{type}"
    before = account.calls(route)
    assert await properties(database, client, rerun_on) == expected
    assert account.calls(route) == before


async def test_if_the_admins_rules_cannot_be_read_every_property_counts(context: JobContext, hubspot: Sandbox) -> None:
    """No sync fails for them, and HubSpot is not asked again at every poll."""
    hubspot.fault("not_found", "GET", RULES, times=100)
    seen = len(hubspot.journal())
    for _ in range(3):
        assert await rerun_properties(context) == tuple(name for name in PROPERTIES if name != "hs_lastmodifieddate")
    assert len(hubspot.journal()) == seen + 1
    hubspot.heal()


@pytest.mark.parametrize("name", ["ammount", "hs_lastmodifieddate", "none,amount"])
def test_a_property_whose_change_cannot_be_noticed_is_refused(name: str) -> None:
    """At the start, with those that are possible."""
    with pytest.raises(
        ConfigurationError, match=r"RERUN_ON: the change of .* cannot start a run; allowed are dealname, "
    ):
        check_rerun_on(Settings(rerun_on=name))
    check_rerun_on(Settings())
    check_rerun_on(Settings(rerun_on="none"))
