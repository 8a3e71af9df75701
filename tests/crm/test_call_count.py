"""The calls that a piece of work makes are counted."""

import asyncio
from collections.abc import Iterator

import pytest
import stamina
from structlog.testing import capture_logs

from crm.call_count import count_calls
from crm.errors import CrmError
from crm.retries import ATTEMPTS
from tests.crm.scripted_server import Reply, scripted_client

EMPTY = Reply(200, b'{"results": []}')


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    with stamina.set_testing(True, attempts=ATTEMPTS), capture_logs():
        yield


async def test_every_call_counts_by_its_outcome() -> None:
    """Each retry counts; an error response by its status; a missing response by the name of the error."""
    async with scripted_client(Reply(502), Reply(200, b"{", cut=True), Reply(200, b"<"), EMPTY) as (client, _):
        with count_calls() as calls:
            with pytest.raises(CrmError):
                await client.pipelines()
            await client.pipelines()
    assert calls == {"502": 1, "ConnectionFailed": 1, "200": 2}


async def test_tasks_of_the_block_count_and_others_do_not() -> None:
    """In nested blocks, a call counts for both."""
    async with scripted_client(EMPTY) as (client, _):
        await client.pipelines()
        with count_calls() as outer:
            with count_calls() as inner:
                await asyncio.gather(client.pipelines(), client.pipelines())
            await client.pipelines()
        await client.pipelines()
    assert (inner, outer) == ({"200": 2}, {"200": 3})
