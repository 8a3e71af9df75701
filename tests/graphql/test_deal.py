"""deal(id) and its runs."""

from core.database import Database
from tests.graphql import factories
from tests.graphql.asking import Asker

RUNS = """
query ($id: ID!) { deal(id: $id) {
  id status steps { status }
  runs { number trigger status reason createdAt startedAt endedAt nextAttemptAt steps { stage status } }
} }
"""


async def test_every_run_is_shown_the_latest_first(ask: Asker, database: Database) -> None:
    """With its own steps, each run as it went."""
    deal = (await ask(RUNS, id=await factories.twice_run_deal(database)))["deal"]
    assert [(run["number"], run["trigger"], run["status"]) for run in deal["runs"]] == [
        (2, "RETRY", "DONE"),
        (1, "NEW", "FAILED"),
    ]
    first = [step["status"] for step in deal["runs"][1]["steps"]]
    assert first == ["DONE", "FAILED", "PENDING", "PENDING", "PENDING", "PENDING"]


async def test_a_retrying_run_says_when_it_goes_on(ask: Asker, database: Database) -> None:
    """`nextAttemptAt` is in UTC."""
    deal = (await ask(RUNS, id=await factories.retrying_deal(database)))["deal"]
    assert deal["runs"][0]["nextAttemptAt"] == "2026-11-01T12:01:00.123456+00:00"


async def test_an_unknown_deal_is_null(ask: Asker) -> None:
    """That there is none is an answer, not an error."""
    assert await ask(RUNS, id="9223372036854775807") == {"deal": None}


async def test_what_can_be_no_id_is_refused(ask: Asker) -> None:
    """A mistake of the caller is named, and does not reach the database."""
    for id_ in ("", "x", "0", "-1", "1.5", " 1", "01", "1e3", "9223372036854775808", "9" * 5000, "\u0661"):
        error = await ask.error(RUNS, id=id_)
        assert (error["extensions"]["code"], error["path"]) == ("BAD_USER_INPUT", ["deal"]), id_
        assert "`id` is not the id of a deal" in error["message"]


async def test_the_stages_of_a_new_run_are_shown(ask: Asker) -> None:
    """`pipeline` is what the process was started with."""
    stages = (await ask("{ pipeline { key label } }"))["pipeline"]
    assert stages[0] == {"key": "fetch", "label": "Fetch"}
    assert stages[-1] == {"key": "write_back", "label": "Write back"}
    assert len(stages) == 6
