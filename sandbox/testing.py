"""A sandbox inside the process of a test: real HTTP on a free loopback port, in a thread of its own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from core.clock import Clock, SystemClock
from sandbox.app import Options, create_app
from sandbox.seed_data import build_world
from sandbox.server import Server, loopback_socket, url_of
from sandbox.world import World

START_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Running:
    """`world` is for looking; change it through /_sim/mutate or the API, which run in the server's thread."""

    url: str
    token: str
    world: World


@contextmanager
def running(
    *, deals: int = 40, seed: int = 1, clock: Clock | None = None, options: Options | None = None
) -> Iterator[Running]:
    """A sandbox that answers for the length of the block; still, unless the options say otherwise."""
    clock, options = clock or SystemClock(), options or Options(lively=False)
    world, maker = build_world(clock, deals=deals, seed=seed)
    bound = loopback_socket("127.0.0.1", 0)
    url = url_of(bound)
    ready = threading.Event()
    server = Server(create_app(world, maker, clock, options), ready.set)
    thread = threading.Thread(target=server.serve_on, args=[bound], name="sandbox")
    thread.start()
    try:
        if not ready.wait(START_SECONDS):
            raise TimeoutError("The sandbox did not start.")
        yield Running(url, options.token, world)
    finally:
        server.should_exit = True
        thread.join()
