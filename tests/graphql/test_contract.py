"""The committed contract is what the server answers by."""

import subprocess
import sys
from pathlib import Path

from graphql import build_schema, validate_schema

ROOT = Path(__file__).parents[2]
CONTRACT = ROOT / "schema" / "schema.graphql"


def test_the_contract_is_what_python_m_schema_prints() -> None:
    """After a change of the types: `python -m schema > schema/schema.graphql`, and review the difference."""
    printed = subprocess.run(
        [sys.executable, "-m", "schema"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert printed == CONTRACT.read_text()


def test_the_contract_is_valid() -> None:
    """Any GraphQL tool can read it."""
    assert validate_schema(build_schema(CONTRACT.read_text())) == []
