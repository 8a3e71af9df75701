"""The envelope of a batch."""

import orjson

from sandbox.http.responses import batch_response


def test_a_batch_without_errors_has_the_requested_status() -> None:
    """And the times of its beginning and end, but no key for errors."""
    response = batch_response([{"id": "1"}], started_ms=0, completed_ms=1_500, status=201)
    assert response.status_code == 201
    assert orjson.loads(response.body) == {
        "status": "COMPLETE",
        "results": [{"id": "1"}],
        "startedAt": "1970-01-01T00:00:00.000Z",
        "completedAt": "1970-01-01T00:00:01.500Z",
    }


def test_a_batch_with_errors_is_a_207() -> None:
    """Whatever the status of a success is; the entries are counted."""
    response = batch_response([], started_ms=0, completed_ms=0, status=201, errors=[{"status": "error"}])
    assert response.status_code == 207
    body = orjson.loads(response.body)
    assert (body["numErrors"], body["errors"]) == (1, [{"status": "error"}])
