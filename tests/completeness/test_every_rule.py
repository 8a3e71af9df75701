"""Every rule finds what is wrong one sync and one run after an edit, stops as soon, and keeps up with the days."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, get_args

from core.database import Database
from core.days import start_of_day
from pipeline.rulebook import RuleName
from pipeline.runs.store import RunStore
from tests.completeness.account import Account
from tests.completeness.at_work import AtWork, at_work
from tests.completeness.rule_walk import RARE, WALKED, Walk, all_right, text, tomorrow, walks
from tests.factories import rows

DEALS = 1
# HubSpot's types of associations of a deal.
CONTACT, COMPANY, PRIMARY_COMPANY, LINE_ITEM = 3, 341, 5, 19
# Records around the deal, which HubSpot changes without the deal.
OF_RECORDS: tuple[RuleName, ...] = (
    "contact_missing", "company_missing", "primary_company_missing", "associated_record_missing",
)  # fmt: skip
# The sandbox always knows when a stage was entered, and a hundred contacts are read as one is.
NOT_WALKED: tuple[RuleName, ...] = ("stage_age_unknown", "associations_truncated")


def deal_of(hubspot: Account, rule: str, walk: Walk) -> str:
    """A deal for the rule, with the records that the rule compares."""
    associations = []
    if walk.line_item:
        item = {"name": "Licence", "quantity": "1", "price": walk.line_item, "hs_line_item_currency_code": "EUR"}
        associations.append((LINE_ITEM, hubspot.create("line_items", item)))
    if rule.startswith("duplicate"):
        contact = hubspot.create("contacts", {"email": f"{rule}@engines.example"})
        associations.append((CONTACT, contact))
        if rule == "duplicate_suspected":
            twin = {"dealname": "A deal", "dealstage": "qualifiedtobuy", "pipeline": "default", "amount": "7000"}
            hubspot.create("deals", {**twin, "deal_currency_code": "EUR"}, [(CONTACT, contact)])
    if rule == "slow_in_stage":
        # With those that have just entered it, the median of the stage is 0 days.
        fresh = [hubspot.create("deals", {"dealname": "Fresh", "dealstage": "qualifiedtobuy"}) for _ in range(3)]
        hubspot.mutate(set={deal: {"pipeline": "default", "dealstage": RARE} for deal in fresh})
    return hubspot.create("deals", {"dealname": rule, "dealstage": "qualifiedtobuy"}, associations)


async def still_wrong(
    installation: AtWork, deals: Mapping[RuleName, str], known: Mapping[RuleName, Walk], *, expected: bool
) -> list[str]:
    """The rules whose deal does not have the expected finding, or lack of it."""
    names = {rule: known[rule].reported_as or rule for rule in deals}
    return [rule for rule, deal in deals.items() if (names[rule] in await installation.findings(deal)) != expected]


async def test_every_rule_follows_an_edit_within_one_sync_and_one_run(database: Database, hubspot: Account) -> None:
    """Wrong when the deal is new, then edited to be right, and back; then midnight passes, without an edit."""
    async with at_work(database, hubspot, rulebook=WALKED) as installation:
        zone = await installation.context.catalog.time_zone()
        day = (installation.clock.now() + timedelta(days=1)).astimezone(zone).date()
        # Noon: the edits are far from midnight.
        now = start_of_day(day, zone) + timedelta(hours=12)
        installation.advance(now - installation.clock.now())
        known = walks(now)
        assert {*known, *OF_RECORDS, *NOT_WALKED} == set(get_args(RuleName))
        deals = {rule: deal_of(hubspot, rule, walk) for rule, walk in known.items()}

        def edit(change: Mapping[RuleName, Mapping[str, str]]) -> None:
            hubspot.mutate(set={deals[rule]: {**all_right(now), **values} for rule, values in change.items()})

        edit({rule: walk.wrong for rule, walk in known.items()})
        await installation.sync_and_work()
        assert await still_wrong(installation, deals, known, expected=True) == []
        edit({rule: walk.right for rule, walk in known.items()})
        await installation.sync()
        assert await installation.work() == len(deals)
        assert await still_wrong(installation, deals, known, expected=False) == []
        dates = tomorrow(now)
        edit({rule: walk.wrong for rule, walk in known.items() if rule not in dates} | dates)
        await installation.sync_and_work()
        dated = {rule: deals[rule] for rule in dates}
        assert await still_wrong(installation, dated, known, expected=False) == []
        others = {rule: deal for rule, deal in deals.items() if rule not in dates}
        assert await still_wrong(installation, others, known, expected=True) == []
        midnight = start_of_day(day + timedelta(days=1), zone)
        installation.advance(midnight - installation.clock.now() - timedelta(seconds=10))
        await installation.start_runs()
        assert await installation.work() == 0
        installation.advance(timedelta(seconds=20))
        await installation.start_runs()
        assert await installation.work() >= len(dated)
        assert await still_wrong(installation, dated, known, expected=True) == []


async def test_what_changes_without_the_deal_is_found_within_a_week(database: Database, hubspot: Account) -> None:
    """Contacts and companies: HubSpot says of their changes nothing in the deal that a search would find."""
    async with at_work(database, hubspot) as installation:
        deal = hubspot.create("deals", {"dealname": "Alone", "dealstage": "qualifiedtobuy"})
        await installation.sync_and_work()
        assert await _of_records(installation, deal) == {"contact_missing", "company_missing"}
        contact = hubspot.create("contacts", {"email": "ada@engines.example"})
        company = hubspot.create("companies", {"name": "Engines", "domain": "engines.example"})
        hubspot.associate(deal, "contacts", contact, CONTACT)
        hubspot.associate(deal, "companies", company, COMPANY)
        await _a_week(installation)
        assert await _of_records(installation, deal) == {"primary_company_missing"}
        hubspot.associate(deal, "companies", company, PRIMARY_COMPANY)
        hubspot.archive("contacts", contact)
        await _a_week(installation)
        assert await _of_records(installation, deal) == {"contact_missing", "associated_record_missing"}
        assert (await installation.triggers([deal]))["RECHECK"] == 2


async def _of_records(installation: AtWork, deal: str) -> set[Any]:
    return await installation.findings(deal) & set(OF_RECORDS)


async def _a_week(installation: AtWork) -> None:
    installation.advance(timedelta(days=7, seconds=1))
    await installation.start_runs()
    await installation.work()


async def test_a_note_of_ours_does_not_make_a_stalled_deal_look_alive(database: Database, hubspot: Account) -> None:
    """Not to the next run either, nor after the write of a task was refused; a person's activity does."""
    async with at_work(database, hubspot, write_back=True) as installation:
        now = installation.clock.now()
        idle = {**all_right(now), "amount": "-5", "hs_last_activity_date": text(now - timedelta(days=40))}
        deals = [hubspot.create("deals", {"dealname": "Idle", "dealstage": "qualifiedtobuy"}) for _ in range(2)]
        hubspot.mutate(set=dict.fromkeys(deals, idle))
        hubspot.fault("validation_refused", r"/0-27$", method="POST", times=1)
        assert await installation.sync_and_work() >= len(deals)
        assert {deal: hubspot.notes()[deal] for deal in deals} == dict.fromkeys(deals, 1)
        assert hubspot.clear_faults()["validation_refused"] == 1
        for deal in deals:
            assert "stalled" in await installation.findings(deal)
        assert await installation.sync_and_work() == 0
        installation.advance(timedelta(hours=1))
        hubspot.mutate(set={deal: {"amount": "-6"} for deal in deals})
        assert await installation.sync_and_work() == len(deals)
        for deal in deals:
            assert "stalled" in await installation.findings(deal)
        assert {deal: hubspot.notes()[deal] for deal in deals} == dict.fromkeys(deals, 1)
        installation.advance(timedelta(minutes=1))
        hubspot.mutate(set={deal: {"hs_last_activity_date": text(installation.clock.now())} for deal in deals})
        assert await installation.sync_and_work() == len(deals)
        for deal in deals:
            assert "stalled" not in await installation.findings(deal)


