"""The product's application on a test's database, and ways to call it."""

from pathlib import Path

import httpx
from fastapi import FastAPI

from api.app import create_app
from api.static import WebClient
from core.database import Database
from core.settings import ADMIN_TOKEN_FILE, Settings

ADMIN_TOKEN = "an-admin-token-of-the-tests-0123456789abcdef"
ORIGIN = "http://127.0.0.1:8000"
BEARER = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
COOKIE = "deal_queue_session_8000"


def settings_in(folder: Path, **changes: object) -> Settings:
    """Settings of a first start in `folder`, independent of the environment."""
    (folder / ADMIN_TOKEN_FILE).write_text(f"{ADMIN_TOKEN}\n")
    return Settings.model_validate({"port": 8000, "data_dir": folder, "sync_interval_seconds": 5, **changes})


def application(database: Database, folder: Path, **changes: object) -> FastAPI:
    """The application; it serves the web client from `folder` / dist if the test has made one."""
    return create_app(settings_in(folder, **changes), database, web_client=WebClient(folder / "dist"))


def client_of(app: FastAPI, **headers: str) -> httpx.AsyncClient:
    """Calls the application without a socket; an exception in it becomes a response, as over a socket."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN, headers=headers)


def unreachable_database() -> Database:
    """A database that cannot be reached: for tests that need none, and for tests of an outage."""
    return Database.connect("postgresql://nobody@127.0.0.1:1/none", name="test")
