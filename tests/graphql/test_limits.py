"""How much one document may ask for, and that finding out is cheap."""

import time

import pytest
from graphql import get_introspection_query, parse

from schema.limits import MAX_ALIASES, MAX_COST, MAX_TOKENS
from tests.graphql.asking import Asker

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


async def refused(ask: Asker, document: str, what: str) -> None:
    """Every error of the answer is of the validation, and one of them says `what`."""
    errors = (await ask.answer(document))["errors"]
    assert {error["extensions"]["code"] for error in errors} == {"GRAPHQL_VALIDATION_FAILED"}
    assert any(what in error["message"] for error in errors), errors


async def test_all_fields_for_the_largest_page_are_allowed(offline: Asker) -> None:
    """Nobody is refused who asks for each thing once; here only the database is missing."""
    error = await offline.error(f"{{ {EVERYTHING} }}")
    assert (error["extensions"]["code"], error["path"]) == ("INTERNAL_SERVER_ERROR", ["dealQueue"])


async def test_graphiqls_own_introspection_is_allowed(offline: Asker) -> None:
    """Deep as it is, and with all its options."""
    document = get_introspection_query(
        specified_by_url=True, input_value_deprecation=True, directive_is_repeatable=True
    )
    assert len((await offline(document))["__schema"]["types"]) > 10


async def test_too_much_at_once_is_refused(offline: Asker) -> None:
    """The whole schema twice for 200 deals; a variable counts as the largest page, since it may be that."""
    await refused(offline, f"{{ {EVERYTHING} again: {EVERYTHING} }}", f"values; {MAX_COST} are allowed")
    open_limit = EVERYTHING.replace("200", "$limit")
    twice = f"query ($limit: Int!) {{ {open_limit} again: {open_limit} }}"
    await refused(offline, twice, f"values; {MAX_COST} are allowed")
    small = EVERYTHING.replace("200", "50")
    error = await offline.error(f"{{ {small} }}")
    assert error["extensions"]["code"] == "INTERNAL_SERVER_ERROR"


async def test_too_deep_a_document_is_refused(offline: Asker) -> None:
    """Also where the types would not allow it, and through fragments."""
    document = "{ deal(id: 1) " + "{ runs " * 11 + "{ id }" + " }" * 11 + " }"
    await refused(offline, document, "is 13 levels deep; 10 are allowed")


async def test_too_many_aliases_are_refused(offline: Asker) -> None:
    """Thirty are enough for a page; with three hundred one request would be three hundred."""
    aliases = " ".join(f"a{number}: pipeline {{ key }}" for number in range(MAX_ALIASES + 1))
    await refused(offline, f"{{ {aliases} }}", f"{MAX_ALIASES + 1} aliases; {MAX_ALIASES} are allowed")


@pytest.mark.parametrize("levels", [20, 60])
async def test_fragments_that_double_are_refused_at_once(offline: Asker, levels: int) -> None:
    """They are measured once each: sixty levels, 10 ** 18 fields, take no longer than reading them."""
    started = time.process_time()
    await refused(offline, doubling(levels), "aliases")
    assert time.process_time() - started < 1.0


async def test_fragments_in_a_circle_are_refused(offline: Asker) -> None:
    """By GraphQL's own rule; the measuring ends."""
    await refused(offline, "{ deal(id: 1) { ...A } } fragment A on Deal { ...B } fragment B on Deal { ...A }", "itself")


async def test_an_unknown_fragment_is_named(offline: Asker) -> None:
    """By GraphQL's own rule; the measuring passes over it."""
    await refused(offline, "{ deal(id: 1) { ...Nope } }", "Nope")


async def test_too_long_a_document_is_not_even_read(offline: Asker) -> None:
    """The parser stops at the limit of tokens."""
    error = await offline.error("{ " + "x " * MAX_TOKENS + "}")
    assert error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"
    assert f"more than {MAX_TOKENS} tokens" in error["message"]


async def test_too_nested_a_document_is_an_error_of_the_client(offline: Asker) -> None:
    """No recursion reaches the interpreter's limit."""
    error = await offline.error("{ a " * 400 + "}" * 400)
    assert error["extensions"]["code"] == "GRAPHQL_PARSE_FAILED"


def test_the_limit_of_tokens_leaves_room_for_our_own_documents() -> None:
    """A fifth of it is enough for the longest."""
    parse(get_introspection_query(), max_tokens=MAX_TOKENS // 5)
