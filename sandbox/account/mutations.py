"""POST /_sim/mutate: what people, imports and administrators do to deals, as often as a test wants it."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext
from typing import Any

from sandbox.account.account import World
from sandbox.account.object_types import DEALS
from sandbox.account.pipelines import PIPELINES
from sandbox.account.records import Record
from sandbox.account.simulated_users import Activity
from sandbox.http import errors
from sandbox.http.call import in_range, list_of, record_id

MOST_AT_ONCE = 100_000
KEYS = frozenset(
    {
        "create", "edit", "touch", "restore", "archive", "merge", "purge",
        "all", "same_timestamp", "pipeline_edit",
    }
)  # fmt: skip

Act = Callable[[Iterable[Record]], list[Record]]


class Mutations:
    """In the order create, edit, touch, restore, archive, merge, purge. Deals are picked, or named by their ids."""

    def __init__(self, world: World, activity: Activity) -> None:
        self._world = world
        self._activity = activity

    def run(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """The ids of what was done; ApiError 400 for what makes no sense, and nothing is done then."""
        if unknown := wanted.keys() - KEYS:
            raise errors.invalid(f"Unknown: {', '.join(sorted(unknown))}; known are {', '.join(sorted(KEYS))}.")
        steps = [
            ("created", self._creation(wanted)),
            ("edited", self._step(wanted, "edit", self._activity.edit, self._live(wanted))),
            ("touched", self._step(wanted, "touch", self._activity.touch, self._live(wanted))),
            ("touched_by_pipeline", self._pipeline_edit(wanted)),
            ("restored", self._step(wanted, "restore", self._activity.restore, self._binned)),
            ("archived", self._step(wanted, "archive", self._activity.archive, self._activity.pick)),
            ("merged", self._merge(wanted)),
            ("purged", self._step(wanted, "purge", self._activity.purge, self._activity.pick)),
        ]
        with self._world.one_moment() if _flag(wanted, "same_timestamp") else nullcontext():
            done = {what: step() for what, step in steps}
        done["touched"] += done.pop("touched_by_pipeline")
        return done

    def _creation(self, wanted: Mapping[str, Any]) -> Callable[[], list[Any]]:
        count = in_range("create", wanted.get("create", 0), 0, MOST_AT_ONCE)
        return lambda: _ids(self._activity.create(count))

    def _step(
        self, wanted: Mapping[str, Any], name: str, act: Act, pick: Callable[[int], list[Record]]
    ) -> Callable[[], list[Any]]:
        given = wanted.get(name, 0)
        if isinstance(given, list):
            deals = [self._deal(name, one) for one in given]
            return lambda: _ids(act(deals))
        # `all` makes every count mean all, but what was not asked for is not done.
        count = in_range(name, given, 0, MOST_AT_ONCE) if name in wanted else 0
        return lambda: _ids(act(pick(count))) if name in wanted else []

    def _live(self, wanted: Mapping[str, Any]) -> Callable[[int], list[Record]]:
        everyone = _flag(wanted, "all")
        return lambda count: (
            self._records(self._world.table(DEALS).live_ids) if everyone else self._activity.pick(count)
        )

    def _binned(self, count: int) -> list[Record]:
        """The first of the recycle bin."""
        return self._records(self._world.table(DEALS).archived_ids[:count])

    def _pipeline_edit(self, wanted: Mapping[str, Any]) -> Callable[[], list[Any]]:
        """HubSpot touches every deal of a pipeline whose stages are edited (Pipedream #4209)."""
        pipeline = wanted.get("pipeline_edit")
        if pipeline is not None and pipeline not in {known.id for known in PIPELINES}:
            raise errors.invalid("pipeline_edit must be the id of a pipeline.")
        return lambda: _ids(self._activity.touch(self._of_pipeline(pipeline))) if pipeline else []

    def _of_pipeline(self, pipeline: str) -> list[Record]:
        deals = self._records(self._world.table(DEALS).live_ids)
        return [deal for deal in deals if deal.get("pipeline") == pipeline]

    def _merge(self, wanted: Mapping[str, Any]) -> Callable[[], list[Any]]:
        given = wanted.get("merge", 0)
        if isinstance(given, list):
            pairs = [self._pair(one) for one in given]
            return lambda: self._merged(pairs)
        count = in_range("merge", given, 0, MOST_AT_ONCE)
        return lambda: self._merged(_paired(self._activity.pick(2 * count)))

    def _merged(self, pairs: list[tuple[Record, Record]]) -> list[Any]:
        return [{"from": _ids(pair), "into": str(into.id)} for pair, into in self._activity.merge(pairs)]

    def _pair(self, given: object) -> tuple[Record, Record]:
        ids = list_of("merge", given)
        if len(set(ids)) != 2:
            raise errors.invalid("merge must be a number, or a list of pairs of ids.")
        first, second = (self._deal("merge", one) for one in ids)
        return first, second

    def _deal(self, name: str, given: object) -> Record:
        """What is restored lies in the recycle bin; what is purged may; everything else is live."""
        number = record_id(given)
        deal = None if number is None else self._world.table(DEALS).get(number)
        if deal is None or (name != "purge" and deal.is_live == (name == "restore")):
            raise errors.invalid(f"{name}: {str(given)[:50]} is no such deal.")
        return deal

    def _records(self, ids: Iterable[int]) -> list[Record]:
        table = self._world.table(DEALS)
        return [record for number in ids if (record := table.get(number)) is not None]


def _flag(wanted: Mapping[str, Any], name: str) -> bool:
    value = wanted.get(name, False)
    if not isinstance(value, bool):
        raise errors.invalid(f"{name} must be true or false.")
    return value


def _ids(deals: Iterable[Record]) -> list[str]:
    return [str(deal.id) for deal in deals]


def _paired(deals: list[Record]) -> list[tuple[Record, Record]]:
    return list(zip(deals[::2], deals[1::2], strict=False))
