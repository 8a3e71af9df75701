"""Schedulers without a runtime: they lead, run the product's own jobs, are killed, and are replaced."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

from pydantic import SecretStr
from sqlalchemy import event, text

from core.database import Database
from crm.associations import FoundDeal
from crm.client import HubSpot
from crm.scanning import ListPage, RawBatch, SearchPage
from scheduler.context import JobContext
from scheduler.jobs import rerun_deals, take_over
from scheduler.leadership import Leadership
from scheduler.sync.sync_jobs import archive, backfill, reconcile, settle, tail
from tests.completeness.account import Account
from tests.completeness.flights import FLIGHT, Flight, Kill, WatchedTransport, watch
from tests.hubspot import NoLimits
from tests.scheduler.contexts import context_under, leading_context

Answer = TypeVar("Answer")
JOBS: Mapping[str, Callable[[JobContext], Awaitable[object]]] = {
    "tail": tail,
    "settle": settle,
    "backfill": backfill,
    "archive": archive,
    "reconcile": reconcile,
    "rerun": rerun_deals,
}
EXPIRE = text("UPDATE leases SET expires_at = clock_timestamp() - interval '1 second'")


class SmallPages(HubSpot):
    """The product's client, with pages so small that a scan has many; the flight is notified of each answer."""

    page = 4

    async def search_deals(self, *, limit: int = page, **what: Any) -> SearchPage:
        return await _answered(super().search_deals(limit=min(limit, self.page), **what))

    async def list_deals(self, *, limit: int = page, **what: Any) -> ListPage:
        return await _answered(super().list_deals(limit=min(limit, self.page), **what))

    async def read_deals(self, *what: Any, **options: Any) -> RawBatch:
        return await _answered(super().read_deals(*what, **options))

    async def read_archived_deals(self, *what: Any) -> RawBatch:
        return await _answered(super().read_archived_deals(*what))

    async def get_deal(self, *what: Any, **options: Any) -> FoundDeal:
        return await _answered(super().get_deal(*what, **options))


async def _answered(call: Awaitable[Answer]) -> Answer:
    found = await call
    if flight := FLIGHT.get():
        await flight.answered()
    return found


class Scheduler:
    """What one process has: its own connections, its own client, its own fence."""

    def __init__(self, database: Database, context: JobContext) -> None:
        self.database = database
        self.context = context
        self.dead = False
        self.flights: dict[str, Flight] = {}
        self._connections: list[Any] = []
        watch(database.engine)
        event.listen(database.engine.sync_engine, "connect", self._connected)
        event.listen(database.engine.sync_engine, "do_connect", self._refuse_the_dead)

    def _connected(self, connection: Any, _: Any) -> None:
        self._connections.append(connection.driver_connection)

    def _refuse_the_dead(self, *_: Any) -> None:
        if self.dead:
            raise ConnectionRefusedError("The process is gone.")

    def start(self, job: str, flight: Flight) -> Flight:
        """Start the job; wait for it with `flight.ended_or_held`."""

        async def fly() -> None:
            FLIGHT.set(flight)
            with suppress(asyncio.CancelledError):
                await JOBS[job](self.context)

        flight.on_kill = self._kill
        self.flights[job] = flight
        flight.task = asyncio.create_task(fly(), name=job)
        return flight

    async def run(self, job: str) -> None:
        """The job, undisturbed."""
        await JOBS[job](self.context)

    def _kill(self, flight: Flight, kill: Kill) -> None:
        if kill.hard:
            self.die()
        elif flight.task is not None:
            flight.task.cancel()

    def die(self) -> None:
        """As by SIGKILL: nothing more is sent to the database."""
        self.dead = True
        for connection in self._connections:
            connection.terminate()
        for flight in self.flights.values():
            if flight.task is not None:
                flight.task.cancel()

    @property
    def running(self) -> list[Flight]:
        return [flight for flight in self.flights.values() if flight.task is not None and not flight.task.done()]

    async def finish_jobs(self) -> None:
        """Release the held jobs and wait until all jobs have ended."""
        for flight in self.running:
            flight.release()
        for flight in self.running:
            if flight.task is not None:
                await asyncio.wait([flight.task])
        for flight in self.flights.values():
            if flight.task is not None and not flight.task.cancelled():
                flight.task.result()

    async def close(self) -> None:
        await self.database.close()


async def take_the_lead(
    database_url: str, url: str, token: str, transport: WatchedTransport, *, holder: str, **settings: Any
) -> Scheduler:
    """A new scheduler; the lease of the last one has expired."""
    database = Database.connect(database_url, name=holder, pool_size=8)
    await database.run(EXPIRE)
    leadership = Leadership(database, holder=holder, ttl_seconds=600)
    async with asyncio.timeout(10):
        # An open transaction of a killed one may lock its lease for some moments.
        while not await leadership.tick():  # noqa: ASYNC110 - the database is what is watched
            await asyncio.sleep(0.002)
    client = SmallPages(url, lambda: SecretStr(token), NoLimits(), httpx_transport=transport)
    context = context_under(leadership, database, client, **settings)
    await take_over(context)
    return Scheduler(database, context)


@asynccontextmanager
async def leading(
    database: Database, hubspot: Account, client_class: type[HubSpot] = HubSpot, **settings: Any
) -> AsyncIterator[JobContext]:
    """The context of a scheduler that leads, and syncs this account without a rate budget."""
    async with client_class(hubspot.url, lambda: SecretStr(hubspot.token), NoLimits()) as client:
        yield await leading_context(database, client, **settings)


@asynccontextmanager
async def transport() -> AsyncIterator[WatchedTransport]:
    opened = WatchedTransport()
    yield opened
    await opened.finish()
