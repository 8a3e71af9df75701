"""The limits of one document, and that checking them is cheap."""

import time

import pytest
from graphql import get_introspection_query, parse

from schema.limits import MAX_ALIASES, MAX_COST, MAX_TOKENS
from tests.api.graphql_client import GraphQLClient

STEP = "steps { stage label status startedAt endedAt attempts output error { type message } }"
RUN = f"runs {{ id number trigger status reason createdAt startedAt endedAt nextAttemptAt {STEP} }}"
DEAL = f"""
id hubspotDealId name amount currency hubspotPipeline hubspotStage hubspotStageLabel ownerName closeDate
status reason currentStage createdAt updatedAt {STEP} {RUN}
"""
EVERYTHING = f"dealQueue(limit: 200) {{ items {{ {DEAL} }} nextBefore }}"


def doubling(levels: int) -> str:
    """Fragments that each spread the next one twice: 2 ** levels fields in a few hundred bytes."""
    fragments = [f"fragment F{n} on Deal {{ ...F{n + 1} ...F{n + 1} }}" for n in range(levels)]
    return f"{{ deal(id: 1) {{ ...F0 }} }} {' '.join(fragments)} fragment F{levels} on Deal {{ a: id }}"


async def refused(graphql: GraphQLClient, document: str, what: str) -> None:
    """Every error is a validation error, and one of the messages has `what`."""
    errors = (await graphql.response(document))["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}
    assert any(what in error["message"] for error in errors), errors


async def test_all_fields_for_the_largest_page_are_allowed(offline_graphql: GraphQLClient) -> None:
    """A document that selects every field once is not refused; the error is that the database is unavailable."""
    error = await offline_graphql.error(f"{{ {EVERYTHING} }}")
    assert (error["extensions"]["code"], error["path"]) == ("INTERNAL_SERVER_ERROR", ["dealQueue"])


async def test_graphiqls_own_introspection_is_allowed(offline_graphql: GraphQLClient) -> None:
    """With all its options."""
    document = get_introspection_query(
        specified_by_url=True, input_value_deprecation=True, directive_is_repeatable=True
    )
    assert len((await offline_graphql(document))["__schema"]["types"]) > 10


async def test_a_document_that_selects_too_many_values_is_refused(offline_graphql: GraphQLClient) -> None:
    """The whole schema twice for 200 deals; a `limit` in a variable counts as the largest one."""
    await refused(offline_graphql, f"{{ {EVERYTHING} again: {EVERYTHING} }}", f"values; {MAX_COST} are allowed")
    open_limit = EVERYTHING.replace("200", "$limit")
    twice = f"query ($limit: Int!) {{ {open_limit} again: {open_limit} }}"
    await refused(offline_graphql, twice, f"values; {MAX_COST} are allowed")
    small = EVERYTHING.replace("200", "50")
    error = await offline_graphql.error(f"{{ {small} }}")
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


async def test_too_deep_a_document_is_refused(offline_graphql: GraphQLClient) -> None:
    """Also where the types do not allow the nesting."""
    document = "{ deal(id: 1) " + "{ runs " * 11 + "{ id }" + " }" * 11 + " }"
    await refused(offline_graphql, document, "is 13 levels deep; 10 are allowed")


async def test_too_many_aliases_are_refused(offline_graphql: GraphQLClient) -> None:
    """Thirty are enough for a page; with three hundred, one request would do the work of three hundred."""
    aliases = " ".join(f"a{number}: pipeline {{ key }}" for number in range(MAX_ALIASES + 1))
    await refused(offline_graphql, f"{{ {aliases} }}", f"{MAX_ALIASES + 1} aliases; {MAX_ALIASES} are allowed")


@pytest.mark.parametrize("levels", [20, 60])
async def test_fragments_that_double_are_refused_at_once(offline_graphql: GraphQLClient, levels: int) -> None:
    """Each is measured once: sixty levels, 10 ** 18 fields, take no longer than parsing them."""
    started = time.process_time()
    await refused(offline_graphql, doubling(levels), "aliases")
    assert time.process_time() - started < 1.0


async def test_fragments_in_a_circle_are_refused(offline_graphql: GraphQLClient) -> None:
    """By GraphQL's own rule; the measuring terminates."""
    await refused(
        offline_graphql, "{ deal(id: 1) { ...A } } fragment A on Deal { ...B } fragment B on Deal { ...A }", "itself"
    )


async def test_an_unknown_fragment_is_named(offline_graphql: GraphQLClient) -> None:
    """By GraphQL's own rule; the measuring ignores it."""
    await refused(offline_graphql, "{ deal(id: 1) { ...Nope } }", "Nope")


async def test_a_document_with_too_many_tokens_is_not_parsed(offline_graphql: GraphQLClient) -> None:
    """The parser stops at the limit of tokens."""
    error = await offline_graphql.error("{ " + "x " * MAX_TOKENS + "}")
    assert error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
    assert f"more than {MAX_TOKENS} tokens" in error["message"]


async def test_a_deeply_nested_document_is_a_client_error(offline_graphql: GraphQLClient) -> None:
    """It does not reach the interpreter's recursion limit."""
    error = await offline_graphql.error("{ a " * 400 + "}" * 400)
    assert error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


def test_the_token_limit_leaves_room_for_introspection() -> None:
    """A fifth of it is enough."""
    parse(get_introspection_query(), max_tokens=MAX_TOKENS // 5)