async def test_a_mass_edit_is_held_until_it_is_approved_and_new_deals_come_first(
    database: Database, hubspot: Account
) -> None:
    """As many new deals that arrive at once are."""
    async with at_work(database, hubspot, sync_hold_above=3) as installation:
        deals = [hubspot.create("deals", {"dealname": f"Deal {n}", "dealstage": "contractsent"}) for n in range(3)]
        await installation.sync_and_work()
        deals += [hubspot.create("deals", {"dealname": f"Deal {n}", "dealstage": "contractsent"}) for n in range(3)]
        await installation.sync_and_work()
        hubspot.mutate(set={deal: {"amount": "1"} for deal in deals})
        new = hubspot.create("deals", {"dealname": "New", "dealstage": "contractsent"})
        await installation.sync()
        assert await RunStore.count_held(database) == 3
        queue = "SELECT trigger::text AS kind FROM pipeline_runs WHERE status = 'QUEUED' ORDER BY priority DESC, id"
        assert (await rows(database, queue))[0]["kind"] == "NEW"
        assert await installation.work() == 4
        async with database.write() as session:
            assert await RunStore.release_held(session) == 3
        assert await installation.work() == 3
        for deal in deals:
            assert "amount_missing" not in await installation.findings(deal)
        assert "amount_missing" in await installation.findings(new)
