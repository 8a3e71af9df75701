"""Request bodies: JSON objects of limited size, within a deadline."""

import asyncio
from typing import Any

import pytest

from api.body import MAX_BYTES
from tests.api.graphql_client import GraphQLClient

OLD = "application/json"


JSON = {"Content-Type": "application/json"}


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


async def test_a_body_that_is_not_a_request_is_refused(offline_graphql: GraphQLClient) -> None:
    """Always 400 with a JSON error that has a code, never 500."""
    for body in BODIES:
        answer = await offline_graphql.client.post("/graphql", content=body, headers=JSON)
        assert (answer.status_code, answer.headers["content-type"]) == (400, OLD), body[:50]
        [error] = answer.json()["errors"]
        assert error["extensions"] == {"code": "BAD_REQUEST"}


async def test_a_number_beyond_64_bits_is_a_client_error(offline_graphql: GraphQLClient) -> None:
    """It is parsed as JavaScript parses it, and does not fit an Int."""
    body = b'{"query": "query ($n: Int!) { dealQueue(limit: $n) { nextBefore } }", "variables": {"n": 1' + b"0" * 30
    answer = await offline_graphql.client.post("/graphql", content=body + b"}}", headers=JSON)
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_USER_INPUT"}


@pytest.mark.parametrize(
    "content_type", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "json"]
)
async def test_only_json_is_accepted(offline_graphql: GraphQLClient, content_type: str) -> None:
    """The content types that a form of another site can send are refused."""
    body = b'{"query": "{ __typename }"}'
    answer = await offline_graphql.client.post("/graphql", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (415, "BAD_REQUEST")


async def test_a_body_that_is_too_large_is_refused(offline_graphql: GraphQLClient) -> None:
    """More than 64 kB, with or without a Content-Length."""

    async def pieces() -> Any:
        for _ in range(MAX_BYTES // 1024 + 1):
            yield b" " * 1024

    for content in (b" " * (MAX_BYTES + 1), pieces()):
        answer = await offline_graphql.client.post("/graphql", content=content, headers=JSON)
        assert answer.status_code == 413
        assert answer.json()["errors"][0]["message"] == f"The body is larger than {MAX_BYTES} bytes."


async def test_a_body_that_does_not_arrive_gets_408(
    offline_graphql: GraphQLClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection is free again after the deadline."""
    monkeypatch.setattr("api.body.DEADLINE_SECONDS", 0.1)
    never = asyncio.Event()

    async def slow() -> Any:
        yield b"{"
        await never.wait()

    answer = await offline_graphql.client.post("/graphql", content=slow(), headers=JSON)
    assert answer.status_code == 408
