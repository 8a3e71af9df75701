"""`python -m bench.pipeline`: what durable steps cost here and in DBOS. Exit code 1 when a target is missed."""

import asyncio
import logging
import subprocess
import sys
from collections import defaultdict
from pathlib import Path
from typing import Annotated

import orjson
import structlog
import typer

from bench.figures import Figure, at_least, at_most, report, reported
from bench.pipeline_ours import Cost
from bench.processes import TICKS_PER_SECOND
from deploy.postgres import Cluster, throwaway_cluster
from migrations.upgrade import migrate
from pipeline.stages import STAGES

ROOT = Path(__file__).parent.parent
DBOS_PYTHON = ROOT / ".venv-bench" / "bin" / "python"
TEMPLATE = "template_bench"
MODES = ("async", "threads", "queue")
ROUNDS = 3
# DBOS completes fewer in the same time; a rate needs no more.
DBOS_SHARE = 6
LONGEST_SECONDS = 900
STEPS = len(STAGES)
# Of the worker's memory, from the first to the last fifth of the runs.
MOST_GROWTH = 1.05

Costs = dict[str, list[Cost]]


def main(
    deals: Annotated[int, typer.Option(min=300, help="Through six stages each, in all rounds together.")] = 5_000,
    memory_runs: Annotated[
        int, typer.Option(min=0, help="More runs, a thousand at a time, to measure the memory.")
    ] = 50_000,
) -> None:
    """Measure one worker process at a time, alternating, against a PostgreSQL that is started for it."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with throwaway_cluster() as cluster:
        cluster.create_database(TEMPLATE)
        asyncio.run(migrate(cluster.url(TEMPLATE)))
        costs = _rounds(cluster, deals // ROUNDS)
        figures = [*_against_no_op(costs), *_against_dbos(costs)]
        if memory_runs:
            figures.append(_memory(_ours(cluster, "memory", memory_runs, "memory")))
    sys.exit(0 if report(f"The pipeline, {deals:,} deals, one worker process, two shared cores", figures) else 1)


def _rounds(cluster: Cluster, count: int) -> Costs:
    """Alternating, in rounds: other load on the machine affects all of them."""
    costs: Costs = defaultdict(list)
    for number in range(ROUNDS):
        for what in ("runs", "jobs"):
            costs[what].append(_ours(cluster, what, count, f"{what}_{number}"))
        for mode in MODES if DBOS_PYTHON.exists() else ():
            costs[mode].append(_dbos(cluster, mode, count // DBOS_SHARE, f"dbos_{mode}_{number}"))
    return costs


def _ours(cluster: Cluster, what: str, count: int, name: str) -> Cost:
    cluster.create_database(name, template=TEMPLATE)
    return _measured(cluster, [sys.executable, "-m", "bench.pipeline_ours", cluster.url(name), what, str(count)])


def _dbos(cluster: Cluster, mode: str, count: int, name: str) -> Cost:
    cluster.create_database(name)
    return _measured(
        cluster, [str(DBOS_PYTHON), str(ROOT / "bench" / "pipeline_dbos.py"), cluster.url(name), mode, str(count)]
    )


def _measured(cluster: Cluster, command: list[str]) -> Cost:
    before = _postgres_cpu_seconds(cluster)
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, timeout=LONGEST_SECONDS)
    if done.returncode != 0:
        raise AssertionError(f"{command[1:4]} exited with {done.returncode}: {done.stderr.decode()[-2000:]}")
    cost = Cost(**orjson.loads(done.stdout))
    return cost._replace(postgres_cpu_seconds=_postgres_cpu_seconds(cluster) - before)


def _postgres_cpu_seconds(cluster: Cluster) -> float:
    """Of all backends that have ended so far, which includes those of every measured process."""
    process = cluster._process
    if process is None:
        raise AssertionError("The server must run while it is measured")
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICKS_PER_SECOND


def _rate(costs: list[Cost]) -> float:
    """Per second, over all rounds."""
    return sum(cost.done for cost in costs) / sum(cost.seconds for cost in costs)


def _cpu_ms(costs: list[Cost]) -> float:
    return 1000 * sum(cost.cpu_seconds for cost in costs) / sum(cost.done for cost in costs)


def _postgres_cpu_ms(costs: list[Cost]) -> float:
    return 1000 * sum(cost.postgres_cpu_seconds for cost in costs) / sum(cost.done for cost in costs)


def _against_no_op(costs: Costs) -> list[Figure]:
    runs, jobs = _rate(costs["runs"]), _rate(costs["jobs"])
    return [
        reported("runs of six stages", runs, "runs/s"),
        reported("steps", runs * STEPS, "steps/s"),
        reported("the worker's CPU for a step", _cpu_ms(costs["runs"]) / STEPS, "ms"),
        reported(
            "PostgreSQL's CPU for a step, including the creation of the run",
            _postgres_cpu_ms(costs["runs"]) / STEPS,
            "ms",
        ),
        reported(
            "jobs that do nothing, by Procrastinate alone",
            jobs,
            "jobs/s",
            f"{_cpu_ms(costs['jobs']):.2f} CPU-ms a job",
        ),
        reported("runs / such jobs", runs / jobs, note="expected: 0.4"),
    ]


def _against_dbos(costs: Costs) -> list[Figure]:
    rates = {mode: _rate(costs[mode]) * STEPS for mode in MODES if mode in costs}
    if not rates:
        return [Figure("DBOS Transact", "not installed (make bench-pipeline installs it)")]
    best = max(rates, key=rates.__getitem__)
    others = [reported(f"DBOS, {mode}", rate, "steps/s", _cpu_note(costs[mode])) for mode, rate in rates.items()]
    ours = _rate(costs["runs"]) * STEPS
    return [
        *others,
        at_least("our steps / DBOS's in its best mode", ours / rates[best], 4, note=best),
        # Unlike a rate, it hardly changes with other load on the machine.
        reported(
            "CPU for a step, both processes: DBOS's / ours", _all_cpu_ms(costs[best]) / _all_cpu_ms(costs["runs"])
        ),
    ]


def _cpu_note(costs: list[Cost]) -> str:
    return f"CPU-ms a step: {_cpu_ms(costs) / STEPS:.2f}, PostgreSQL's {_postgres_cpu_ms(costs) / STEPS:.2f}"


def _all_cpu_ms(costs: list[Cost]) -> float:
    return _cpu_ms(costs) + _postgres_cpu_ms(costs)


def _memory(cost: Cost) -> Figure:
    part = max(1, len(cost.mib) // 5)
    first, last = max(cost.mib[:part]), max(cost.mib[-part:])
    return at_most(
        "memory, last / first fifth of the runs",
        last / first,
        MOST_GROWTH,
        note=f"{first:.0f} to {last:.0f} MiB in {cost.done:,} runs",
    )


if __name__ == "__main__":
    typer.run(main)
