"""/metrics: what Prometheus is told."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.api.application import BEARER


async def test_answers_are_counted_by_route_and_status(nobody: httpx.AsyncClient) -> None:
    """With the caller's path as a label only if it is a route of ours."""
    await nobody.get("/healthz")
    await nobody.get("/healthz")
    await nobody.post("/graphql", json={})
    await nobody.request("BREW", "/teapot")
    answer = await nobody.get("/metrics", headers=BEARER)
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


async def test_metrics_are_not_for_everyone(nobody: httpx.AsyncClient) -> None:
    """How busy a queue is is nobody else's business."""
    assert (await nobody.get("/metrics")).status_code == 401
