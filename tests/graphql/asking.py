"""Asking the API as a client does: a document by HTTP, the answer as JSON."""

from typing import Any

import httpx


class Asker:
    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def __call__(self, document: str, **variables: Any) -> dict[str, Any]:
        """The data of an answer without errors."""
        answer = await self.answer(document, **variables)
        assert "errors" not in answer, answer["errors"]
        data: dict[str, Any] = answer["data"]
        return data

    async def error(self, document: str, **variables: Any) -> dict[str, Any]:
        """The only error of an answer."""
        answer = await self.answer(document, **variables)
        assert len(answer["errors"]) == 1, answer["errors"]
        error: dict[str, Any] = answer["errors"][0]
        return error

    async def answer(self, document: str, **variables: Any) -> dict[str, Any]:
        response = await self.client.post("/graphql", json={"query": document, "variables": variables})
        assert response.status_code == 200, response.text
        answer: dict[str, Any] = response.json()
        return answer
