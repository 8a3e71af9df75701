"""The database against the sandbox's truth, deal by deal, and the runs that each deal has."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from core.database import Database
from tests.completeness.account import Truth, is_gone
from tests.factories import rows

DEALS = """
SELECT hubspot_deal_id AS id, name, amount, hubspot_stage, hubspot_pipeline, hubspot_modified_at, archived_at,
       merged_into, purged_at
FROM deals
"""

BROKEN_RULES = {
    "a deal without exactly one NEW run": """
        SELECT d.hubspot_deal_id FROM deals AS d
        WHERE (SELECT count(*) FROM pipeline_runs AS r WHERE r.deal_id = d.id AND r.trigger = 'NEW') <> 1""",
    "a waiting run without a job": """
        SELECT d.hubspot_deal_id FROM pipeline_runs AS r JOIN deals AS d ON d.id = r.deal_id
        WHERE r.status = 'QUEUED' AND r.reason IS DISTINCT FROM 'HELD' AND NOT EXISTS (
            SELECT FROM procrastinate_jobs AS j WHERE j.id = r.job_id AND j.status = 'todo')""",
    "a held run with a job": """
        SELECT d.hubspot_deal_id FROM pipeline_runs AS r JOIN deals AS d ON d.id = r.deal_id
        WHERE r.reason = 'HELD' AND r.job_id IS NOT NULL""",
    "a deal that is gone with an active run": """
        SELECT d.hubspot_deal_id FROM pipeline_runs AS r JOIN deals AS d ON d.id = r.deal_id
        WHERE d.archived_at IS NOT NULL AND r.status IN ('QUEUED', 'RUNNING', 'RETRYING')""",
    "a deal with more than one active run": """
        SELECT d.hubspot_deal_id FROM deals AS d
        WHERE (SELECT count(*) FROM pipeline_runs AS r
               WHERE r.deal_id = d.id AND r.status IN ('QUEUED', 'RUNNING', 'RETRYING')) > 1""",
    "a deal whose status is not that of its latest run": """
        SELECT d.hubspot_deal_id FROM deals AS d LEFT JOIN pipeline_runs AS r ON r.id = d.latest_run_id
        WHERE r.status IS DISTINCT FROM d.status
           OR r.number <> (SELECT max(o.number) FROM pipeline_runs AS o WHERE o.deal_id = d.id)""",
    "a deal that is gone and waits for a run": """
        SELECT hubspot_deal_id FROM deals WHERE archived_at IS NOT NULL AND rerun_wanted_at IS NOT NULL""",
    # A tail that was killed as it began is ended by the next tail.
    "a sync that stays RUNNING": """
        SELECT kind::text AS hubspot_deal_id FROM sync_runs WHERE outcome = 'RUNNING' AND kind <> 'TAIL'""",
    "a rejected record": "SELECT record_key AS hubspot_deal_id FROM sync_rejects",
}


async def compare(database: Database, truth: Truth, *, live_only: bool = False) -> list[str]:
    """The differences, one sentence each; empty when the database is complete."""
    stored = {row["id"]: row for row in await rows(database, DEALS)}
    wrong = list(_differences(stored, truth, live_only=live_only))
    if not live_only:
        for rule, query in BROKEN_RULES.items():
            wrong += [f"{rule}: {row['hubspot_deal_id']}" for row in await rows(database, query)]
    return wrong


def _differences(stored: Mapping[str, Mapping[str, Any]], truth: Truth, *, live_only: bool) -> Iterator[str]:
    for key in stored.keys() - truth.keys():
        yield f"{key}: HubSpot never had it"
    for key, deal in truth.items():
        ours = stored.get(key)
        if is_gone(deal):
            if ours is not None and not live_only and not _is_marked(ours, key, truth):
                yield f"{key}: gone, stored as {_marks(ours)}; {deal}"
        elif live_only and deal["archived"]:
            continue
        elif ours is None:
            yield f"{key}: missing"
        elif _seen(ours) != _expected(deal):
            yield f"{key}: {_seen(ours)} stored, {_expected(deal)} in HubSpot"


def _marks(ours: Mapping[str, Any]) -> dict[str, Any]:
    return {name: ours[name] for name in ("archived_at", "merged_into", "purged_at")}


def _is_marked(ours: Mapping[str, Any], key: str, truth: Truth) -> bool:
    """A merged deal names one of its successors; once the last of them is purged, HubSpot has neither."""
    successors, successor = [], truth[key]["mergedInto"]
    while successor is not None:
        successors.append(successor)
        successor = truth[successor]["mergedInto"]
    is_merged = ours["merged_into"] in successors and ours["purged_at"] is None
    is_purged = ours["purged_at"] is not None and ours["merged_into"] is None
    may_be_purged = not successors or bool(truth[successors[-1]].get("purged"))
    return ours["archived_at"] is not None and (is_merged or (may_be_purged and is_purged))


def _seen(ours: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        ours["name"],
        None if ours["amount"] is None else float(ours["amount"]),
        ours["hubspot_stage"],
        ours["hubspot_pipeline"],
        ours["hubspot_modified_at"],
        ours["archived_at"],
        ours["merged_into"],
        ours["purged_at"],
    )


def _expected(deal: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        (deal["dealname"] or "").replace("\0", "") or None,
        float(deal["amount"]) if deal["amount"] else None,
        deal["dealstage"],
        deal["pipeline"],
        _instant(deal["lastModified"]),
        _instant(deal["archivedAt"]),
        None,
        None,
    )


def _instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)
