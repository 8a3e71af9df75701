"""HubSpot's responses are read into types; what differs from its documentation is named."""

from decimal import Decimal
from typing import Any

import pytest

from crm.errors import BadResponse
from crm.responses import DealPipelines, DealStage, Owner, Owners, read


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, "results"),
        ({"results": {}}, "results"),
        ({"results": [{"id": "1"}, {"email": "ada@engines.example"}]}, "results.1.id"),
    ],
)
def test_the_first_field_that_does_not_match_is_named(body: dict[str, Any], place: str) -> None:
    """Its value is not quoted: it may be anything."""
    with pytest.raises(BadResponse, match=f"structure: {place}: ") as raised:
        read(Owners, body)
    assert "ada@" not in str(raised.value)


def test_unknown_fields_are_ignored_and_numbers_become_text() -> None:
    """HubSpot adds fields, and sends some ids as numbers."""
    [pipeline] = read(DealPipelines, {"results": [{"id": 7, "label": "Sales", "new": {}}], "more": 1}).results
    assert (pipeline.id, pipeline.stages) == ("7", [])


def test_nul_characters_are_removed_from_texts() -> None:
    """PostgreSQL cannot store them."""
    assert read(Owner, {"id": "7", "firstName": "A\0da"}).first_name == "Ada"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"firstName": "Ada", "lastName": "Byron", "email": "ada@engines.example"}, "Ada Byron"),
        ({"firstName": "", "lastName": "Byron"}, "Byron"),
        ({"firstName": None, "email": "ada@engines.example"}, "ada@engines.example"),
        ({}, "7"),
    ],
)
def test_an_owner_always_has_a_name(fields: dict[str, Any], name: str) -> None:
    """The e-mail address, else the id, where HubSpot has no name."""
    assert read(Owner, {"id": "7", **fields}).name == name


@pytest.mark.parametrize(
    ("metadata", "closed", "won", "lost"),
    [
        ({"probability": "0.4", "isClosed": "false"}, False, False, False),
        ({"probability": "1.0", "isClosed": "true"}, True, True, False),
        ({"probability": "0.0", "isClosed": "true"}, True, False, True),
        ({"probability": "1.0"}, True, True, False),
        ({"probability": "0.0", "isClosed": ""}, True, False, True),
        ({"probability": "1.0", "isClosed": "false"}, False, False, False),
        ({"probability": ""}, False, False, False),
        ({}, False, False, False),
    ],
)
def test_a_stage_is_won_or_lost_by_its_probability(
    metadata: dict[str, str], closed: bool, won: bool, lost: bool
) -> None:
    """Where HubSpot does not report whether it is closed, a probability of 0 or 1 decides."""
    stage = read(DealStage, {"id": "s", "label": "A stage", "metadata": metadata})
    assert (stage.is_closed, stage.is_won, stage.is_lost) == (closed, won, lost)
    assert stage.probability == (Decimal(metadata["probability"]) if metadata.get("probability") else None)
