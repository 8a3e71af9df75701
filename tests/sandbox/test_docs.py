"""docs/sandbox.md describes every kind of request to the sandbox, and no others."""

import json
import re
from pathlib import Path

import pytest

from core.clock import SystemClock
from sandbox.account.clock import SandboxClock
from sandbox.account.seed_data import build_account
from sandbox.app import Options, create_app
from sandbox.config import Config
from sandbox.faults.kinds import FaultKind
from sandbox.faults.plan import Fault
from sandbox.routes.mutations import KEYS

PAGE = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()


def table(heading: str) -> set[str]:
    """The names in the first column of a section's table."""
    section = PAGE.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0].split("\n### ", 1)[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def test_every_fault_is_in_the_docs() -> None:
    """Each kind in its table, each option in the text before it."""
    assert table("### Faults") == {kind.value for kind in FaultKind}
    section = PAGE.split("\n### Faults\n", 1)[1]
    assert [name for name in Fault.model_fields if f'"{name}"' not in section and f"`{name}`" not in section] == []


def test_every_config_key_is_in_the_docs() -> None:
    """With the default that it really has, where it is not the start's."""
    assert table("### Config") == Config.model_fields.keys()


@pytest.mark.parametrize("name", sorted(Config.model_fields.keys() - {"token"}))
def test_the_defaults_in_the_docs_are_those_of_the_code(name: str) -> None:
    """In the form of JSON."""
    (shown,) = re.findall(rf"^\| `{name}` \| `?(.*?)`? \|", PAGE, re.MULTILINE)
    assert json.loads(shown) == Config().model_dump(mode="json")[name]


def test_every_mutation_is_in_the_docs() -> None:
    """Including the switches."""
    assert table("### Mutations") == KEYS


def test_every_route_of_the_control_plane_is_in_the_docs() -> None:
    """Method and path."""
    clock, options = SandboxClock(SystemClock()), Options(lively=False)
    account, maker = build_account(clock, deals=0, seed=1)
    routes = create_app(account, maker, clock, options).routes
    control = {
        f"{method} {path}"
        for route in routes
        if (path := getattr(route, "path", "")).startswith(("/_sim/", "/healthz"))
        for method in getattr(route, "methods", ())
        if method != "HEAD"
    }
    assert table("## Control plane") == control
