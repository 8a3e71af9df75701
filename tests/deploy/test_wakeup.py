"""A signal wakes supervisord's loop at once."""

import os
import select
import signal
from collections.abc import Iterator

import pytest

from deploy.wakeup import Wakeup, wake_on_signals


@pytest.fixture
def watched() -> Iterator[dict[int, object]]:
    """The loop's map of descriptors; a signal wakes nothing after the test."""
    descriptors: dict[int, object] = {}
    before = signal.set_wakeup_fd(-1)
    yield descriptors
    signal.set_wakeup_fd(before)
    for wakeup in descriptors.values():
        assert isinstance(wakeup, Wakeup)
        wakeup._reader.close()
        wakeup._writer.close()


def test_a_signal_makes_the_descriptor_readable(watched: dict[int, object]) -> None:
    """The first pass of the loop does not wait either; afterwards only a signal wakes it."""
    wake_on_signals(watched)
    [(descriptor, wakeup)] = watched.items()
    assert isinstance(wakeup, Wakeup)
    assert (wakeup.readable(), wakeup.writable()) == (True, False)
    assert select.select([descriptor], [], [], 5)[0] == [descriptor]
    wakeup.handle_read_event()
    assert select.select([descriptor], [], [], 0)[0] == []
    before = signal.signal(signal.SIGUSR1, lambda *_: None)
    os.kill(os.getpid(), signal.SIGUSR1)
    assert select.select([descriptor], [], [], 5)[0] == [descriptor]
    signal.signal(signal.SIGUSR1, before)
