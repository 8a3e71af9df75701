"""Creates one deal with its associated records, with the data errors that real deals have.

The share of each error, here and in deal_line_items.py and deal_progress.py: docs/sandbox.md, "Data".
"""

from collections import deque
from random import Random

from sandbox.account import names
from sandbox.account.account import Account
from sandbox.account.deal_line_items import LineItem, draw_amount, draw_items
from sandbox.account.deal_progress import DealProgress, draw_close_date, draw_progress
from sandbox.account.object_types import DEALS, LINE_ITEMS, NOTES
from sandbox.account.owners import ACTIVE_OWNERS, INACTIVE_OWNER
from sandbox.account.people import People
from sandbox.account.properties import format_amount
from sandbox.account.records import Record
from sandbox.account.timestamps import DAY_MS, iso

NO_CONTACT, NO_COMPANY = 0.10, 0.15
NO_OWNER, OWNED_BY_INACTIVE = 0.05, 0.03
DUPLICATE = 0.04
DUPLICATE_WITHIN_MS = 60 * DAY_MS
WITH_NOTE = 0.15
# Share of the open deals that have stalled; share of all deals that have no activity.
STALLED, NO_ACTIVITY = 0.35, 0.20
RECENT_MS = 25 * DAY_MS
# Deals to which one bulk update, days ago, gave the same modification time; real accounts have thousands.
BULK_UPDATED = 0.05
BULK_UPDATE_AGE_MS = 9 * DAY_MS
# Closed deals are still edited for some weeks: a missing reason, a forgotten amount.
EDITED_AFTER_CLOSE_MS = 21 * DAY_MS
CURRENCIES = ("USD", "USD", "USD", "USD", "EUR", "EUR", "GBP", "SEK")
DEAL_TO_CONTACT, DEAL_TO_PRIMARY_COMPANY, DEAL_TO_LINE_ITEM, NOTE_TO_DEAL = 3, 5, 19, 214


