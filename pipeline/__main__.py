"""`python -m pipeline`: a worker; any number, on any number of hosts. And what people ask of the queue."""

import typer

from core.entry import configuration_errors, run_process
from pipeline.bulk_commands import app as bulk
from pipeline.commands import app
from pipeline.status_command import status
from pipeline.worker import run_worker

__all__ = ["app"]

app.add_typer(bulk, name="bulk")
app.command()(status)


@app.callback(invoke_without_command=True)
def work(context: typer.Context) -> None:
    """Without a command: a worker, until it is told to stop."""
    if context.invoked_subcommand is None:
        run_process("worker", run_worker)


if __name__ == "__main__":
    with configuration_errors():
        app()
