"""Changes that people make in HubSpot, made in the sandbox through its API."""

import re
from collections.abc import Sequence
from typing import Any, Self

import httpx

from crm.properties import PROPERTIES
from sandbox import SANDBOX_TOKEN
from tests.hubspot import Sandbox

OBJECTS = "/crm/objects/2026-09"
# HubSpot's association types, by the object types of both ends.
LINKS = {
    ("deals", "contacts"): 3,
    ("deals", "companies"): 5,
    ("deals", "line_items"): 19,
    ("contacts", "companies"): 1,
}
PLAIN_COMPANY = 341
# Every method but GET, except searches and batch reads, which are reads with a body.
WRITE = re.compile(r"^(?!GET )(?!POST .*(/search|/batch/read)$)(?!.*/_sim/)")


class Account:
    def __init__(self, sandbox: Sandbox) -> None:
        headers = {"Authorization": f"Bearer {SANDBOX_TOKEN}"}
        self._http = httpx.Client(base_url=sandbox.url, headers=headers, timeout=10)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def create(self, kind: str, properties: dict[str, str], links: Sequence[tuple[int, str]] = ()) -> str:
        """The id of the new record; `links` are pairs (association type, id of the other record)."""
        associations = [
            {
                "to": {"id": other},
                "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": type_id}],
            }
            for type_id, other in links
        ]
        body = {"properties": properties, "associations": associations}
        return str(self._call("POST", f"{OBJECTS}/{kind}", body)["id"])

    def deal(
        self,
        properties: dict[str, str] | None = None,
        *,
        contacts: Sequence[str] = (),
        companies: Sequence[str] = (),
        line_items: Sequence[str] = (),
    ) -> str:
        """A deal, in an open stage unless `properties` name another."""
        named = {"dealname": "Test deal", "dealstage": "qualifiedtobuy", "pipeline": "default"}
        links = [
            *((LINKS["deals", "contacts"], other) for other in contacts),
            *((LINKS["deals", "companies"], other) for other in companies),
            *((LINKS["deals", "line_items"], other) for other in line_items),
        ]
        return self.create("deals", {**named, **(properties or {})}, links)

    def contact(self, email: str = "ada@engines.example", *, company: str | None = None, name: str = "Ada") -> str:
        links = [(LINKS["contacts", "companies"], company)] if company else []
        return self.create("contacts", {"email": email, "firstname": name}, links)

    def company(self, name: str = "Engines Ltd", domain: str = "engines.example") -> str:
        return self.create("companies", {"name": name, "domain": domain})

    def line_item(self, price: str | None, quantity: str = "1", currency: str | None = None) -> str:
        given = {"name": "Licence", "quantity": quantity, "price": price, "hs_line_item_currency_code": currency}
        return self.create("line_items", {key: value for key, value in given.items() if value is not None})

    def move(self, deal_id: str, stage: str) -> None:
        """The deal enters that stage now."""
        self.change("deals", deal_id, {"dealstage": stage})

    def change(self, kind: str, identifier: str, properties: dict[str, str]) -> None:
        self._call("PATCH", f"{OBJECTS}/{kind}/{identifier}", {"properties": properties})

    def read(self, kind: str, identifier: str, properties: Sequence[str] = PROPERTIES) -> dict[str, Any]:
        """The values of these properties, and of those that HubSpot always includes."""
        answer = self._http.get(f"{OBJECTS}/{kind}/{identifier}", params={"properties": ",".join(properties)})
        found: dict[str, Any] = answer.raise_for_status().json()["properties"]
        return found

    def linked(self, deal_id: str, kind: str) -> list[str]:
        """The ids of the records that are associated with the deal."""
        answer = self._http.get(f"{OBJECTS}/deals/{deal_id}/associations/{kind}").raise_for_status()
        return [str(found["toObjectId"]) for found in answer.json()["results"]]

    def archive(self, kind: str, identifier: str) -> None:
        self._http.delete(f"{OBJECTS}/{kind}/{identifier}").raise_for_status()

    def merge(self, deal_id: str, other: str) -> str:
        """The id of the merged deal."""
        return str(self._call("POST", "/_sim/mutate", {"merge": [[deal_id, other]]})["merged"][0]["into"])

    def calls(self, route: str) -> int:
        """The number of calls of a route, such as `GET /crm/owners/{version}`, so far."""
        counted: dict[str, int] = self._http.get("/_sim/stats").json()["calls"].get(route, {})
        return sum(counted.values())

    def writes(self) -> int:
        """The number of write requests so far."""
        counted: dict[str, dict[str, int]] = self._http.get("/_sim/stats").json()["calls"]
        return sum(sum(answers.values()) for route, answers in counted.items() if WRITE.search(route))

    def _call(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self._http.request(method, path, json=body)
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found
