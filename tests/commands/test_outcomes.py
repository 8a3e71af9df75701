"""What each command says and which exit code it has, in each condition that a person may meet it in.

0: done, or there was nothing to do. 1: tried and failed, or refused. 2: not begun (docs/operations.md, "Exit codes").
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TypeVar

import pytest
from sqlalchemy import text

from core.database import Database
from core.exits import EXIT_CODES
from migrations.head import HEAD_REVISION
from tests.commands.started import start
from tests.completeness.account import Account
from tests.factories import done_deal, queued_deal
from tests.pipeline.operations.states import failed_deal, held_deal

Environment = Mapping[str, str]
Result = TypeVar("Result")

# Every command that needs the database.
WITH_DATABASE = (
    "pipeline retry 1 --whole",
    "pipeline cancel 1",
    "pipeline undo 1",
    "pipeline now 1",
    "pipeline bulk start retry --status FAILED",
    "pipeline bulk show 1",
    "pipeline bulk stop 1",
    "pipeline pause",
    "pipeline resume",
    "pipeline approve",
    "pipeline drop",
    "pipeline ask sync",
    "pipeline status",
    "pipeline status 1",
    "scheduler --once",
    "scheduler --backfill",
    "scheduler --reconcile",
    "api link",
)
# What is refused although all is available, and where nothing is to be done.
REFUSED = {
    "pipeline retry 999": "No deal has the id 999, here or in HubSpot.",
    "pipeline retry deal:999": "There is no deal 999.",
    "pipeline retry nonsense": '"nonsense" names no deal.',
    "pipeline retry --run 999": "There is no run 999.",
    "pipeline retry {failed} --from-stage bogus": "There is no stage bogus.",
    "pipeline retry {failed} --from-stage write_back": "The run cannot begin at write_back: ",
    "pipeline retry {done}": "Run 1 of deal {done} is done. Name a stage, or request the whole run.",
    "pipeline retry {queued}": "Run 1 of deal {queued} is queued.",
    "pipeline cancel {done}": "Deal {done} has no active run",
    "pipeline undo {done}": "No run of deal {done} was cancelled.",
    "pipeline now hubspot:999": "No deal has the id 999 in HubSpot.",
    "pipeline bulk start retry 999": "No deal has the id 999, here or in HubSpot.",
    "pipeline bulk start retry --status CANCELLED": "No deal matches.",
    "pipeline bulk start retry --status FAILED --from-stage bogus": "There is no stage bogus.",
    "pipeline bulk start retry": "Name the deals by id, or choose them by a filter.",
    "pipeline bulk show 999": "There is no bulk operation 999.",
    "pipeline bulk stop 999": "There is no bulk operation 999.",
    "pipeline resume": "The queue is not paused.",
    "pipeline approve": "No run is held.",
    "pipeline drop": "No run is held.",
    "pipeline status deal:999": "There is no deal 999.",
}
WRONG_ARGUMENTS = (
    "pipeline bogus",
    "pipeline retry",
    "pipeline retry 1 --from-stage score --whole",
    "pipeline bulk start bogus 1",
    "pipeline bulk start cancel 1 --whole",
    "pipeline bulk show one",
    "pipeline ask bogus",
    "pipeline status 1 2",
    "scheduler --once --backfill",
    "scheduler --twice",
    "scheduler once",
    "crm bogus",
    "crm check now",
    "api bogus",
    "api token ci --role root",
    "api token c:i",
    "sandbox --port 65536",
    "bench.sync everything",
)
DONE = {
    "pipeline retry {failed}": "Run 2 of deal {failed} is queued, from associate.",
    "pipeline bulk start retry --status DONE --whole": "Bulk operation ",
    "pipeline now {done}": "Run 2 of deal {done} is queued",
    "pipeline cancel {queued}": "Run 1 of deal {queued} is cancelled.",
    "pipeline undo {queued}": "Run 2 of deal {queued} continues where run 1 was cancelled.",
    "pipeline approve": "1 held run approved.",
    "pipeline pause": "The queue is paused",
    "pipeline status": "The queue is paused, by cli:",
    "pipeline resume": "The queue is resumed.",
    "pipeline ask reconcile": "A comparison of all deals with HubSpot is requested.",
    "api link": "http://127.0.0.1:8000/#code=",
    "api token ci": "Token, shown this once: ",
}
AWAY = {"HUBSPOT_BASE_URL": "http://127.0.0.1:1"}


def prepared(environment: Environment, prepare: Callable[[Database], Awaitable[Result]]) -> Result:
    """What `prepare` returns; a command has no event loop yet, so neither has its test."""

    async def work() -> Result:
        database = Database.connect(environment["DATABASE_URL"], name="test")
        try:
            return await prepare(database)
        finally:
            await database.close()

    return asyncio.run(work())


async def deals(database: Database) -> dict[str, int]:
    """Our ids of three deals, by the status of their runs; the queued one has the lowest priority of the queue."""
    failed, done = (await failed_deal(database)).deal_id, (await done_deal(database)).deal_id
    return {"failed": failed, "done": done, "queued": await queued_deal(database)}


@pytest.mark.parametrize("command", WITH_DATABASE)
def test_a_database_that_is_away_is_exit_code_2(environment: Environment, command: str) -> None:
    """At once, and in one sentence: no command waits without saying so."""
    done = start(command, {**environment, "DATABASE_URL": "postgresql://127.0.0.1:1/none"})
    assert (done.code, done.shown.strip(), done.problem.count("\n")) == (2, "", 1), done
    assert done.problem.startswith("The database is unavailable: ")


def test_a_database_that_is_not_migrated_is_exit_code_2(environment: Environment, empty_database_url: str) -> None:
    """The sentence says how to migrate it."""
    for command in WITH_DATABASE:
        done = start(command, {**environment, "DATABASE_URL": empty_database_url})
        assert (done.code, done.shown.strip(), done.problem.count("\n")) == (2, "", 1), (command, done)
        assert done.problem.startswith("The database is not migrated: "), command
        assert "`python -m migrations` creates the tables." in done.problem


def test_a_database_of_another_release_is_migrated_or_used(environment: Environment) -> None:
    """One of an earlier release is exit code 2; one of a later release takes the commands of this one."""

    async def at_revision(database: Database, revision: str) -> None:
        await database.run(text("UPDATE alembic_version SET version_num = :revision"), {"revision": revision})

    prepared(environment, partial(at_revision, revision="0013"))
    try:
        for command in ("pipeline pause", "pipeline status", "scheduler --once", "api link"):
            done = start(command, environment)
            assert (done.code, done.shown.strip(), done.problem.count("\n")) == (2, "", 1), (command, done)
            assert done.problem.startswith("The database is at revision 0013"), (command, done)
        prepared(environment, partial(at_revision, revision="9999"))
        assert start("pipeline pause", environment).code == 0
    finally:
        prepared(environment, partial(at_revision, revision=HEAD_REVISION))


def test_what_is_refused_is_exit_code_1(environment: Environment) -> None:
    """With the reason as a sentence."""
    names = prepared(environment, deals)
    for command, sentence in REFUSED.items():
        done = start(command.format(**names), environment)
        assert (done.code, done.problem) == (1, ""), (command, done)
        assert done.shown.startswith(sentence.format(**names)), (command, done)
        assert done.shown.count("\n") == 1, (command, done)


def test_a_wrong_argument_is_exit_code_2(environment: Environment) -> None:
    """Before anything is connected: the error is about the argument."""
    for command in WRONG_ARGUMENTS:
        done = start(command, {**environment, "DATABASE_URL": "postgresql://127.0.0.1:1/none"})
        assert (done.code, done.shown) == (2, ""), (command, done)
        assert done.problem, command
        assert "database" not in done.problem, (command, done)


def test_an_argument_that_is_not_text_is_exit_code_2(environment: Environment) -> None:
    """Python reads a byte that is not UTF-8 as half a character, which neither the database nor a terminal takes."""
    for command in ("pipeline now \udcff", "pipeline bulk start retry --owner \udcff", "pipeline status \udcff"):
        done = start(command, environment)
        assert (done.code, done.shown) == (2, ""), (command, done)
        assert done.problem == "The argument '\\udcff' is not UTF-8 text.\n", (command, done)


def test_the_help_of_every_program_lists_the_exit_codes(environment: Environment) -> None:
    """In the words of the code, whatever the width of the terminal."""
    for program in ("pipeline", "crm", "scheduler", "api"):
        done = start(f"{program} --help", environment)
        assert (done.code, EXIT_CODES in " ".join(done.shown.split())) == (0, True), done.shown


def test_what_is_done_is_exit_code_0(environment: Environment) -> None:
    """With what was done as a sentence."""
    names = prepared(environment, deals)
    prepared(environment, held_deal)
    for command, sentence in DONE.items():
        done = start(command.format(**names), environment)
        assert (done.code, done.problem) == (0, ""), (command, done)
        assert done.shown.startswith(sentence.format(**names)), (command, done)


def test_while_the_queue_is_paused_a_new_run_says_that_it_waits(environment: Environment) -> None:
    """It is queued, but not before all others: nothing is processed."""
    names = prepared(environment, deals)
    prepared(environment, held_deal)
    assert start("pipeline pause", environment).code == 0
    for command in ("retry {failed}", "approve", "bulk start retry --status DONE --whole", "now {done}"):
        done = start(f"pipeline {command.format(**names)}", environment)
        assert done.code == 0, (command, done)
        assert done.shown.endswith("The queue is paused: nothing is processed until `python -m pipeline resume`.\n"), (
            command,
            done,
        )
    assert "paused" not in start("pipeline cancel {failed}".format(**names), environment).shown
    assert "paused" not in start("pipeline status {failed}".format(**names), environment).shown
    assert start("scheduler --once", environment).code == 0


@pytest.mark.parametrize("command", ["crm check", "crm setup --yes"])
def test_what_is_wrong_with_hubspot_is_reported_once(environment: Environment, hubspot: Account, command: str) -> None:
    """With exit code 1."""
    done = start(command, {**environment, **AWAY})
    assert (done.code, done.said.count("No connection to HubSpot"), len(done.said.splitlines())) == (1, 1, 1), done
    hubspot.configure(token_revoked=True)
    done = start(command, environment)
    assert (done.code, done.said.count("Check HUBSPOT_TOKEN"), len(done.said.splitlines())) == (1, 1, 1), done
    hubspot.configure(token_revoked=False, missing_scopes=["crm.schemas.deals.read"])
    done = start(command, environment)
    assert (done.code, "crm.schemas.deals.read" in done.said) == (1, True), done
    hubspot.configure(missing_scopes=[])
    hubspot.fault("daily_limit", "", times=None)
    done = start(command, environment)
    assert (done.code, done.said.count("daily limit"), len(done.said.splitlines())) == (1, 1, 1), done
    hubspot.clear_faults()
    assert start(command, environment).code == 0
