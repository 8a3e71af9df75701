"""POST /_sim/mutate: the changes of users, imports and administrators, in the numbers that a test requests."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from itertools import islice
from typing import Any

from sandbox.account.account import Account
from sandbox.account.object_types import DEALS
from sandbox.account.pipelines import PIPELINES
from sandbox.account.records import Record
from sandbox.account.simulated_users import SimulatedUsers
from sandbox.http import errors
from sandbox.http.parsing import json_list, parse_id, parse_integer

MOST_DEALS = 100_000
KEYS = frozenset(
    {
        "create", "edit", "set", "touch", "backdate", "restore", "archive", "merge", "purge",
        "all", "same_timestamp", "pipeline_edit",
    }
)  # fmt: skip

Change = Callable[[Iterable[Record]], list[Record]]


class Mutations:
    """In the order create, edit, set, touch, backdate, restore, archive, merge, purge, on random deals or given ids."""

    def __init__(self, account: Account, users: SimulatedUsers) -> None:
        self._account = account
        self._users = users

    def run(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The ids of the changed deals, by change; ApiError 400, without any change, for an invalid request."""
        if unknown := wanted.keys() - KEYS:
            raise errors.invalid(f"Unknown: {', '.join(sorted(unknown))}; known are {', '.join(sorted(KEYS))}.")
        created = parse_integer("create", wanted.get("create", 0), 0, MOST_DEALS)
        changes: list[tuple[str, Callable[[], list[Any]]]] = [
            ("created", lambda: _ids(self._users.create(created))),
            ("edited", self._change(wanted, "edit", self._users.edit, self._live(wanted))),
            ("set", self._set(wanted)),
            ("touched", self._change(wanted, "touch", self._users.touch, self._live(wanted))),
            ("backdated", self._change(wanted, "backdate", self._users.backdate, self._live(wanted))),
            ("touched_by_pipeline", self._pipeline_edit(wanted)),
            ("restored", self._change(wanted, "restore", self._users.restore, self._oldest_archived)),
            ("archived", self._change(wanted, "archive", self._users.archive, self._users.pick)),
            ("merged", self._merge(wanted)),
            ("purged", self._change(wanted, "purge", self._users.purge, self._users.pick)),
        ]
        with self._account.shared_timestamp() if _flag(wanted, "same_timestamp") else nullcontext():
            done = {name: perform() for name, perform in changes}
        done["touched"] += done.pop("touched_by_pipeline")
        return done

    def _change(
        self, wanted: Mapping[str, Any], name: str, change: Change, pick: Callable[[int], list[Record]]
    ) -> Callable[[], list[Any]]:
        given = wanted.get(name, 0)
        if isinstance(given, list):
            deals = [self._deal(name, one) for one in given]
            return lambda: _ids(change(deals))
        # `all` makes every count mean all deals, but a change that was not requested is not made.
        count = parse_integer(name, given, 0, MOST_DEALS) if name in wanted else 0
        return lambda: _ids(change(pick(count))) if name in wanted else []

    def _set(self, wanted: Mapping[str, Any]) -> Callable[[], list[Any]]:
        """{id: {property: value}}: values as they may stand in HubSpot, which no write through the API could set."""
        given = wanted.get("set", {})
        if not isinstance(given, dict) or not all(_are_values(values) for values in given.values()):
            raise errors.invalid("set must be an object of deals' ids, each with an object of texts.")
        changes = [(self._deal("set", one), values) for one, values in given.items()]
        return lambda: _ids(self._users.set_values(changes))

    def _live(self, wanted: Mapping[str, Any]) -> Callable[[int], list[Record]]:
        every_deal = _flag(wanted, "all")
        return lambda count: self._live_deals() if every_deal else self._users.pick(count)

    def _oldest_archived(self, count: int) -> list[Record]:
        """The archived deals with the lowest ids; merged ones cannot be restored."""
        deals = self._account.table(DEALS)
        archived = (deals[deal_id] for deal_id in deals.archived_ids)
        return list(islice((deal for deal in archived if not deal.is_gone), count))

    def _pipeline_edit(self, wanted: Mapping[str, Any]) -> Callable[[], list[Any]]:
        """HubSpot touches every deal of a pipeline whose stages are edited (Pipedream #4209)."""
        pipeline = wanted.get("pipeline_edit")
        if pipeline is not None and pipeline not in {known.id for known in PIPELINES}:
            raise errors.invalid("pipeline_edit must be the id of a pipeline.")
        if pipeline is None:
            return list
        return lambda: _ids(self._users.touch(deal for deal in self._live_deals() if deal.get("pipeline") == pipeline))

    def _merge(self, wanted: Mapping[str, Any]) -> Callable[[], list[Any]]:
        given = wanted.get("merge", 0)
        if isinstance(given, list):
            pairs = [self._pair(one) for one in given]
            return lambda: self._merge_pairs(pairs)
        count = parse_integer("merge", given, 0, MOST_DEALS)
        return lambda: self._merge_pairs(_pairs(self._users.pick(2 * count)))

    def _merge_pairs(self, pairs: list[tuple[Record, Record]]) -> list[Any]:
        return [{"from": _ids(pair), "into": str(into.id)} for pair, into in self._users.merge(pairs)]

    def _pair(self, given: object) -> tuple[Record, Record]:
        ids = json_list("merge", given)
        if len(set(ids)) != 2:
            raise errors.invalid("merge must be a number, or a list of pairs of ids.")
        first, second = (self._deal("merge", one) for one in ids)
        return first, second

    def _deal(self, name: str, given: object) -> Record:
        """A deal to restore must be archived, a deal to purge may be; every other must be live."""
        deal_id = parse_id(given)
        deal = None if deal_id is None else self._account.table(DEALS).get(deal_id)
        may_be_restored = deal is not None and deal.is_in_recycle_bin and not deal.is_gone
        if deal is None or not (name == "purge" or (may_be_restored if name == "restore" else deal.is_live)):
            raise errors.invalid(f"{name}: {str(given)[:50]} is no such deal.")
        return deal

    def _live_deals(self) -> list[Record]:
        deals = self._account.table(DEALS)
        return [deals[deal_id] for deal_id in deals.live_ids]


def _are_values(given: object) -> bool:
    return isinstance(given, dict) and all(isinstance(value, str) for value in given.values())


def _flag(wanted: Mapping[str, Any], name: str) -> bool:
    value = wanted.get(name, False)
    if not isinstance(value, bool):
        raise errors.invalid(f"{name} must be true or false.")
    return value


def _ids(deals: Iterable[Record]) -> list[str]:
    return [str(deal.id) for deal in deals]


def _pairs(deals: list[Record]) -> list[tuple[Record, Record]]:
    return list(zip(deals[::2], deals[1::2], strict=False))
