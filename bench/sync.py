"""`python -m bench.sync`: how fast the sync is, and what it costs. Exit code 1 when a target is missed."""

import asyncio
import logging
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import structlog
import typer

from bench import backfill, intake, tail
from bench.figures import Figure, report
from bench.processes import sandbox
from deploy.postgres import Cluster, throwaway_cluster
from migrations.upgrade import migrate

TEMPLATE = "template_bench"
PARTS = ("intake", "backfill", "tail")
TOUCHED_AT_ONCE = 12_000


def main(
    only: Annotated[list[str] | None, typer.Argument(help=f"Some of {', '.join(PARTS)}; otherwise all.")] = None,
    deals: Annotated[int, typer.Option(min=20_000, help="In the account.")] = 100_000,
) -> None:
    """Measure the sync against a sandbox and a PostgreSQL that are started for it."""
    if unknown := set(only or ()) - set(PARTS):
        raise typer.BadParameter(f"There is no part {', '.join(sorted(unknown))}. The parts are {', '.join(PARTS)}.")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with tempfile.TemporaryDirectory(prefix="dq-bench-") as folder, throwaway_cluster() as cluster:
        cluster.create_database(TEMPLATE)
        asyncio.run(migrate(cluster.url(TEMPLATE)))
        figures = _measure(cluster, Path(folder), only or PARTS, deals)
    sys.exit(0 if report(f"The sync, {deals:,} deals, two shared cores", figures) else 1)


def _measure(cluster: Cluster, folder: Path, parts: list[str] | tuple[str, ...], deals: int) -> list[Figure]:
    figures = []
    if "intake" in parts:
        figures += asyncio.run(intake.measure(cluster, TEMPLATE, deals))
    if "backfill" in parts or "tail" in parts:
        with sandbox(folder, deals) as hubspot:
            figures += backfill.measure(cluster, TEMPLATE, folder, hubspot, deals)
            if "tail" in parts:
                figures += asyncio.run(tail.measure(cluster.url("backfill_2"), hubspot, min(TOUCHED_AT_ONCE, deals)))
    return figures


if __name__ == "__main__":
    typer.run(main)
