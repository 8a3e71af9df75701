"""Both path families lead to the same handlers; other paths and methods to none."""

import httpx
import pytest

from tests.sandbox.conftest import golden

FAMILIES = ("/crm/objects/2026-09/0-3", "/crm/objects/2025-09/deals", "/crm/v3/objects/deals", "/crm/v3/objects/0-3")


@pytest.mark.parametrize("path", FAMILIES)
def test_both_path_families_have_the_same_responses(api: httpx.Client, path: str) -> None:
    """Date versions, v3, type id and type name lead to the same handlers."""
    body, expected = (api.get(family, params={"limit": 3}).json() for family in (path, FAMILIES[0]))
    assert body["results"] == expected["results"]


@pytest.mark.parametrize(
    "url", ["/", "/crm/v3", "/crm/objects/banana/0-3", "/crm/objects/2026-9/0-3", "/crm/v9/objects/0-3"]
)
def test_an_unknown_path_is_a_404(api: httpx.Client, url: str) -> None:
    """A version is a year and a month."""
    answer = api.get(url)
    assert answer.status_code == 404
    assert golden(answer)["category"] == "OBJECT_NOT_FOUND"


def test_a_method_that_a_path_does_not_have_is_a_405(api: httpx.Client) -> None:
    """In the same format."""
    answer = api.put(FAMILIES[0], json={})
    assert answer.status_code == 405
    assert golden(answer)["status"] == "error"
