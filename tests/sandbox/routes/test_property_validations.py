"""Validation rules of properties."""

import httpx


def test_the_validation_rules_are_listed(api: httpx.Client) -> None:
    """By object type and by property."""
    listed = api.get("/crm/property-validations/2026-09/0-3").json()["results"]
    rules = {entry["propertyName"]: entry["propertyValidationRules"] for entry in listed}
    assert rules["amount"] == [{"ruleType": "MIN_NUMBER", "ruleArguments": ["500"]}]
    assert api.get("/crm/v3/property-validations/0-3/amount").json()["results"] == rules["amount"]
    assert api.get("/crm/property-validations/2026-09/0-1").json() == {"results": []}
