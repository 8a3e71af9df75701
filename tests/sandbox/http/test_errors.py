"""Errors, word for word where HubSpot's words are known, and in HubSpot's format everywhere."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import golden

DEALS = "/crm/objects/2026-09/0-3"


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_an_unknown_deal_is_a_404(api: httpx.Client, method: str) -> None:
    """OBJECT_NOT_FOUND, "resource not found"."""
    answer = api.request(method, f"{DEALS}/123", json={"properties": {}} if method == "PATCH" else None)
    assert answer.status_code == 404
    assert golden(answer) == {"status": "error", "message": "resource not found", "category": "OBJECT_NOT_FOUND"}


def test_text_that_is_not_an_id_is_a_404(api: httpx.Client) -> None:
    """With two spaces in the message, as recorded."""
    answer = api.get(f"{DEALS}/abc")
    assert answer.status_code == 404
    assert golden(answer) == {
        "status": "error",
        "message": "Object not found.  objectId are usually numeric.",
        "context": {"id": ["abc"]},
        "category": "OBJECT_NOT_FOUND",
    }


def test_an_unknown_property_is_a_400_that_names_it(api: httpx.Client) -> None:
    """The message holds the list as JSON, `errors` holds it again."""
    deal = api.get(DEALS, params={"limit": 1}).json()["results"][0]["id"]
    answer = api.patch(f"{DEALS}/{deal}", json={"properties": {"dealqueue_score": "7"}})
    assert answer.status_code == 400
    body = golden(answer)
    text, listed = body["message"].split(": ", 1)
    assert text == "Property values were not valid"
    message = 'Property "dealqueue_score" does not exist'
    assert json.loads(listed) == [
        {
            "isValid": False,
            "message": message,
            "error": "PROPERTY_DOESNT_EXIST",
            "name": "dealqueue_score",
            "localizedErrorMessage": message,
            "portalId": 48211907,
        }
    ]
    assert body["category"] == "VALIDATION_ERROR"
    assert body["errors"] == [
        {"message": message, "code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["dealqueue_score"]}}
    ]


def test_missing_deals_of_a_batch_are_a_207(api: httpx.Client) -> None:
    """One error entry for all of them, recorded text; existing deals are returned."""
    deal = api.get(DEALS, params={"limit": 1}).json()["results"][0]
    inputs = [{"id": "123"}, {"id": deal["id"]}, {"id": "abc"}]
    answer = api.post(f"{DEALS}/batch/read", json={"inputs": inputs, "properties": []})
    assert answer.status_code == 207
    body = answer.json()
    assert (body["status"], body["results"], body["numErrors"]) == ("COMPLETE", [deal], 1)
    assert body["errors"] == [
        {
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": "Could not get some DEAL objects, they may be deleted or not exist. Check that ids are valid.",
            "context": {"ids": ["123", "abc"]},
        }
    ]


def malformed() -> Iterator[tuple[str, str, Any]]:
    """Malformed requests."""
    for query in ("limit=abc", "limit=0", "limit=101", "limit=-1", "after=-5", "after=abc", "after=" + "9" * 40):
        yield "GET", f"{DEALS}?{query}", None
    yield "GET", f"{DEALS}?archived=maybe", None
    yield "GET", f"{DEALS}?associations=unicorns", None
    yield "GET", f"{DEALS}?limit=51&propertiesWithHistory=amount", None
    yield "GET", "/crm/objects/2026-09/unicorns", None
    yield "GET", "/crm/properties/2026-09/unicorns", None
    yield "GET", "/crm/owners/2026-09?limit=x", None
    for path in (f"{DEALS}/search", f"{DEALS}/batch/read", "/crm/associations/2026-09/deals/contacts/batch/read"):
        for body in (b"", b"{", b"[]", b'"text"', b"null", b"\xff\xfe", b'{"inputs": 7, "limit": {}}', b'{"a":' * 9999):
            yield "POST", path, body
    for path in (f"{DEALS}/batch/read", "/crm/associations/2026-09/deals/contacts/batch/read"):
        yield "POST", path, b"{}"
    for inputs in ("[7]", '[{"id":"1"}' + ',{"id":"2"}' * 1000 + "]"):
        yield "POST", f"{DEALS}/batch/read", b'{"inputs":' + inputs.encode() + b"}"
        yield "POST", "/crm/associations/2026-09/deals/contacts/batch/read", b'{"inputs":' + inputs.encode() + b"}"
    many = [{"id": str(number)} for number in range(1, 52)]
    yield "POST", f"{DEALS}/batch/read", json.dumps({"inputs": many, "propertiesWithHistory": ["amount"]}).encode()
    for properties in ("7", "[]", "null", '{"amount": []}', '{"amount": {"value": 1}}'):
        yield "POST", DEALS, b'{"properties":' + properties.encode() + b"}"


@pytest.mark.parametrize(("method", "url", "body"), list(malformed()))
def test_a_malformed_request_is_a_400_in_hubspots_format(
    api: httpx.Client, method: str, url: str, body: bytes | None
) -> None:
    """Never a 500, a traceback or a closed connection."""
    answer = api.request(method, url, content=body)
    assert answer.status_code == 400, answer.text
    assert golden(answer)["status"] == "error"
    assert "Traceback" not in answer.text
