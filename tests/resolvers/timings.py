"""Stage statistics, older rows, ended runs and fetched jobs, without waiting for any of them."""

from datetime import UTC, datetime

from sqlalchemy import insert, text

from core.database import Database
from models import QUEUE_WAIT, metadata
from tests import factories


async def stats(database: Database, stage: str = QUEUE_WAIT, *, samples: int = 50, seconds: float = 10) -> None:
    """All percentiles of the stage are `seconds`."""
    row = {"stage": stage, "samples": samples, "measured_at": datetime.now(UTC)}
    percentiles = dict.fromkeys(("p50", "p95", "p99"), seconds)
    await database.run(insert(metadata.tables["stage_stats"]), {**row, **percentiles})


async def age_runs(database: Database, seconds: float) -> None:
    """All runs were queued `seconds` ago."""
    ago = "clock_timestamp() - make_interval(secs => :seconds)"
    await database.run(text(f"UPDATE pipeline_runs SET created_at = {ago}, queued_at = {ago}"), {"seconds": seconds})


async def age_running_steps(database: Database, seconds: float) -> None:
    """All RUNNING steps began `seconds` ago."""
    statement = "UPDATE steps SET started_at = clock_timestamp() - make_interval(secs => :seconds)"
    await database.run(text(f"{statement} WHERE status = 'RUNNING'"), {"seconds": seconds})


async def delete_fetched_jobs(database: Database) -> None:
    """Delete the jobs of runs that no longer wait, as a worker would have done."""
    waits = "SELECT job_id FROM pipeline_runs WHERE status IN ('QUEUED', 'RETRYING') AND job_id IS NOT NULL"
    await database.run(text(f"DELETE FROM procrastinate_jobs WHERE id NOT IN ({waits})"))


async def runs_ended_recently(database: Database, seconds: float = 10) -> None:
    """Ten runs have ended, one every `seconds`."""
    for _ in range(10):
        await factories.done_deal(database)
    await delete_fetched_jobs(database)
    ended = "UPDATE pipeline_runs SET ended_at = clock_timestamp() - make_interval(secs => :seconds * (1 + id % 10))"
    await database.run(text(f"{ended} WHERE status = 'DONE'"), {"seconds": seconds})
