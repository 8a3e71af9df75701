"""/metrics: what Prometheus scrapes."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.api.application import BEARER


async def test_responses_are_counted_by_route_and_status(offline_anonymous: httpx.AsyncClient) -> None:
    """The path becomes a label only if it is a known route."""
    await offline_anonymous.get("/healthz")
    await offline_anonymous.get("/healthz")
    await offline_anonymous.post("/graphql", json={})
    await offline_anonymous.request("BREW", "/teapot")
    answer = await offline_anonymous.get("/metrics", headers=BEARER)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if "bucket" not in sample.name
    }
    requests = "deal_queue_http_requests_total"
    assert samples[requests, "/healthz", "200", "GET"] == 2
    assert samples[requests, "/graphql", "401", "POST"] == 1
    assert samples[requests, "404", "other", "page"] == 1
    assert samples["deal_queue_http_request_seconds_count", "/healthz"] == 2
    assert "teapot" not in answer.text


async def test_metrics_need_a_credential(offline_anonymous: httpx.AsyncClient) -> None:
    """How busy a queue is, is not public."""
    assert (await offline_anonymous.get("/metrics")).status_code == 401
