"""`python -m api` serves; `python -m api token` and `python -m api link` make credentials."""

import asyncio
import sys
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from api.digest import new_secret
from api.link import sign_in_link, wait_until_ready
from api.server import serve
from api.tokens import entry
from core.entry import configuration_errors
from core.errors import DealQueueError
from core.settings import Settings
from resolvers.viewer import Role

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Serve the page and the API on HOST and PORT until SIGTERM."""
    if context.invoked_subcommand is None:
        serve(Settings.load())


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="Who will use it: a person, a program.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.VIEWER,
) -> None:
    """Make a token; print it and its entry for API_TOKENS. Only the entry is to be kept."""
    secret = new_secret()
    line = entry(name, role, secret)
    typer.echo(f"Token, shown this once: {secret}")
    typer.echo(f"Add to API_TOKENS (entries are separated by commas) and restart: {line}")


@app.command()
def link(
    wait: Annotated[bool, typer.Option("--wait", help="First wait until the API is ready.")] = False,
) -> None:
    """Print a link that signs a browser in as admin, once, within ten minutes."""
    settings = Settings.load()
    if wait:
        wait_until_ready(settings)
    typer.echo(asyncio.run(sign_in_link(settings)))


def run() -> int:
    """The exit code; every error that we can name is one sentence on standard error."""
    try:
        with configuration_errors():
            app()
    except DealQueueError as error:
        typer.echo(str(error), err=True)
    except (OSError, SQLAlchemyError) as error:
        typer.echo(f"The database does not answer: {str(error).splitlines()[0]}", err=True)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(run())
