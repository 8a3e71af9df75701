"""`python -m sandbox`: the composition root of the sandbox's process."""

import socket
import sys
from typing import Annotated

import structlog
import typer

from core import logs
from core.clock import SystemClock
from core.entry import configuration_errors
from core.settings import Settings
from sandbox import SANDBOX_TOKEN
from sandbox.account.clock import SandboxClock
from sandbox.account.seed_data import build_account
from sandbox.app import Options, create_app
from sandbox.http.server import CannotListen, Server, loopback_socket, url_of

log = structlog.get_logger()


def main(
    host: Annotated[str, typer.Option(help="Loopback address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="SANDBOX_PORT; 0 takes a free one.")] = None,
    deals: Annotated[int | None, typer.Option(min=0, help="SANDBOX_DEALS.")] = None,
    seed: Annotated[int | None, typer.Option(help="SANDBOX_SEED; same seed, same data.")] = None,
    token: Annotated[str | None, typer.Option(help=f"HUBSPOT_TOKEN, otherwise {SANDBOX_TOKEN}.")] = None,
    burst: Annotated[int, typer.Option(min=1, help="Requests in ten seconds.")] = Options().burst,
    search_per_second: Annotated[int, typer.Option(min=1, help="Searches a second.")] = Options().search_per_second,
    lively: Annotated[bool | None, typer.Option("--lively/--still", help="SANDBOX_LIVELY.")] = None,
) -> None:
    """A HubSpot CRM API with invented data, on loopback."""
    settings = Settings.load()
    try:
        bound = loopback_socket(host, port if port is not None else settings.sandbox_port or 0)
    except CannotListen as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(1) from None
    logs.configure("sandbox", settings)
    lively = settings.sandbox_lively if lively is None else lively
    # `make run` generates a token for each start and passes it as HUBSPOT_TOKEN.
    configured = settings.hubspot_token.get_secret_value() if settings.hubspot_token else SANDBOX_TOKEN
    options = Options(token or configured, burst, search_per_second, lively=lively)
    size = settings.sandbox_deals if deals is None else deals
    serve(bound, size, settings.sandbox_seed if seed is None else seed, options)


def serve(bound: socket.socket, deals: int, seed: int, options: Options) -> None:
    """Build the account, then serve until SIGTERM or SIGINT."""
    clock = SandboxClock(SystemClock())
    account, maker = build_account(clock, deals=deals, seed=seed, config=options.config())

    def announce() -> None:
        log.info("sandbox.listening", url=url_of(bound), deals=deals, seed=seed, lively=options.lively)

    Server(create_app(account, maker, clock, options), announce).serve_on(bound)


if __name__ == "__main__":
    with configuration_errors():
        typer.run(main)
