"""The enums of the API have the names that are stored."""

from enum import StrEnum

import pytest
from graphql import GraphQLEnumType

from models import RunReason, RunStatus, RunTrigger, StepStatus
from resolvers.deal_state import StateWord
from schema.execution import create_schema


@pytest.mark.parametrize("stored", [RunReason, RunStatus, RunTrigger, StepStatus, StateWord])
def test_an_enum_has_the_stored_names_and_a_description(stored: type[StrEnum]) -> None:
    """A client sees the same words as the database and the log."""
    shown = create_schema()._schema.type_map[stored.__name__]
    assert isinstance(shown, GraphQLEnumType)
    assert list(shown.values) == [member.value for member in stored]
    assert shown.description
