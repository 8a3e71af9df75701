"""hubspot_answers: what HubSpot has answered, for every worker to use for some minutes. All statements on the table."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

import orjson
from sqlalchemy import text

from core.database import Database
from core.direct import Statement
from pipeline.queue import Priority


class Kind(StrEnum):
    """What was asked. `key` of an answer is the id of the deal, the id of the company, or the domain in lower case."""

    # As JSON: [[id of the company, [ids of the types of the association]], ...], in HubSpot's order.
    OF_DEAL = "companies_of_deal"
    # Its name; the answer null: HubSpot does not have the company.
    COMPANY = "company"
    # [[id, name], ...], the oldest first.
    OF_DOMAIN = "companies_of_domain"


# How long an answer may be used: as long as a snapshot of the deal, and for some minutes what many deals ask for.
DEAL_SECONDS, SHARED_SECONDS = 60, 300


class Recalled(NamedTuple):
    """`found` is by key; `now`, the database's time, is when an answer is read that a call returns from here on."""

    now: datetime
    found: dict[str, Any]


# An answer is used only by a run that is older than it, also since its release if it was held, that no person has asked
# to be processed now, and of which no attempt of the stage has failed: a person who does so has changed something. An
# answer about the deal itself is not used either when the sync has read a newer version of the deal since, or one that
# superseded it.
_RECALL = Statement(f"""
SELECT n.now, a.key, a.answer FROM (SELECT clock_timestamp() AS now) AS n LEFT JOIN (
    pipeline_runs AS r JOIN deals AS d ON d.id = r.deal_id
    JOIN hubspot_answers AS a ON r.id = CAST(:run_id AS bigint)
) ON a.kind = CAST(:kind AS text) AND a.key = ANY(CAST(:keys AS text[]))
    AND a.read_at >= greatest(r.created_at, r.queued_at) AND r.priority < {int(Priority.NOW)}
    AND a.read_at > n.now - CASE a.kind WHEN '{Kind.OF_DEAL}' THEN {DEAL_SECONDS} ELSE {SHARED_SECONDS} END
                            * interval '1 second'
    AND (a.modified_at IS NULL OR a.modified_at >= d.hubspot_modified_at
         AND (d.superseded_modified_at IS NULL OR a.modified_at > d.superseded_modified_at))
    AND NOT EXISTS (SELECT FROM steps AS s WHERE s.run_id = r.id AND s.stage = 'associate' AND s.attempts > 1)
""")  # noqa: S608 - numbers and a name of ours

# As above, for all of these deals, and for at least half of the time that answers may be used.
_RECALL_SHARED = Statement(f"""
SELECT n.now, a.key, a.answer FROM (SELECT clock_timestamp() AS now) AS n LEFT JOIN hubspot_answers AS a
ON a.kind = CAST(:kind AS text) AND a.key = ANY(CAST(:keys AS text[]))
    AND a.read_at > n.now - {SHARED_SECONDS} / 2.0 * interval '1 second'
    AND a.read_at >= (SELECT max(greatest(r.created_at, r.queued_at))
                      FROM deals AS d JOIN pipeline_runs AS r ON r.id = d.latest_run_id
                      WHERE d.id = ANY(CAST(:deal_ids AS bigint[])))
""")  # noqa: S608 - a number of ours

_NOW = Statement("SELECT clock_timestamp() AS now")

# By ascending key, so that two workers do not deadlock. The newest answer stays, whichever worker stores it last.
_REMEMBER = text("""
INSERT INTO hubspot_answers AS a (kind, key, read_at, modified_at, answer)
SELECT CAST(:kind AS text), p.key, CAST(:read_at AS timestamptz), p.modified_at, p.answer::jsonb
FROM unnest(CAST(:keys AS text[]), CAST(:modified AS timestamptz[]), CAST(:answers AS text[]))
    AS p (key, modified_at, answer)
ORDER BY p.key
ON CONFLICT (kind, key) DO UPDATE
SET read_at = excluded.read_at, modified_at = excluded.modified_at, answer = excluded.answer
WHERE a.read_at <= excluded.read_at
""")

_FORGET = text(f"""
DELETE FROM hubspot_answers WHERE (kind, key) IN (
    SELECT kind, key FROM hubspot_answers
    WHERE read_at < clock_timestamp() - interval '{SHARED_SECONDS} seconds' FOR UPDATE SKIP LOCKED)
""")  # noqa: S608 - a number of ours


async def recall(database: Database, run_id: int, kind: Kind, keys: Iterable[str]) -> Recalled:
    """The answers among these that this run may use."""
    return _recalled(await database.fetch(_RECALL, {"run_id": run_id, "kind": kind, "keys": list(keys)}))


async def recall_shared(database: Database, deal_ids: Sequence[int], kind: Kind, keys: Iterable[str]) -> Recalled:
    """The answers among these that the runs of all these deals may use."""
    values = {"deal_ids": deal_ids, "kind": kind, "keys": list(keys)}
    return _recalled(await database.fetch(_RECALL_SHARED, values))


async def database_time(database: Database) -> datetime:
    """When an answer is read that a call returns from here on."""
    rows = await database.fetch(_NOW, {})
    moment: datetime = rows[0]["now"]
    return moment


def _recalled(rows: Sequence[Mapping[str, Any]]) -> Recalled:
    return Recalled(rows[0]["now"], {row["key"]: row["answer"] for row in rows if row["key"] is not None})


async def remember(
    database: Database,
    kind: Kind,
    answers: Mapping[str, object],
    read_at: datetime,
    modified: Mapping[str, datetime] | None = None,
) -> None:
    """`answers` are by key, `read_at` is from before the call; `modified` says when HubSpot modified these deals.

    Answers that are too old to be used are deleted.
    """
    if answers:
        parameters = {
            "kind": kind,
            "read_at": read_at,
            "keys": list(answers),
            "modified": [(modified or {}).get(key) for key in answers],
            "answers": [orjson.dumps(answer).decode() for answer in answers.values()],
        }
        await database.run(_REMEMBER, parameters)
        await database.run(_FORGET)
