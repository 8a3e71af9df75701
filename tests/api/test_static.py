"""The web client's files, GraphiQL's page, and paths that are neither."""

from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.security_headers import GRAPHIQL_CSP, PAGE_CSP
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
async def test_every_page_path_returns_index_html(offline_anonymous: httpx.AsyncClient) -> None:
    """The page itself decides what to show; browsers revalidate it on each request."""
    for path in ("/", "/deals/7", "/any/thing/"):
        answer = await offline_anonymous.get(path)
        assert (answer.status_code, answer.text) == (200, "<title>Deal Queue</title>")
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["content-security-policy"] == PAGE_CSP
        again = await offline_anonymous.get(path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content, again.headers["cache-control"]) == (304, b"", "no-cache")


@pytest.mark.usefixtures("built")
async def test_an_asset_is_cached_for_a_year_and_compressed(offline_anonymous: httpx.AsyncClient) -> None:
    """Its name changes with its content."""
    answer = await offline_anonymous.get("/assets/index-abc123.js")
    assert answer.text == SCRIPT
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["content-type"].startswith("text/javascript")
    plain = await offline_anonymous.get("/assets/index-abc123.js", headers={"Accept-Encoding": "identity"})
    assert plain.headers["content-length"] == str(len(SCRIPT))
    other = await offline_anonymous.get("/favicon.svg")
    assert (other.status_code, other.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.usefixtures("built")
async def test_a_missing_asset_or_api_path_is_not_answered_with_the_page(offline_anonymous: httpx.AsyncClient) -> None:
    """It gets 404, which a developer sees at once."""
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
        answer = await offline_anonymous.get(path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND"), path
    assert (await offline_anonymous.post("/", json={})).status_code == 404


@pytest.mark.usefixtures("built")
async def test_nothing_outside_the_folder_is_served(offline_anonymous: httpx.AsyncClient) -> None:
    """Neither through dots, in any spelling, nor through a symbolic link."""
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
        answer = await offline_anonymous.get(httpx.URL("http://127.0.0.1:8000").copy_with(raw_path=path.encode()))
        assert answer.status_code == 404, path


@pytest.mark.usefixtures("built")
async def test_graphiql_has_its_own_content_security_policy(offline_anonymous: httpx.AsyncClient) -> None:
    """Its editor needs styles, fonts and workers that the page does not need."""
    answer = await offline_anonymous.get("/graphiql", headers=BEARER)
    assert (answer.status_code, answer.text) == (200, "<title>GraphiQL</title>")
    assert answer.headers["content-security-policy"] == GRAPHIQL_CSP
    assert "worker-src 'self'; font-src 'self' data:" in GRAPHIQL_CSP
    assert "style-src 'self' 'unsafe-inline'" in GRAPHIQL_CSP


async def test_without_a_build_the_response_says_how_to_build_the_client(
    offline_anonymous: httpx.AsyncClient, offline_app: FastAPI
) -> None:
    """A sentence instead of an empty page; the API works."""
    for path, headers in (("/", {}), ("/deals/7", {}), ("/graphiql", BEARER)):
        answer = await offline_anonymous.get(path, headers=headers)
        assert (answer.status_code, answer.text) == (503, NOT_BUILT)
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert (await offline_anonymous.get("/healthz")).status_code == 200
