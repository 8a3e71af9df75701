"""One API call as the route handlers see it: path, query and body, each validated when it is read."""

from typing import Any

import orjson
from starlette.requests import Request

from sandbox.account.object_types import ObjectType
from sandbox.http import errors
from sandbox.http.parsing import LONGEST_ID, json_objects, json_strings, parse_integer, parse_object_type

LARGEST_ID = 10**LONGEST_ID - 1


class Call:
    """Every method raises ApiError, HubSpot's 400 or 404, for an invalid value."""

    def __init__(self, request: Request, body: bytes) -> None:
        self.request = request
        self._body = body

    @property
    def target(self) -> str:
        """Path and query, which faults are matched against."""
        query = self.request.url.query
        return f"{self.request.url.path}?{query}" if query else self.request.url.path

    def path(self, name: str) -> str:
        """A parameter of the path."""
        return str(self.request.path_params[name])

    def object_type(self, name: str = "type") -> ObjectType:
        """The object type that a parameter of the path names."""
        return parse_object_type(self.path(name))

    def query_text(self, name: str) -> str | None:
        return self.request.query_params.get(name) or None

    def query_flag(self, name: str) -> bool:
        text = self.request.query_params.get(name, "false").lower()
        if text not in ("true", "false"):
            raise errors.invalid(f"Invalid value for query parameter {name}: '{text}' is neither true nor false.")
        return text == "true"

    def query_integer(self, name: str, default: int, *, low: int, high: int) -> int:
        text = self.request.query_params.get(name)
        return default if text is None or text == "" else parse_integer(name, text, low, high)

    def query_list(self, name: str) -> list[str]:
        """Comma separated, repeated, or both."""
        values = self.request.query_params.getlist(name)
        return [part.strip() for value in values for part in value.split(",") if part.strip()]

    def json(self) -> dict[str, Any]:
        try:
            body = orjson.loads(self._body)
        except orjson.JSONDecodeError as error:
            raise errors.invalid_json(str(error)) from None
        if not isinstance(body, dict):
            raise errors.invalid_json("Cannot deserialize the request out of anything but an object")
        return body

    def declared_json(self) -> dict[str, Any]:
        """The body, declared as JSON; a web page of another site cannot send that without the browser's preflight."""
        if not self.request.headers.get("content-type", "").startswith("application/json"):
            raise errors.ApiError(415, "The control plane takes application/json only.")
        return self.json()

    def json_strings(self, name: str) -> list[str]:
        """A list of strings in the body, property names for instance."""
        return json_strings(name, self.json().get(name))

    def inputs(self, *, most: int) -> list[dict[str, Any]]:
        """The required `inputs` of a batch."""
        body = self.json()
        if "inputs" not in body:
            raise errors.missing_field("inputs")
        return json_objects("inputs", body["inputs"], most=most)

    @property
    def size(self) -> int:
        """Characters of the body, which HubSpot limits for a search."""
        return len(self._body.decode(errors="replace"))
