"""What the users of the account do: they create, edit, archive, merge and delete deals."""

from collections.abc import Callable, Iterable, Mapping
from random import Random

from sandbox.account import names
from sandbox.account.account import Account
from sandbox.account.deal_maker import DealMaker
from sandbox.account.merging import merge
from sandbox.account.object_types import DEALS
from sandbox.account.owners import ACTIVE_OWNERS
from sandbox.account.pipelines import STAGES, pipeline_of
from sandbox.account.properties import format_amount
from sandbox.account.records import Record
from sandbox.account.timestamps import DAY_MS, iso

# Deals that are drawn in search of an open one before a closed one is taken.
TRIES = 8
# How much earlier than before a deal is modified after a backdated edit.
BACKDATED_MS = 1_000


class SimulatedUsers:
    """`rng` decides which deals are edited and how; the account's clock gives the time."""

    def __init__(self, account: Account, maker: DealMaker, rng: Random) -> None:
        self._account = account
        self._maker = maker
        self._rng = rng
        # Weights follow a real account, where stages and amounts change most.
        self._edits: Mapping[Callable[[Record], dict[str, str]], int] = {
            self._next_stage: 45,
            self._other_amount: 25,
            self._later_close_date: 15,
            self._next_step: 10,
            self._other_owner: 5,
        }

    def create(self, count: int = 1) -> list[Record]:
        """New deals, each with company, contacts and line items."""
        now_ms = self._account.now_ms()
        return [self._maker.make(now_ms, now_ms) for _ in range(count)]

    def edit(self, deals: Iterable[Record]) -> list[Record]:
        edits, weights = list(self._edits), list(self._edits.values())
        return [
            self._account.update(DEALS, deal, self._rng.choices(edits, weights)[0](deal), source="CRM_UI")
            for deal in deals
        ]

    def set_values(self, changes: Iterable[tuple[Record, Mapping[str, str]]]) -> list[Record]:
        """Whatever the values are: imports and other apps leave some that a user could not enter."""
        return [self._account.update(DEALS, deal, values) for deal, values in changes]

    def touch(self, deals: Iterable[Record]) -> list[Record]:
        """Change only the modification time, as an edit of a pipeline does to its deals."""
        return [self._account.update(DEALS, deal, {}) for deal in deals]

    def backdate(self, deals: Iterable[Record]) -> list[Record]:
        """Edits after which the modification time is earlier than before."""
        before = list(deals)
        return [
            self._account.backdate(DEALS, edited, deal.modified_ms - BACKDATED_MS)
            for deal, edited in zip(before, self.edit(before), strict=True)
        ]

    def archive(self, deals: Iterable[Record]) -> list[Record]:
        return [self._account.archive(DEALS, deal) for deal in deals]

    def restore(self, deals: Iterable[Record]) -> list[Record]:
        return [self._account.restore(DEALS, deal) for deal in deals]

    def purge(self, deals: Iterable[Record]) -> list[Record]:
        return [self._account.purge(DEALS, deal) for deal in deals]

    def merge(self, pairs: Iterable[tuple[Record, Record]]) -> list[tuple[tuple[Record, Record], Record]]:
        """Each pair with its merged deal."""
        return [(pair, merge(self._account, DEALS, *pair)) for pair in pairs]

    def pick(self, count: int) -> list[Record]:
        """Different live deals, preferably open ones."""
        table = self._account.table(DEALS)
        picked: dict[int, Record] = {}
        while len(picked) < min(count, len(table)):
            deals = (table[self._rng.choice(table.live_ids)] for _ in range(TRIES))
            fresh = [deal for deal in deals if deal.id not in picked]
            if fresh:
                chosen = next((deal for deal in fresh if not self._is_closed(deal)), fresh[0])
                picked[chosen.id] = chosen
        return list(picked.values())

    @staticmethod
    def _is_closed(deal: Record) -> bool:
        stage = STAGES.get(deal.get("dealstage") or "")
        return stage is not None and stage.is_closed

    def _next_stage(self, deal: Record) -> dict[str, str]:
        """The following stage; after the last open one, won or lost. A closed deal gets another next step instead."""
        if self._is_closed(deal):
            return self._next_step(deal)
        pipeline = pipeline_of(deal.get("pipeline"))
        ids = [stage.id for stage in pipeline.open_stages]
        current = deal.get("dealstage")
        position = ids.index(current) + 1 if current in ids else 0
        if position < len(ids):
            return {"dealstage": ids[position]}
        closed = pipeline.closed_stage(won=self._rng.random() < 0.55)
        return {"dealstage": closed.id, "closedate": iso(self._account.now_ms())}

    def _other_amount(self, deal: Record) -> dict[str, str]:
        amount = float(deal.get("amount") or 5_000)
        return {"amount": format_amount(amount * self._rng.choice((0.8, 0.9, 1.1, 1.25, 1.5)))}

    def _later_close_date(self, _: Record) -> dict[str, str]:
        return {"closedate": iso(self._account.now_ms() + self._rng.randint(5, 60) * DAY_MS)}

    def _next_step(self, _: Record) -> dict[str, str]:
        return {"hs_next_step": self._rng.choice(names.NEXT_STEPS)}

    def _other_owner(self, _: Record) -> dict[str, str]:
        return {"hubspot_owner_id": str(self._rng.choice(ACTIVE_OWNERS).id)}
