"""The web client's files, GraphiQL's page, and what is neither."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.request_middleware import GRAPHIQL_CSP, PAGE_CSP
from api.static import NOT_BUILT
from tests.api.application import BEARER

SCRIPT = "console.log(1);" * 100


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A built client."""
    dist = tmp_path / "dist"
    (dist / "assets").mkdir(parents=True)
    (dist / "index.html").write_text("<title>Deal Queue</title>")
    (dist / "graphiql.html").write_text("<title>GraphiQL</title>")
    (dist / "favicon.svg").write_text("<svg/>")
    (dist / "assets" / "index-abc123.js").write_text(SCRIPT)
    (tmp_path / "secret.txt").write_text("secret")
    (dist / "assets" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return dist


@pytest.mark.usefixtures("built")
async def test_every_page_path_is_the_page(nobody: httpx.AsyncClient) -> None:
    """What to show for it is the page's matter; it is asked for anew each time."""
    for path in ("/", "/deals/7", "/any/thing/"):
        answer = await nobody.get(path)
        assert (answer.status_code, answer.text) == (200, "<title>Deal Queue</title>")
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-security-policy"] == PAGE_CSP
        again = await nobody.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "no-cache")


@pytest.mark.usefixtures("built")
async def test_an_asset_is_kept_for_a_year_and_sent_small(nobody: httpx.AsyncClient) -> None:
    """Its name changes with what it holds."""
    answer = await nobody.get("/assets/index-abc123.js")
    assert answer.text == SCRIPT
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    plain = await nobody.get("/assets/index-abc123.js", headers={"Accept-Encoding": "identity"})
    assert plain.headers["content-length"] == str(len(SCRIPT))
    other = await nobody.get("/favicon.svg")
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.usefixtures("built")
async def test_what_is_not_there_is_not_the_page(nobody: httpx.AsyncClient) -> None:
    """A missing asset or a mistyped API path is a 404, which a developer sees at once."""
    for path in (
        "/assets/gone.js",
        "/assets/",
        "/assets",
        "/robots.txt",
        "/api/deals",
        "/graphqi.html",
        "/index.html",
        "/graphiql.html",
        "/auth/nope",
        "/healthz/x",
    ):
        answer = await nobody.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND"), path
    assert (await nobody.post("/", json={})).status_code == 404


@pytest.mark.usefixtures("built")
async def test_nothing_outside_the_folder_is_served(nobody: httpx.AsyncClient) -> None:
    """Neither by dots, in whatever spelling, nor by a link."""
    for path in (
        "/../secret.txt",
        "/assets/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/%2e%2e/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "//etc/passwd.txt",
        "/assets/link.txt",
        "/x%00.txt",
        f"/{'x' * 5000}.txt",
        "/\\..\\secret.txt",
    ):
        answer = await nobody.get(httpx.URL("http://127.0.0.1:8000").copy_with(raw_path=path.encode()))
        assert answer.status_code == 404, path


@pytest.mark.usefixtures("built")
async def test_graphiql_has_a_policy_of_its_own(nobody: httpx.AsyncClient) -> None:
    """Its editor needs styles, fonts and workers that the page does without."""
    answer = await nobody.get("/graphiql", headers=BEARER)
    assert (answer.status_code, answer.text) == (200, "<title>GraphiQL</title>")
    assert answer.headers["content-security-policy"] == GRAPHIQL_CSP
    assert "worker-src 'self'; font-src 'self' data:" in GRAPHIQL_CSP
    assert "style-src 'self' 'unsafe-inline'" in GRAPHIQL_CSP


async def test_a_client_that_is_not_built_says_how_to_build_it(nobody: httpx.AsyncClient, offline: FastAPI) -> None:
    """A sentence instead of an empty page; the API works meanwhile."""
    for path, headers in (("/", {}), ("/deals/7", {}), ("/graphiql", BEARER)):
        answer = await nobody.get(path, headers=headers)
        assert (answer.status_code, answer.text) == (503, NOT_BUILT)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (await nobody.get("/healthz")).status_code == 200
