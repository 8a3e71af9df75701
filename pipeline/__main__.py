"""`python -m pipeline` starts a worker; several may run, on several hosts. With a command it runs that command."""

import typer

from core.entry import configuration_errors, run_process
from core.exits import EXIT_CODES
from pipeline.cli import bulk, deals, status
from pipeline.worker.entry import run_worker

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, epilog=EXIT_CODES)
app.add_typer(deals.app)
app.add_typer(status.app)
app.add_typer(bulk.app, name="bulk")


@app.callback(invoke_without_command=True)
def work(context: typer.Context) -> None:
    """Without a command: a worker, which runs until it is asked to stop."""
    if context.invoked_subcommand is None:
        run_process("worker", run_worker)


if __name__ == "__main__":
    with configuration_errors():
        app()