class DealMaker:
    """`rng` decides every value; dates are relative to the `now_ms` that `make` gets."""

    def __init__(self, account: Account, rng: Random) -> None:
        self._account = account
        self._rng = rng
        self._people = People(account, rng)
        self._recent: deque[tuple[Record, Record]] = deque(maxlen=20)

    @property
    def stateful_parts(self) -> tuple[object, ...]:
        """Every object that holds state, for a snapshot."""
        return (self, self._people)

    def make(self, created_ms: int, now_ms: int) -> Record:
        """A deal created at `created_ms`, in its state at `now_ms`, with its company, contacts and line items."""
        original = self._original(created_ms)
        if original:
            company: Record | None = original[1]
        else:
            company = None if self._rng.random() < NO_COMPANY else self._people.company(created_ms)
        progress = draw_progress(created_ms, now_ms, self._rng, closed=False if original else None)
        items = () if original else draw_items(self._rng)
        active_ms = self._active_ms(progress, now_ms)
        properties = self._properties(company, progress, items, now_ms)
        if self._rng.random() >= NO_ACTIVITY:
            properties |= {"notes_last_updated": iso(active_ms), "hs_last_activity_date": iso(active_ms)}
        if original:
            properties |= self._name_and_amount_like(original[0])
        modified_ms = self._modified_ms(progress, active_ms, now_ms)
        deal = self._account.insert(
            DEALS,
            properties | {"hs_createdate": iso(created_ms)},
            created_ms=created_ms,
            modified_ms=modified_ms,
            history={"dealstage": progress.versions()},
        )
        self._add_associated(deal, company, items)
        if company is not None and not progress.stage.is_closed:
            self._recent.append((deal, company))
        return deal

    def _original(self, created_ms: int) -> tuple[Record, Record] | None:
        """A recent deal that the new deal duplicates, and its company."""
        known = [pair for pair in self._recent if created_ms - pair[0].created_ms < DUPLICATE_WITHIN_MS]
        return self._rng.choice(known) if known and self._rng.random() < DUPLICATE else None

    def _name_and_amount_like(self, original: Record) -> dict[str, str]:
        amount = original.get("amount")
        similar = {"dealname": names.near_name(original.properties["dealname"], self._rng)}
        if amount is not None:
            similar["amount"] = format_amount(float(amount) * self._rng.uniform(0.97, 1.03))
        return similar

    def _properties(
        self, company: Record | None, progress: DealProgress, items: tuple[LineItem, ...], now_ms: int
    ) -> dict[str, str]:
        rng, stage = self._rng, progress.stage
        lost = stage.is_closed and not stage.is_won
        values = {
            "dealname": names.deal_name(company.get("name") if company else None, rng),
            "amount": draw_amount(items, rng),
            "closedate": draw_close_date(progress, now_ms, rng),
            "pipeline": progress.pipeline.id,
            "dealstage": stage.id,
            "dealtype": rng.choice(("newbusiness", "existingbusiness", None)),
            "deal_currency_code": rng.choice(CURRENCIES),
            "hs_priority": rng.choice(("low", "medium", "high", None)),
            "hs_next_step": None if stage.is_closed else rng.choice((*names.NEXT_STEPS, None, None, None)),
            "closed_lost_reason": rng.choice((*names.LOST_REASONS, None)) if lost else None,
            "hs_object_source": rng.choice(("CRM_UI", "IMPORT", "INTEGRATION")),
            "hs_v2_date_entered_current_stage": iso(progress.entered_ms),
        }
        return self._owner() | {name: value for name, value in values.items() if value is not None}

    def _owner(self) -> dict[str, str]:
        draw = self._rng.random()
        if draw < NO_OWNER:
            return {}
        owner = INACTIVE_OWNER if draw < NO_OWNER + OWNED_BY_INACTIVE else self._rng.choice(ACTIVE_OWNERS)
        return {"hubspot_owner_id": str(owner.id), "hubspot_team_id": owner.team}

    def _active_ms(self, progress: DealProgress, now_ms: int) -> int:
        """The last work on the deal: recent for an open deal, the change of stage for a stalled or closed one."""
        if progress.stage.is_closed or self._rng.random() < STALLED:
            return progress.entered_ms
        since = max(progress.entered_ms, now_ms - RECENT_MS)
        return since + int(self._rng.random() * (now_ms - since))

    def _modified_ms(self, progress: DealProgress, active_ms: int, now_ms: int) -> int:
        """The last modification: soon after the last work, at any time since for an open deal, or the bulk update."""
        bulk_ms = now_ms - BULK_UPDATE_AGE_MS
        if active_ms < bulk_ms and self._rng.random() < BULK_UPDATED:
            return bulk_ms
        span_ms = min(now_ms - active_ms, EDITED_AFTER_CLOSE_MS) if progress.stage.is_closed else now_ms - active_ms
        return active_ms + int(self._rng.random() * span_ms)

    def _add_associated(self, deal: Record, company: Record | None, items: tuple[LineItem, ...]) -> None:
        associations = self._account.associations
        if company is not None:
            associations.add(DEAL_TO_PRIMARY_COMPANY, deal.id, company.id)
        if self._rng.random() >= NO_CONTACT:
            for contact_id in self._people.contacts(company, deal.created_ms):
                associations.add(DEAL_TO_CONTACT, deal.id, contact_id)
        for item in items:
            properties = item.properties(deal.properties["deal_currency_code"])
            line = self._account.insert(LINE_ITEMS, properties, created_ms=deal.created_ms)
            associations.add(DEAL_TO_LINE_ITEM, deal.id, line.id)
        if self._rng.random() < WITH_NOTE:
            body = f"<p>Spoke with the customer. Next: {self._rng.choice(names.NEXT_STEPS).lower()}.</p>"
            properties = {"hs_note_body": body, "hs_timestamp": iso(deal.created_ms)}
            note = self._account.insert(NOTES, properties, created_ms=deal.created_ms)
            associations.add(NOTE_TO_DEAL, note.id, deal.id)
