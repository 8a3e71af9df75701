"""The control plane over the simulation: config, clock, faults, snapshots, journal."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import orjson
from pydantic import ValidationError
from starlette.responses import Response

from sandbox.account.clock import SandboxClock
from sandbox.account.snapshots import Snapshots
from sandbox.account.timestamps import iso, milliseconds
from sandbox.config import Config
from sandbox.faults.plan import Fault, FaultPlan
from sandbox.http import errors
from sandbox.http.call import Call
from sandbox.http.journal import Journal
from sandbox.http.responses import json_response

# A year: longer than every rate limit, and short enough for every date to remain valid.
MOST_SECONDS = 366 * 86_400
LARGEST_NUMBER = 10**15

T = TypeVar("T")


class SimulationControlRoutes:
    def __init__(
        self, config: Config, clock: SandboxClock, faults: FaultPlan, snapshots: Snapshots, journal: Journal
    ) -> None:
        self._config = config
        self._clock = clock
        self._faults = faults
        self._snapshots = snapshots
        self._journal = journal

    def read_config(self, _: Call) -> Response:
        """All keys except the token."""
        return json_response(self._config.model_dump())

    def change_config(self, call: Call) -> Response:
        """Changes the given keys; responds with all keys."""
        given = call.declared_json()
        _validated(lambda: self._config.change(given))
        return json_response(self._config.model_dump())

    def read_clock(self, _: Call) -> Response:
        return json_response({"now": iso(milliseconds(self._clock.now())), "frozen": self._clock.frozen})

    def change_clock(self, call: Call) -> Response:
        """{"freeze": bool, "advance_seconds": x}, both optional; freezes or thaws first, then advances."""
        given = call.declared_json()
        freeze, seconds = given.get("freeze"), given.get("advance_seconds", 0)
        if freeze not in (None, True, False) or isinstance(seconds, bool) or not isinstance(seconds, int | float):
            raise errors.invalid("freeze must be true or false, advance_seconds a number.")
        if not 0 <= seconds <= MOST_SECONDS:
            raise errors.invalid(f"advance_seconds must be between 0 and {MOST_SECONDS}.")
        if freeze is not None:
            (self._clock.freeze if freeze else self._clock.thaw)()
        self._clock.advance(seconds)
        return self.read_clock(call)

    def list_faults(self, _: Call) -> Response:
        return json_response({"faults": self._faults.as_json()})

    def add_fault(self, call: Call) -> Response:
        fault = _validated(lambda: Fault.model_validate_json(orjson.dumps(call.declared_json())))
        self._faults.add(fault)
        return json_response(fault.model_dump(mode="json"), 201)

    def clear_faults(self, _: Call) -> Response:
        self._faults.clear()
        return json_response({"faults": []})

    def take_snapshot(self, call: Call) -> Response:
        call.declared_json()
        return json_response({"snapshot": self._snapshots.take()}, 201)

    def restore_snapshot(self, call: Call) -> Response:
        """Restores records, associations, definitions, the index and the clock, but not the journal and the config."""
        name = call.declared_json().get("snapshot")
        if not isinstance(name, str) or not self._snapshots.restore(name):
            raise errors.not_found()
        return json_response({"snapshot": name})

    def journal(self, call: Call) -> Response:
        """Requests to HubSpot's routes with a number above `since`. Status 0 means that there was no response."""
        since = call.query_integer("since", 0, low=0, high=LARGEST_NUMBER)
        entries: list[dict[str, Any]] = [asdict(entry) for entry in self._journal.since(since)]
        return json_response({"requests": entries})


def _validated(make: Callable[[], T]) -> T:
    """400 with pydantic's messages when the body is invalid."""
    try:
        return make()
    except ValidationError as error:
        problems = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise errors.invalid(problems) from None
