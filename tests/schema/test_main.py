"""The committed contract is the schema that the server serves."""

from pathlib import Path

import pytest
from graphql import build_schema, validate_schema

from schema.__main__ import main

CONTRACT = Path(__file__).parents[2] / "schema" / "schema.graphql"


def test_the_contract_is_what_python_m_schema_prints(capsys: pytest.CaptureFixture[str]) -> None:
    """After a change of the types: `python -m schema > schema/schema.graphql`, and review the difference."""
    main()
    assert capsys.readouterr().out == CONTRACT.read_text()


def test_the_contract_is_valid() -> None:
    """Any GraphQL tool can read it."""
    assert validate_schema(build_schema(CONTRACT.read_text())) == []
