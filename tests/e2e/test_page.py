"""What a user does in the browser, beginning with the sign-in link."""

import re

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.installation import Installation, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.xdist_group("e2e")]

STAGES = ["Fetch", "Validate", "Associate", "Deduplicate", "Score", "Write back"]


def sign_in(page: Page, running: Installation) -> None:
    """With the admin token, typed into the form."""
    page.goto(running.url)
    page.get_by_label("Access token").fill(running.admin["Authorization"].removeprefix("Bearer "))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("table", name="Deal queue")).to_be_visible()


def test_the_sign_in_link_opens_the_live_queue(page: Page, running: Installation, problems: list[str]) -> None:
    """The link signs the user in and leaves no code in the address; the table has rows."""
    page.goto(running.link)
    expect(page.get_by_role("table", name="Deal queue")).to_be_visible()
    expect(page.get_by_role("row").nth(10)).to_be_visible()
    assert "#" not in page.url
    assert problems == []


def test_a_used_link_is_refused_with_a_sentence(context: BrowserContext, page: Page, running: Installation) -> None:
    """A code works once: a second browser must enter the token."""
    code = running.link.partition("#code=")[2]
    httpx.post(f"{running.url}/auth/session", json={"code": code})
    page.goto(running.link)
    expect(page.get_by_label("Access token")).to_be_visible()
    expect(page.get_by_text(re.compile("link", re.IGNORECASE)).first).to_be_visible()
    assert context.cookies() == []


def test_a_new_deal_is_shown_going_through_all_six_stages(
    page: Page, running: Installation, problems: list[str]
) -> None:
    """A deal that is created in HubSpot is synced, and its sheet shows each stage as done."""
    sign_in(page, running)
    before = set(running.truth())
    httpx.post(f"http://127.0.0.1:{running.sandbox_port}/_sim/mutate", json={"create": 1}).raise_for_status()
    created = next(iter(set(running.truth()) - before))
    found = until(
        lambda: running.rows(f"SELECT id FROM deals WHERE hubspot_deal_id = '{created}'"), seconds=30, what="the deal"
    )
    page.goto(f"{running.url}/?deal={found[0]['id']}")
    sheet = page.get_by_role("dialog")
    expect(sheet.get_by_role("listitem").filter(has_text="Write back").first).to_contain_text(
        re.compile("done", re.IGNORECASE), timeout=60_000
    )
    for label in STAGES:
        expect(sheet.get_by_role("listitem").filter(has_text=label).first).to_contain_text(
            re.compile("done", re.IGNORECASE)
        )
    assert problems == []


def test_live_can_be_switched_off_and_the_address_keeps_it(page: Page, running: Installation) -> None:
    """So it stays off after a reload and in a shared link."""
    sign_in(page, running)
    live = page.get_by_role("switch", name="Live")
    expect(live).to_be_checked()
    live.click()
    expect(live).not_to_be_checked()
    assert "live=off" in page.url
    page.reload()
    expect(page.get_by_role("switch", name="Live")).not_to_be_checked()


def test_a_row_opens_its_run_and_escape_closes_it(page: Page, running: Installation) -> None:
    """The sheet shows the six stages; closing it removes the deal from the address."""
    sign_in(page, running)
    page.get_by_role("row").nth(3).click()
    sheet = page.get_by_role("dialog")
    for label in STAGES:
        expect(sheet.get_by_text(label, exact=True).first).to_be_visible()
    assert "deal=" in page.url
    page.keyboard.press("Escape")
    expect(sheet).to_have_count(0)
    assert "deal=" not in page.url


def test_more_deals_are_shown_on_request(page: Page, running: Installation) -> None:
    """Fifty at first, a hundred after one click; new deals meanwhile are not counted, but wait behind the pill."""
    sign_in(page, running)
    until(lambda: running.rows("SELECT 1 FROM deals OFFSET 110"), seconds=30, what="110 deals")
    page.reload()
    expect(page.get_by_role("row").nth(50)).to_be_visible()
    page.get_by_role("button", name="Show 50 more").click()
    expect(page.get_by_role("row").nth(80)).to_be_attached()


def test_graphiql_answers_from_local_files(page: Page, running: Installation, problems: list[str]) -> None:
    """It loads nothing from other hosts, violates no policy, and answers a query."""
    sign_in(page, running)
    page.goto(f"{running.url}/graphiql")
    expect(page.locator(".view-lines").first).to_contain_text("dealQueue", timeout=30_000)
    page.get_by_role("button", name=re.compile("Execute query", re.IGNORECASE)).click()
    expect(page.locator(".result-window")).to_contain_text("dealQueue", timeout=30_000)
    expect(page.locator(".result-window")).to_contain_text("write_back")
    assert problems == []


def test_an_outage_shows_a_banner_and_the_rows_stay(page: Page, running: Installation) -> None:
    """A failed poll shows a banner with a retry button; the rows that were loaded stay."""
    sign_in(page, running)
    expect(page.get_by_role("row").nth(5)).to_be_visible()
    page.route("**/graphql", lambda route: route.fulfill(status=503, body="unavailable"))
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_role("row").nth(5)).to_be_visible()
    page.unroute("**/graphql")
    page.get_by_role("button", name="Retry now").click()
    expect(page.get_by_role("alert")).to_have_count(0)
