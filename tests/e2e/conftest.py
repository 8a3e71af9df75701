"""A real browser and a complete installation."""

import os
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.installation import ROOT, Installation, installation

# Keeps a headless Chromium from using the network; --no-sandbox because CI runs as root.
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def running() -> Iterator[Installation]:
    """Started with the default settings, except for a smaller sandbox."""
    with installation(SANDBOX_DEALS="120") as ready:
        yield ready


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; deploy/chromium.sh finds or installs one, or reports why it cannot."""
    if found := os.environ.get("CHROMIUM"):
        return found
    done = subprocess.run(["sh", ROOT / "deploy" / "chromium.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Closed with the module: while Playwright runs, its event loop keeps asynchronous tests from running."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A new browser profile."""
    fresh = browser.new_context(viewport={"width": 1280, "height": 800})
    yield fresh
    fresh.close()


@pytest.fixture
def problems() -> list[str]:
    """What went wrong in the browser: console errors, policy violations, requests to other hosts."""
    return []


@pytest.fixture
def page(context: BrowserContext, running: Installation, problems: list[str]) -> Page:
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    opened.on("console", lambda message: _note_error(message, problems))
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("request", lambda request: _note_foreign(request.url, running, problems))
    return opened


def _note_error(message: ConsoleMessage, problems: list[str]) -> None:
    """Every error except the one that the browser logs when the page is opened without a session."""
    if message.type == "error" and "401 (Unauthorized)" not in message.text:
        problems.append(message.text)


def _note_foreign(url: str, running: Installation, problems: list[str]) -> None:
    if not url.startswith((running.url, "data:", f"blob:{running.url}")):
        problems.append(f"request to {url}")
