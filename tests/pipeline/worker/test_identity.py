"""A worker takes over its dead incarnation's name and runs, never those of a living worker."""

import asyncio

import pytest
from sqlalchemy import text

from core.database import Database
from core.errors import ConfigurationError
from core.identity import INSTANCE_VARIABLE, this_process
from core.settings import Settings
from models.conditions import STALE_HEARTBEAT_SECONDS
from pipeline.worker import identity
from pipeline.worker.identity import Identity, take_identity
from tests.factories import one, queued_deal, run_store
from tests.processes import ended_process

NAMED, UNNAMED = Settings(worker_name="left"), Settings()
ELSEWHERE = "boot/pid:[1]/7/1"
HELD = "SELECT count(*) FROM pipeline_runs WHERE status = 'RUNNING'"


@pytest.fixture(autouse=True)
def under_make_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SUPERVISOR_PROCESS_NAME", "worker")
    monkeypatch.setenv(INSTANCE_VARIABLE, "1a2b3c4d")
    monkeypatch.setattr(identity, "LOOK_SECONDS", 0.02)


async def take(database: Database, settings: Settings) -> Identity:
    return await take_identity(run_store(database), settings)


async def working(
    database: Database, settings: Settings, process: str | None, *, silent_seconds: float = 1
) -> Identity:
    """A worker with a run, which sent its last heartbeat that long ago from that process."""
    own = await take(database, settings)
    lease = await run_store(database).claim(await queued_deal(database), worker=own.name, incarnation=own.incarnation)
    assert lease is not None
    statement = """UPDATE workers SET process = :process, heartbeat_at = now() - make_interval(secs => :silent)
                   WHERE name = :name"""
    await database.run(text(statement), {"process": process, "silent": silent_seconds, "name": own.name})
    return own


@pytest.mark.parametrize("settings", [NAMED, UNNAMED], ids=["named", "unnamed"])
@pytest.mark.parametrize(
    ("process", "silent_seconds"),
    [
        (ended_process(), 1),
        (ELSEWHERE, STALE_HEARTBEAT_SECONDS + 1),
        (None, STALE_HEARTBEAT_SECONDS + 1),
    ],
    ids=["ended here", "elsewhere", "unknown"],
)
async def test_a_restart_takes_name_and_runs_of_its_dead_incarnation(
    database: Database, settings: Settings, process: str | None, silent_seconds: float
) -> None:
    """Its process is gone, or it has been silent for longer than a lease lasts."""
    dead = await working(database, settings, process, silent_seconds=silent_seconds)
    again = await take(database, settings)
    assert (again.name, again.released) == (dead.name, 1)
    assert again.incarnation != dead.incarnation
    assert await one(database, HELD) == 0


async def test_a_worker_that_has_stopped_gives_its_name_back(database: Database) -> None:
    """Also on another machine, without a wait."""
    stopped = await working(database, NAMED, ELSEWHERE)
    await database.run(text("UPDATE workers SET stopped_at = now()"))
    assert (await take(database, NAMED)).name == stopped.name


async def test_two_installations_of_one_host_name_leave_each_others_runs(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one restarts its worker while the other one's works."""
    await working(database, UNNAMED, this_process())
    monkeypatch.setenv(INSTANCE_VARIABLE, "5e6f7a8b")
    await working(database, UNNAMED, ended_process())
    assert (await take(database, UNNAMED)).released == 1
    assert await one(database, HELD) == 1


@pytest.mark.parametrize("process", [this_process(), ELSEWHERE], ids=["here", "elsewhere"])
async def test_a_name_of_a_living_worker_is_not_taken_but_replaced_by_a_new_one(
    database: Database, process: str
) -> None:
    """The data folder was copied with its machine, or the container was restarted a moment ago: no wait, no runs."""
    living = await working(database, UNNAMED, process)
    other = await take(database, UNNAMED)
    assert other.name.startswith(f"{living.name}/")
    assert (other.released, await one(database, HELD)) == (0, 1)


async def test_a_worker_name_that_a_process_of_this_machine_has_is_refused(database: Database) -> None:
    """Even if it is frozen and sends no heartbeat."""
    await working(database, NAMED, this_process(), silent_seconds=3600)
    with pytest.raises(ConfigurationError, match="WORKER_NAME: another worker named left is running"):
        await take(database, NAMED)
    assert await one(database, HELD) == 1


async def test_a_worker_name_that_is_used_on_another_machine_is_refused_at_its_next_heartbeat(
    database: Database,
) -> None:
    """Until then it cannot be told from a dead one."""
    living = await working(database, NAMED, ELSEWHERE)
    starting = asyncio.create_task(take(database, NAMED))
    await asyncio.wait({starting}, timeout=0.1)
    assert not starting.done()
    await run_store(database).record_heartbeat(worker="left", incarnation=living.incarnation, queue_workers=[])
    with pytest.raises(ConfigurationError, match="give each worker a name of its own"):
        await starting
    assert await one(database, HELD) == 1


async def test_a_worker_name_of_a_dead_machine_is_waited_for(database: Database) -> None:
    """Its last heartbeat was a moment ago when the wait began."""
    await working(database, NAMED, ELSEWHERE, silent_seconds=STALE_HEARTBEAT_SECONDS - 0.2)
    assert (await take(database, NAMED)).released == 1


async def test_of_two_that_start_at_once_one_gets_the_name(database: Database) -> None:
    """The other one is refused, and has taken nothing."""
    await working(database, NAMED, ended_process())
    outcomes = await asyncio.gather(*(take(database, NAMED) for _ in range(5)), return_exceptions=True)
    assert sum(isinstance(outcome, Identity) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ConfigurationError) for outcome in outcomes) == 4
