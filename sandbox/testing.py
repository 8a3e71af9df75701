"""A sandbox inside the process of a test: real HTTP on a free loopback port, in its own thread."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.clock import Clock, SystemClock
from sandbox.account.account import Account
from sandbox.account.clock import SandboxClock
from sandbox.account.seed_data import build_account
from sandbox.app import Options, create_app
from sandbox.http.server import Server, loopback_socket, url_of

START_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Running:
    """`account` is for reading: change it through /_sim/mutate or the API, which run in the server's thread.

    A test may freeze and advance `clock` from its own thread.
    """

    url: str
    token: str
    account: Account
    clock: SandboxClock


@contextmanager
def running(
    *, deals: int = 40, seed: int = 1, clock: Clock | None = None, options: Options | None = None
) -> Iterator[Running]:
    """A sandbox that serves for the duration of the block, without background edits by default."""
    own, options = SandboxClock(clock or SystemClock()), options or Options(lively=False)
    account, maker = build_account(own, deals=deals, seed=seed, config=options.config())
    bound = loopback_socket("127.0.0.1", 0)
    url = url_of(bound)
    ready = threading.Event()
    server = Server(create_app(account, maker, own, options), ready.set)
    thread = threading.Thread(target=server.serve_on, args=[bound], name="sandbox")
    thread.start()
    try:
        if not ready.wait(START_SECONDS):
            raise TimeoutError("The sandbox did not start.")
        yield Running(url, options.token, account, own)
    finally:
        server.should_exit = True
        thread.join()
