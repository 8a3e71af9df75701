"""The control plane's instruments: how the account behaves, its clock, its faults, its snapshots, its journal."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from sandbox.account.clock import SandboxClock
from sandbox.account.records import iso, milliseconds
from sandbox.account.snapshots import Snapshots
from sandbox.config import Config
from sandbox.faults.plan import Fault, Plan
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.endpoints import json_response
from sandbox.http.journal import Journal
from sandbox.routes.account_control import checked_json

# A year: enough for every limit, and dates stay dates.
MOST_SECONDS = 366 * 86_400
LARGEST_NUMBER = 10**15

Made = TypeVar("Made")


class Laboratory:
    def __init__(self, config: Config, clock: SandboxClock, plan: Plan, snapshots: Snapshots, journal: Journal) -> None:
        self._config = config
        self._clock = clock
        self._plan = plan
        self._snapshots = snapshots
        self._journal = journal

    def config(self, _: Call) -> Response:
        """Everything but the token."""
        return json_response(self._config.model_dump())

    def configure(self, call: Call) -> Response:
        """The keys that are given; answers with all."""
        given = checked_json(call)
        _checked(lambda: self._config.change(given))
        return json_response(self._config.model_dump())

    def time(self, _: Call) -> Response:
        return json_response({"now": iso(milliseconds(self._clock.now())), "frozen": self._clock.frozen})

    def turn_clock(self, call: Call) -> Response:
        """{"freeze": bool, "advance_seconds": x}, both optional: first the one, then the other."""
        given = checked_json(call)
        freeze, seconds = given.get("freeze"), given.get("advance_seconds", 0)
        if freeze not in (None, True, False) or isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise errors.invalid("freeze must be true or false, advance_seconds a number.")
        if not 0 <= seconds <= MOST_SECONDS:
            raise errors.invalid(f"advance_seconds must be between 0 and {MOST_SECONDS}.")
        if freeze is not None:
            (self._clock.freeze if freeze else self._clock.thaw)()
        self._clock.advance(seconds)
        return self.time(call)

    def faults(self, _: Call) -> Response:
        return json_response({"faults": self._plan.shown()})

    def add_fault(self, call: Call) -> Response:
        fault = _checked(lambda: Fault.model_validate_json(orjson.dumps(checked_json(call))))
        self._plan.add(fault)
        return json_response(fault.model_dump(mode="json"), 201)

    def clear_faults(self, _: Call) -> Response:
        self._plan.clear()
        return json_response({"faults": []})

    def take_snapshot(self, call: Call) -> Response:
        checked_json(call)
        return json_response({"snapshot": self._snapshots.take()}, 201)

    def restore_snapshot(self, call: Call) -> Response:
        """Records, associations, definitions, the index and the clock; the journal and the config stay."""
        name = checked_json(call).get("snapshot")
        if not isinstance(name, str) or not self._snapshots.restore(name):
            raise errors.not_found()
        return json_response({"snapshot": name})

    def journal(self, call: Call) -> Response:
        """Requests to HubSpot's routes with a number above `since`; status 0 is no answer."""
        since = call.integer("since", 0, low=0, high=LARGEST_NUMBER)
        entries: list[dict[str, Any]] = [asdict(entry) for entry in self._journal.since(since)]
        return json_response({"requests": entries})


def _checked(make: Callable[[], Made]) -> Made:
    """What pydantic makes of the body; 400 that names what it does not take."""
    try:
        return make()
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise errors.invalid(problems) from None
