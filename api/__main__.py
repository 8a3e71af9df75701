"""`python -m api` serves; `python -m api token` and `python -m api link` create credentials."""

import asyncio
import sys
from typing import Annotated

import typer

from api.server import serve
from api.session.digest import new_secret
from api.session.sign_in_link import sign_in_link, wait_until_ready
from api.session.tokens import api_tokens_entry
from core.entry import configuration_errors
from core.errors import DealQueueError
from core.exits import EXIT_CODES, EXIT_DONE, EXIT_FAILED, command_errors
from core.settings import Settings
from resolvers.viewer import Role

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, epilog=EXIT_CODES)


@app.callback(invoke_without_command=True)
def main(context: typer.Context) -> None:
    """Serve the page and the API on HOST and PORT until SIGTERM."""
    if context.invoked_subcommand is None:
        serve(Settings.load())


@app.command()
def token(
    name: Annotated[str, typer.Argument(help="The person or program that will use it.")],
    role: Annotated[Role, typer.Option(help="The permissions of the token.")] = Role.VIEWER,
) -> None:
    """Create a token; print it and its entry for API_TOKENS. The server stores only the entry."""
    secret = new_secret()
    line = api_tokens_entry(name, role, secret)
    typer.echo(f"Token, shown this once: {secret}")
    typer.echo(f"Add to API_TOKENS (entries are separated by commas) and restart: {line}")


@app.command()
def link(
    wait: Annotated[bool, typer.Option("--wait", help="Wait until the API is ready first.")] = False,
) -> None:
    """Print a link that signs a browser in as admin, once, within ten minutes."""
    settings = Settings.load()
    with command_errors():
        if wait:
            wait_until_ready(settings)
        typer.echo(asyncio.run(sign_in_link(settings)))


def run() -> int:
    """The exit code; an expected error is one sentence on standard error."""
    try:
        with configuration_errors():
            app()
    except DealQueueError as error:
        typer.echo(str(error), err=True)
    else:
        return EXIT_DONE
    return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(run())
