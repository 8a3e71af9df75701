"""Each error response becomes one class of error, with HubSpot's reason in a sentence."""

import orjson
import pytest

from crm import errors
from crm.error_responses import CORRELATION_HEADER, LONGEST_REASON, error_from


def body(**fields: object) -> bytes:
    return orjson.dumps(fields)


@pytest.mark.parametrize(
    ("status", "content", "expected"),
    [
        (101, b"", errors.BadResponse),
        (302, b"", errors.RequestRefused),
        (400, b"", errors.RequestRefused),
        (401, b"", errors.Unauthorized),
        (403, b"", errors.MissingScopes),
        (403, body(category="ACCOUNT_SUSPENDED"), errors.AccessDenied),
        (403, b"<html>", errors.FirewallRefused),
        (404, b"", errors.RecordNotFound),
        (408, b"", errors.ServerError),
        (409, b"", errors.RequestRefused),
        (423, b"", errors.Locked),
        (429, b"", errors.RateLimited),
        (429, body(policyName="DAILY"), errors.DailyLimitReached),
        (429, body(message="You have reached your Daily limit."), errors.DailyLimitReached),
        (477, b"", errors.ServerError),
        (500, b"", errors.ServerError),
        (524, b"", errors.ServerError),
    ],
)
def test_the_status_decides_the_class(status: int, content: bytes, expected: type[errors.CrmError]) -> None:
    """A daily limit is recognized by its policy or by its message."""
    error = error_from(status, {}, content)
    assert type(error) is expected
    assert error.status == status


def test_the_error_keeps_what_hubspots_support_needs() -> None:
    """The policy takes precedence over the category, the id in the body over the one in the headers."""
    headers = {CORRELATION_HEADER: "from-header"}
    error = error_from(429, headers, body(category="RATE_LIMITS", policyName="TEN_SECONDLY", correlationId="from-body"))
    assert (error.category, error.correlation_id) == ("TEN_SECONDLY", "from-body")
    error = error_from(429, headers, body(category="RATE_LIMITS"))
    assert (error.category, error.correlation_id) == ("RATE_LIMITS", "from-header")


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7200", 7200.0), ("0.5", 0.5), ("-3", 0.0), ("inf", None), ("nan", None), ("Fri, 06 Nov 2026", None), ("", None)],
)
def test_retry_after_is_read_in_seconds(header: str, seconds: float | None) -> None:
    """A date or an invalid value counts as missing."""
    assert error_from(503, {"retry-after": header}, b"").retry_after == seconds


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (body(message="Property x does not exist"), "HubSpot answered 400 Bad Request: Property x does not exist."),
        (body(message="It ends itself. "), "HubSpot answered 400 Bad Request: It ends itself."),
        (b" <html>", "HubSpot answered 400 Bad Request: it sent HTML instead of JSON."),
        (b"[]", "HubSpot answered 400 Bad Request: it gave no reason."),
        (body(message=["no", "text"]), "HubSpot answered 400 Bad Request: it gave no reason."),
    ],
)
def test_the_message_is_one_sentence_with_hubspots_reason(content: bytes, sentence: str) -> None:
    assert str(error_from(400, {}, content)) == sentence


def test_a_long_reason_is_cut_off() -> None:
    """HubSpot lists every property of a refused search."""
    message = str(error_from(400, {}, body(message="x" * 10_000)))
    assert message.endswith("x …")
    assert len(message) < LONGEST_REASON + 50


@pytest.mark.parametrize("key", ["requiredGranularScopes", "requiredScopes", "missingScopes"])
def test_missing_scopes_are_named_once_each(key: str) -> None:
    """They are in the context of the response, or in that of one of its errors."""
    content = body(context={key: ["a.read"]}, errors=[{"context": {key: ["a.read", "b.read", 7]}}, "no object"])
    error = error_from(403, {}, content)
    assert isinstance(error, errors.MissingScopes)
    assert error.scopes == ("a.read", "b.read")
    assert "the token lacks a.read, b.read." in str(error)


def test_without_named_scopes_the_setting_is_named() -> None:
    assert str(error_from(403, {}, body(message="You may not."))) == (
        "HubSpot answered 403: You may not. Check the scopes of HUBSPOT_TOKEN."
    )
