"""A real browser on a whole installation."""

import os
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.installation import ROOT, Installation, installation

# What keeps a headless Chromium quiet on a machine without a network; --no-sandbox because CI runs as root.
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
    """Started with the product's own defaults but for a smaller sandbox."""
    with installation(SANDBOX_DEALS="120") as ready:
        yield ready


@pytest.fixture(scope="session")
def chromium() -> str:
    """The browser's path; deploy/chromium.sh finds or installs one, or fails with a sentence."""
    if found := os.environ.get("CHROMIUM"):
        return found
    done = subprocess.run(["sh", ROOT / "deploy" / "chromium.sh"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Gone with the module: as long as Playwright is there, its event loop is in the way of asynchronous tests."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile that has never been here."""
    fresh = browser.new_context(viewport={"width": 1280, "height": 800})
    yield fresh
    fresh.close()


@pytest.fixture
def problems() -> list[str]:
    """What the browser complained about: errors on the console, refused policies, requests elsewhere."""
    return []


@pytest.fixture
def page(context: BrowserContext, running: Installation, problems: list[str]) -> Page:
    opened = context.new_page()
    opened.set_default_timeout(15_000)
    opened.on("console", lambda message: _complaint(message, problems))
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("request", lambda request: _own(request.url, running, problems))
    return opened


def _complaint(message: ConsoleMessage, problems: list[str]) -> None:
    """Errors, but for the one that the browser notes when a stranger is asked to sign in."""
    if message.type == "error" and "401 (Unauthorized)" not in message.text:
        problems.append(message.text)


def _own(url: str, running: Installation, problems: list[str]) -> None:
    if not url.startswith((running.url, "data:", f"blob:{running.url}")):
        problems.append(f"request to {url}")
