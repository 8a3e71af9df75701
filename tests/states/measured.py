"""Percentiles as they are after a day, rows that are older than they were, and jobs that a worker has taken."""

from datetime import UTC, datetime

from sqlalchemy import insert, text

from core.database import Database
from models import QUEUE_WAIT, metadata


async def stats(database: Database, stage: str = QUEUE_WAIT, *, samples: int = 50, seconds: float = 10) -> None:
    """All percentiles of the stage are so many seconds."""
    row = {"stage": stage, "samples": samples, "measured_at": datetime.now(UTC)}
    percentiles = dict.fromkeys(("p50", "p95", "p99"), seconds)
    await database.run(insert(metadata.tables["stage_stats"]), {**row, **percentiles})


async def made_ago(database: Database, seconds: float) -> None:
    """All runs wait as long as that."""
    ago = "clock_timestamp() - make_interval(secs => :seconds)"
    await database.run(text(f"UPDATE pipeline_runs SET created_at = {ago}, queued_at = {ago}"), {"seconds": seconds})


async def begun_ago(database: Database, seconds: float) -> None:
    """All steps that run do so for as long as that."""
    statement = "UPDATE steps SET started_at = clock_timestamp() - make_interval(secs => :seconds)"
    await database.run(text(f"{statement} WHERE status = 'RUNNING'"), {"seconds": seconds})


async def delivered(database: Database) -> None:
    """The jobs of runs that wait no more are gone, as a worker would have seen to."""
    waits = "SELECT job_id FROM pipeline_runs WHERE status IN ('QUEUED', 'RETRYING') AND job_id IS NOT NULL"
    await database.run(text(f"DELETE FROM procrastinate_jobs WHERE id NOT IN ({waits})"))
