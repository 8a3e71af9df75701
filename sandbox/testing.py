"""A sandbox inside the process of a test: real HTTP on a free loopback port, in a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.clock import Clock, SystemClock
from sandbox.account.account import World
from sandbox.account.clock import SandboxClock
from sandbox.account.seed_data import build_world
from sandbox.app import Options, create_app
from sandbox.http.server import Server, loopback_socket, url_of

START_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Running:
    """`world` is for looking; change it through /_sim/mutate or the API, which run in the server's thread.

    `clock` may be frozen and moved from the test's own thread.
    """

    url: str
    token: str
    world: World
    clock: SandboxClock


@contextmanager
def running(
    *, deals: int = 40, seed: int = 1, clock: Clock | None = None, options: Options | None = None
) -> Iterator[Running]:
    """A sandbox that answers for the length of the block; still, unless the options say otherwise."""
    own, options = SandboxClock(clock or SystemClock()), options or Options(lively=False)
    world, maker = build_world(own, deals=deals, seed=seed, config=options.config())
    bound = loopback_socket("127.0.0.1", 0)
    url = url_of(bound)
    ready = threading.Event()
    server = Server(create_app(world, maker, own, options), ready.set)
    thread = threading.Thread(target=server.serve_on, args=[bound], name="sandbox")
    thread.start()
    try:
        if not ready.wait(START_SECONDS):
            raise TimeoutError("The sandbox did not start.")
        yield Running(url, options.token, world, own)
    finally:
        server.should_exit = True
        thread.join()
