"""What reads and writes must agree on: conditions as SQL, the queues' names, and the bounds of leases and heartbeats.

Each function takes the alias of its table; with "" the columns stand alone, as the condition of an index needs them.
"""

from datetime import timedelta

# Procrastinate's queue and task by which runs are delivered.
QUEUE = "deals"
# For suspected runs: each worker processes one of them at a time.
QUARANTINE = "quarantine"
TASK = "process_deal"

# The row of `controls` that pauses the queue.
PAUSE = "pause"

# From so many crashes on, a run is suspected of killing its worker: no other suspected run may run at the same time.
QUARANTINE_CRASHES = 2
# A worker that dies interrupts its other runs as well; so many crashes with the same run are no coincidence.
MOST_CRASHES = 5

# How often a worker and its queue workers send a heartbeat; without one for the second time they count as dead.
HEARTBEAT_SECONDS = 5.0
STALE_HEARTBEAT_SECONDS = 15.0


# An activity in HubSpot this close to a note or task of ours is that note or task: HubSpot shows the time that we have
# given it, or that of its creation, which is a few calls later. A person who acts in the same moment is overlooked.
OWN_ACTIVITY_SECONDS = 15

# How long a check is good for. What changes without the deal (contacts, other deals, the account) is found by then.
RECHECK_AFTER = timedelta(days=7)
# The value of `deals.recheck_at` before a run has set it.
NEVER_CHECKED = "1970-01-01 00:00:00+00"


def _of(alias: str) -> str:
    return f"{alias}." if alias else ""


def is_active(run: str = "r") -> str:
    """The run waits or runs: a deal has at most one such run."""
    return f"{_of(run)}status IN ('QUEUED', 'RUNNING', 'RETRYING')"


def is_held(run: str = "r") -> str:
    """The run waits for approval, without a job, because too many deals arrived or changed at once."""
    return f"{_of(run)}reason = 'HELD' AND {_of(run)}status = 'QUEUED'"


def is_queued(run: str = "r") -> str:
    """The run waits for a worker, and not for approval."""
    return f"{_of(run)}status = 'QUEUED' AND {_of(run)}reason IS DISTINCT FROM 'HELD'"


def is_waiting(run: str = "r") -> str:
    """The run waits for a worker or for the time of its next attempt; a job delivers it."""
    return f"{_of(run)}status IN ('QUEUED', 'RETRYING') AND {_of(run)}reason IS DISTINCT FROM 'HELD'"


def waits_for_access(run: str = "r") -> str:
    """The run waits until a person grants in HubSpot what its column `waits_for` names, a scope for example."""
    return f"{_of(run)}waits_for IS NOT NULL AND {_of(run)}status = 'RETRYING'"


def next_turns() -> str:
    """SQL for the run (id, waits_for, next_attempt_at) whose turn is next of each thing that is waited for.

    From one thing to the next by the index: thousands of runs may wait for the same one.
    """
    first = f"""SELECT r.id, r.waits_for, r.next_attempt_at FROM pipeline_runs AS r
        WHERE {waits_for_access()}{{after}} ORDER BY r.waits_for, r.next_attempt_at LIMIT 1"""  # noqa: S608
    return f"""WITH RECURSIVE turns AS (
        ({first.format(after="")})
        UNION ALL
        SELECT n.* FROM turns AS t, LATERAL ({first.format(after=" AND r.waits_for > t.waits_for")}) AS n
    ) SELECT * FROM turns"""  # noqa: S608


def is_due(run: str = "r") -> str:
    """The time of the run's next attempt has come, or it has none."""
    return f"coalesce({_of(run)}next_attempt_at, '-infinity') <= clock_timestamp()"


def has_expired(run: str = "r") -> str:
    """The run's worker has not renewed its lease in time."""
    return f"{_of(run)}status = 'RUNNING' AND {_of(run)}lease_until < clock_timestamp()"


def is_suspected(run: str = "r") -> str:
    """The run may kill its worker."""
    return f"{_of(run)}crashes >= {QUARANTINE_CRASHES}"


def is_recheckable(deal: str = "d") -> str:
    """The deal is live and was checked; its last run has ended. A new deal whose run was dropped was never checked."""
    d = _of(deal)
    checked_before = f"{d}status IN ('FAILED', 'CANCELLED') AND {d}recheck_at > '{NEVER_CHECKED}'"
    return f"{d}archived_at IS NULL AND ({d}status = 'DONE' OR {checked_before})"


def is_open(control: str = "c") -> str:
    """The control was requested and is not yet taken; the queue is paused while its row PAUSE is open."""
    return f"{_of(control)}requested_at > coalesce({_of(control)}taken_at, '-infinity')"


IS_PAUSED = f"EXISTS (SELECT FROM controls AS c WHERE c.name = '{PAUSE}' AND {is_open()})"
