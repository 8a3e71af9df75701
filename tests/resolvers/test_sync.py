"""The status of the sync: when the last one succeeded, and what fails now."""

from pydantic import SecretStr
from sqlalchemy import text

from core.database import Database
from core.errors import ConfigurationError
from core.failures import forget_failure, record_failure
from core.settings import Settings
from models import SyncKind, SyncOutcome
from tests.api.graphql_client import GraphQLClient
from tests.resolvers.stored_syncs import insert_sync

STATUS = "{ syncStatus { lastSyncAt lastError intervalSeconds } }"


async def test_before_the_first_sync_nothing_is_known(graphql: GraphQLClient) -> None:
    """Nulls, and the configured interval."""
    assert (await graphql(STATUS))["syncStatus"] == {"lastSyncAt": None, "lastError": None, "intervalSeconds": 5}


async def test_the_error_of_the_newest_sync_is_shown_until_one_succeeds(
    graphql: GraphQLClient, database: Database
) -> None:
    """The last success is still reported; a running sync changes nothing."""
    await insert_sync(database, 0, SyncOutcome.DONE)
    await insert_sync(database, 1, SyncOutcome.FAILED, "HubSpot answered 401: the token is not valid.")
    await insert_sync(database, 2, SyncOutcome.RUNNING)
    status = (await graphql(STATUS))["syncStatus"]
    assert status["lastSyncAt"] == "2026-11-01T12:00:10.123456+00:00"
    assert status["lastError"] == "HubSpot answered 401: the token is not valid."
    await insert_sync(database, 3, SyncOutcome.DONE)
    status = (await graphql(STATUS))["syncStatus"]
    assert (status["lastSyncAt"], status["lastError"]) == ("2026-11-01T12:03:10.123456+00:00", None)


async def test_an_interrupted_sync_is_not_an_error(graphql: GraphQLClient, database: Database) -> None:
    """A restart interrupts a sync; the next one continues from its cursor."""
    await insert_sync(database, 0, SyncOutcome.FAILED, "HubSpot did not answer.")
    await insert_sync(database, 1, SyncOutcome.INTERRUPTED)
    assert (await graphql(STATUS))["syncStatus"]["lastError"] is None


async def test_a_failed_kind_of_sync_is_reported_although_others_succeed(
    graphql: GraphQLClient, database: Database
) -> None:
    """A tail every few seconds must not hide that the nightly reconcile fails."""
    await insert_sync(database, 0, SyncOutcome.FAILED, "HubSpot answered 403.", SyncKind.RECONCILE)
    await insert_sync(database, 1, SyncOutcome.DONE)
    assert (await graphql(STATUS))["syncStatus"]["lastError"] == "HubSpot answered 403."


async def test_a_process_that_refuses_to_start_says_why_until_it_is_up(
    graphql: GraphQLClient, database: Database, database_url: str
) -> None:
    """Its sentence, once, without passwords. That of a process that is not started again is not shown for long."""
    stopped = "{ syncStatus { stoppedProcesses { process reason } } }"
    settings = Settings(database_url=SecretStr(database_url))
    for _ in range(2):
        await record_failure(settings, "worker", ConfigurationError("Odd: postgresql://me:secret@host/db."))
    assert (await graphql(stopped))["syncStatus"]["stoppedProcesses"] == [
        {"process": "worker", "reason": "Odd: postgresql://me:***@host/db."}
    ]
    await forget_failure(database, "worker")
    assert (await graphql(stopped))["syncStatus"]["stoppedProcesses"] == []
    await record_failure(settings, "scheduler", ConfigurationError("RERUN_ON is wrong."))
    await database.run(text("UPDATE process_failures SET failed_at = now() - interval '20 minutes'"))
    assert (await graphql(stopped))["syncStatus"]["stoppedProcesses"] == []
