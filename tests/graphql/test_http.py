"""POST /graphql as GraphQL over HTTP describes it, and bodies that are none."""

import asyncio
from typing import Any

import httpx
import pytest

from api.graphql.body import MAX_BYTES
from api.graphql.media_type import preferred
from tests.graphql.asking import Asker

NEW = "application/graphql-response+json"
OLD = "application/json"
JSON = {"Content-Type": "application/json"}


async def post(offline: Asker, accept: str, query: str, **more: Any) -> httpx.Response:
    return await offline.client.post("/graphql", json={"query": query, **more}, headers={"Accept": accept})


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", OLD),
        ("*/*", OLD),
        ("text/html", OLD),
        (OLD, OLD),
        (NEW, NEW),
        (f"{NEW}, {OLD}", NEW),
        (f"{NEW}, {OLD};q=0.9", NEW),
        (f"{OLD}, {NEW}", OLD),
        (f"{OLD};q=0.5, {NEW}; charset=utf-8", NEW),
        (f"{NEW};q=0", OLD),
        (f"{NEW};q=wrong", OLD),
    ],
)
def test_the_media_type_is_the_one_that_accept_ranks_first(accept: str, media_type: str) -> None:
    """application/json unless the newer one is asked for."""
    assert preferred(accept) == media_type


@pytest.mark.parametrize(
    ("query", "variables"), [("{", {}), ("{ nope }", {}), ("query ($i: ID!) { deal(id: $i) { id } }", {"i": []})]
)
async def test_a_refused_request_is_a_400_without_data_for_the_newer_media_type(
    offline: Asker, query: str, variables: dict[str, Any]
) -> None:
    """Syntax, validation, variables: 400 and no `data`; 200 and `"data": null` for application/json."""
    newer = await post(offline, NEW, query, variables=variables)
    assert (newer.status_code, newer.headers["content-type"]) == (400, NEW)
    assert newer.json().keys() == {"errors"}
    older = await post(offline, OLD, query, variables=variables)
    assert (older.status_code, older.headers["content-type"]) == (200, OLD)
    assert older.json()["data"] is None


async def test_an_error_of_a_field_is_no_refusal(offline: Asker) -> None:
    """The operation was run: 200 in both media types."""
    answer = await post(offline, NEW, '{ deal(id: "x") { id } }')
    assert (answer.status_code, answer.json()["data"]) == (200, {"deal": None})


BODIES = [
    b"",
    b"x",
    b'"x"',
    b"1",
    b"null",
    b"true",
    b"[]",
    b'[{"query": "{ __typename }"}]',
    b"\xff\xfe",
    b'{"query": "\xff"}',
    b'{"query": "{ __typename }", "operationName": "\\ud800"}',
    b'{"query": ' + b"[" * 20_000 + b"]" * 20_000 + b"}",
    b'{"query": "{ __typename }", "variables": {"x": ' + b"1" * 5_000 + b"}}",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    b"{}",
    b'{"query": null}',
    b'{"query": ""}',
    b'{"query": 1}',
    b'{"query": "{ __typename }", "variables": []}',
    b'{"query": "{ __typename }", "variables": "{}"}',
    b'{"query": "{ __typename }", "operationName": {"a": 1}}',
    b'{"query": "{ __typename }", "extensions": 1}',
]


async def test_a_body_that_is_no_request_is_refused(offline: Asker) -> None:
    """Always 400, always JSON with a code, never a 500."""
    for body in BODIES:
        answer = await offline.client.post("/graphql", content=body, headers=JSON)
        assert (answer.status_code, answer.headers["content-type"]) == (400, OLD), body[:50]
        [error] = answer.json()["errors"]
        assert error["extensions"] == {"code": "BAD_REQUEST"}


async def test_numbers_beyond_64_bits_are_no_accident(offline: Asker) -> None:
    """They are read as JavaScript reads them, and do not fit an Int."""
    body = b'{"query": "query ($n: Int!) { dealQueue(limit: $n) { nextBefore } }", "variables": {"n": 1' + b"0" * 30
    answer = await offline.client.post("/graphql", content=body + b"}}", headers=JSON)
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"]
)
async def test_only_json_is_taken(offline: Asker, content_type: str) -> None:
    """What a form of a foreign page can send is refused."""
    body = b'{"query": "{ __typename }"}'
    answer = await offline.client.post("/graphql", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (415, "BAD_REQUEST")


async def test_a_body_that_is_too_large_is_refused(offline: Asker) -> None:
    """64 kB, whether or not the length was announced."""

    async def pieces() -> Any:
        for _ in range(MAX_BYTES // 1024 + 1):
            yield b" " * 1024

    for content in (b" " * (MAX_BYTES + 1), pieces()):
        answer = await offline.client.post("/graphql", content=content, headers=JSON)
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["message"] == f"The body is larger than {MAX_BYTES} bytes."


async def test_a_body_that_does_not_come_is_not_waited_for(offline: Asker, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the deadline the connection is free again."""
    monkeypatch.setattr("api.graphql.body.DEADLINE_SECONDS", 0.1)
    never = asyncio.Event()

    async def slow() -> Any:
        yield b"{"
        await never.wait()

    answer = await offline.client.post("/graphql", content=slow(), headers=JSON)
    assert answer.status_code == 408


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_there_is_nothing_but_post(offline: Asker, method: str) -> None:
    """No query in an address, where it would be logged and cached."""
    answer = await offline.client.request(method, "/graphql", params={"query": "{ __typename }"})
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
