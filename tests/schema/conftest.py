"""Clients of the API, with and without its database."""

from tests.api.graphql_client import graphql, logs, offline_graphql

__all__ = ["graphql", "logs", "offline_graphql"]
