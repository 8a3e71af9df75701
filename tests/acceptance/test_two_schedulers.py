"""Two schedulers on one database, as real processes: killed, frozen or stopped, one of them leads, never both."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import make_url

from core.session_settings import IDLE_IN_TRANSACTION_MILLISECONDS
from tests.installation import Installation, installation, until

TTL_SECONDS = 2.0
# The tick of the other scheduler, then its first sync, on two shared cores.
MARGIN_SECONDS = 3.0
SUPERVISED, MANUAL = "dealqueue", "manual"

# The two processes connect as different users, so that the database itself records which of them wrote a row.
NOTE_WRITERS = f"""
CREATE ROLE {MANUAL} SUPERUSER LOGIN;
CREATE TABLE written (id bigint GENERATED ALWAYS AS IDENTITY, writer text, what text);
CREATE FUNCTION note_writer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN INSERT INTO written (writer, what) VALUES (session_user, tg_table_name); RETURN NULL; END $$;
CREATE TRIGGER note AFTER INSERT ON sync_runs FOR EACH ROW EXECUTE FUNCTION note_writer();
CREATE TRIGGER note AFTER INSERT OR UPDATE ON sync_state FOR EACH ROW EXECUTE FUNCTION note_writer();
CREATE TRIGGER note AFTER INSERT OR UPDATE ON leases FOR EACH ROW EXECUTE FUNCTION note_writer();
"""


@pytest.fixture
def running() -> Iterator[Installation]:
    settings = {"SANDBOX_DEALS": "20", "SANDBOX_LIVELY": "false", "SYNC_INTERVAL_SECONDS": "1"}
    with installation(LEADER_TTL_SECONDS=f"{TTL_SECONDS:g}", **settings) as ready:
        ready.change(NOTE_WRITERS)
        yield ready


@contextmanager
def second_scheduler(running: Installation) -> Iterator[subprocess.Popen[bytes]]:
    """Started manually; yielded once it queries the lease."""
    url = make_url(running.database_url).set(username=MANUAL)
    with running.second("scheduler", DATABASE_URL=url.render_as_string(hide_password=False)) as process:
        until(lambda: _queries_the_lease(running), seconds=30, what="the second scheduler")
        yield process


def _queries_the_lease(running: Installation) -> bool:
    query = f"SELECT 1 FROM pg_stat_activity WHERE usename = '{MANUAL}' AND query LIKE '%leases%'"
    return bool(running.rows(query))


def written(running: Installation, writer: str, *, after: int, what: str = "%") -> int:
    found = running.rows(
        f"SELECT count(*) AS n FROM written WHERE writer = '{writer}' AND what LIKE '{what}' AND id > {after}"
    )
    return int(found[0]["n"])


def last_written(running: Installation) -> int:
    return int(running.rows("SELECT coalesce(max(id), 0) AS id FROM written")[0]["id"])


def seconds_until_synced(running: Installation, writer: str, hit: Callable[[], object], *, within: float) -> float:
    """How long after `hit` the first sync of `writer` is recorded."""
    before = last_written(running)
    hit()
    hit_at = time.monotonic()
    until(lambda: written(running, writer, after=before, what="sync_runs"), seconds=within, what=f"a sync of {writer}")
    return time.monotonic() - hit_at


@pytest.mark.timeout(180)
def test_frozen_killed_and_stopped_leaders_are_replaced_and_two_never_lead(running: Installation) -> None:
    """Within the lease and one tick after a freeze or a kill, at once after a stop; it prints the times."""
    supervised = running.pid_of("scheduler")
    with second_scheduler(running) as manual:
        _freeze_and_resume(running, supervised)
        _print_time(
            "SIGKILL", seconds_until_synced(running, SUPERVISED, manual.kill, within=TTL_SECONDS + MARGIN_SECONDS)
        )
    with second_scheduler(running) as manual:
        _freeze_and_resume(running, supervised)
        _print_time("SIGTERM", seconds_until_synced(running, SUPERVISED, manual.terminate, within=MARGIN_SECONDS))
        assert manual.wait(5) == 0
    assert running.pid_of("scheduler") == supervised, "the frozen scheduler was restarted instead of resumed"


def _freeze_and_resume(running: Installation, leader: int) -> None:
    """The other scheduler takes over; the old leader, resumed, writes nothing while the other one leads."""
    # Frozen inside a transaction, it blocks a take-over until the server ends the transaction.
    within = TTL_SECONDS + MARGIN_SECONDS + IDLE_IN_TRANSACTION_MILLISECONDS / 1000
    _print_time(
        "SIGSTOP", seconds_until_synced(running, MANUAL, lambda: os.kill(leader, signal.SIGSTOP), within=within)
    )
    resumed_at = last_written(running)
    os.kill(leader, signal.SIGCONT)
    until(lambda: written(running, MANUAL, after=resumed_at, what="sync_runs") >= 3, seconds=20, what="three syncs")
    assert written(running, SUPERVISED, after=resumed_at) == 0


def _print_time(what: str, seconds: float) -> None:
    print(f"{seconds:.2f} s from {what} of the leader to the first sync of the other one")
