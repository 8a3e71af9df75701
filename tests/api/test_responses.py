"""An error has the form that callers of its path expect."""

import orjson
import pytest

from api.responses import error_response


@pytest.mark.parametrize("path", ["/graphql", "/graphql/x"])
def test_below_graphql_an_error_has_the_form_of_graphql(path: str) -> None:
    """With the request id among the extensions, if there is one."""
    response = error_response(path, 503, "CODE", "A sentence.", request_id="7")
    assert response.status_code == 503
    extensions = {"code": "CODE", "requestId": "7"}
    assert orjson.loads(response.body) == {"errors": [{"message": "A sentence.", "extensions": extensions}]}


@pytest.mark.parametrize("path", ["/auth/session", "/graphqlx", "/"])
def test_elsewhere_an_error_is_one_object(path: str) -> None:
    """With the headers that it was given."""
    response = error_response(path, 429, "CODE", "A sentence.", headers={"Retry-After": "10"})
    assert orjson.loads(response.body) == {"error": {"code": "CODE", "message": "A sentence."}}
    assert (response.media_type, response.headers["retry-after"]) == ("application/json", "10")
