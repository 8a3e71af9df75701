"""A database or a role that carries other values than the product's, of every setting that it may carry."""

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

# Other than the default and than what the product sets; of the rest, every switch and every choice is turned.
VALUES = {
    "DateStyle": "German, DMY",
    "IntervalStyle": "sql_standard",
    "TimeZone": "America/New_York",
    "client_encoding": "LATIN1",
    "extra_float_digits": "-10",
    "bytea_output": "escape",
    "default_text_search_config": "pg_catalog.german",
    "default_transaction_isolation": "serializable",
    "default_transaction_read_only": "on",
    "default_transaction_deferrable": "on",
    "gin_fuzzy_search_limit": "1",
    "restrict_nonsystem_relation_kind": "view",
    "statement_timeout": "1s",
    "transaction_timeout": "2s",
    "idle_session_timeout": "1500ms",
    "lock_timeout": "1ms",
    "idle_in_transaction_session_timeout": "1ms",
    "synchronous_commit": "off",
    "timezone_abbreviations": "India",
    "work_mem": "64kB",
    "plan_cache_mode": "force_generic_plan",
    "application_name": "another program",
}
# Without a value that would be another: what needs another server, and what makes every statement a parallel one.
SKIPPED = {"transaction_deferrable", "transaction_isolation", "transaction_read_only", "debug_parallel_query"}

_CHOICES = "SELECT name, vartype, setting, enumvals FROM pg_settings WHERE context = 'user'"


def hostile_values(connection: psycopg.Connection[Any]) -> dict[str, str]:
    found = dict(VALUES)
    for name, kind, setting, choices in connection.execute(_CHOICES).fetchall():
        others = ["off" if setting == "on" else "on"] if kind == "bool" else [c for c in choices or [] if c != setting]
        if name not in found and name not in SKIPPED and others:
            found[name] = others[0]
    return found


def alter(connection: psycopg.Connection[Any], kind: str, name: str, values: dict[str, str]) -> None:
    """`kind` is DATABASE or ROLE."""
    for setting, value in values.items():
        command = sql.SQL("ALTER {} {} SET {} TO {}").format(
            sql.SQL(kind), sql.Identifier(name), sql.Identifier(setting), sql.Literal(value)
        )
        connection.execute(command)


def halves(values: dict[str, str]) -> Sequence[dict[str, str]]:
    """Every other one, and the rest."""
    items = list(values.items())
    return dict(items[::2]), dict(items[1::2])
