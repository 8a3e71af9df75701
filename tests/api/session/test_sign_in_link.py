"""The sign-in link: its address, and waiting for the API."""

from pathlib import Path

import pytest

from api.session.sign_in_link import NotReady, base_url, wait_until_ready
from tests.api.application import settings_in


def test_waiting_for_an_api_that_does_not_start_ends(tmp_path: Path) -> None:
    """The error has the address and the last response."""
    with pytest.raises(NotReady, match=r"http://127\.0\.0\.1:1 was not ready within 0 seconds"):
        wait_until_ready(settings_in(tmp_path, port=1), patience_seconds=0.1)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::", "http://[::1]:8000"),
        ("::1", "http://[::1]:8000"),
        ("queue.example", "http://queue.example:8000"),
    ],
)
def test_a_link_has_an_address_that_a_browser_can_open(tmp_path: Path, host: str, url: str) -> None:
    """The address of all interfaces is replaced by the loopback address."""
    assert base_url(settings_in(tmp_path, host=host)) == url
