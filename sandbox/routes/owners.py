"""The owners of the account: list and read."""

from typing import Any

from starlette.responses import Response

from sandbox.account.owners import OWNERS
from sandbox.http import errors
from sandbox.http.call import LARGEST_ID, Call
from sandbox.http.responses import json_response

MOST_PER_PAGE, DEFAULT_PER_PAGE = 500, 100


def list_owners(call: Call) -> Response:
    """`after` is the first id of the page."""
    limit = call.query_integer("limit", DEFAULT_PER_PAGE, low=1, high=MOST_PER_PAGE)
    after = call.query_integer("after", 0, low=0, high=LARGEST_ID)
    archived, email = call.query_flag("archived"), call.query_text("email")
    matching = sorted(
        (owner for owner in OWNERS if owner.archived == archived and email in (None, owner.email)),
        key=lambda owner: owner.id,
    )
    rest = [owner for owner in matching if owner.id >= after]
    body: dict[str, Any] = {"results": [owner.body() for owner in rest[:limit]]}
    if len(rest) > limit:
        body["paging"] = {"next": {"after": str(rest[limit].id)}}
    return json_response(body)


def read_owner(call: Call) -> Response:
    """By owner id, or by user id with `idProperty=userId`."""
    archived, by_user = call.query_flag("archived"), call.query_text("idProperty") == "userId"
    for owner in OWNERS:
        key = owner.user_id if by_user else owner.id
        if str(key) == call.path("id") and owner.archived == archived:
            return json_response(owner.body())
    raise errors.not_found()
