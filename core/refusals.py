"""Which failures of a connection last until a person changes something, and what a person reads of them.

A process that starts exits for these with one sentence. It waits for all others: a server that starts, stops or is not
yet there, has too many connections, or has no name yet, as in the moments after the start of a container.
"""

import ssl
from typing import NamedTuple

import asyncpg

from core.error_text import line

REFUSES = "PostgreSQL refuses the connection: {}"
TRANSACTION_POOL = (
    "a connection pooler in transaction mode is between Deal Queue and PostgreSQL; use a pool in session mode "
    "(pgbouncer: pool_mode=session), or connect to PostgreSQL directly"
)
STATEMENT_POOL = TRANSACTION_POOL.replace("transaction mode", "statement mode")


class Refusal(NamedTuple):
    """Errors of this kind, with one of these SQLSTATEs (or their beginnings) or one of these texts, if any is named.

    `sentence` has no full stop; None: such an error may pass, although the next rows would refuse it.
    """

    kind: type[BaseException]
    sentence: str | None
    codes: tuple[str, ...] = ()
    texts: tuple[str, ...] = ()


# The first that fits is the reason; {} is the error's own text.
REFUSALS: tuple[Refusal, ...] = (
    # A prepared statement that is on another connection of the pool, or that another client has made on this one.
    Refusal(asyncpg.PostgresError, TRANSACTION_POOL, codes=("42P05", "26000")),
    Refusal(Exception, STATEMENT_POOL, texts=("statement pooling mode",)),
    # Poolers answer with errors of the protocol; those that pass have other texts.
    Refusal(
        asyncpg.PostgresError, REFUSES, texts=("unsupported startup parameter", "no such database", "no such user")
    ),
    # Role, password and pg_hba.conf; database; a missing right or unknown setting; a setting's value; a feature.
    Refusal(asyncpg.PostgresError, REFUSES, codes=("28", "3D", "42", "22", "0A")),
    Refusal(ConnectionError, "the server offers no TLS, which sslmode demands", texts=("rejected SSL upgrade",)),
    # The connection was lost during the handshake.
    Refusal(ssl.SSLEOFError, None),
    Refusal(ssl.SSLZeroReturnError, None),
    Refusal(ssl.SSLSyscallError, None),
    Refusal(ssl.SSLCertVerificationError, "the server's certificate is not trusted: {}"),
    Refusal(ssl.SSLError, "TLS with the server failed: {}"),
    Refusal(PermissionError, "the server's socket may not be used: {}"),
    Refusal(OSError, "the path of the socket is too long", texts=("path too long",)),
    Refusal(UnicodeError, "the host is not a valid name"),
    Refusal(Exception, REFUSES, texts=("requested by the server",)),
    Refusal(asyncpg.exceptions.ClientConfigurationError, REFUSES),
)


def refusal(driver: BaseException) -> str | None:
    """The sentence, without its full stop, if waiting is of no use."""
    text = line(driver)
    code = getattr(driver, "sqlstate", None) or ""
    for one in REFUSALS:
        if isinstance(driver, one.kind) and code.startswith(one.codes or "") and _contains(text, one.texts):
            return one.sentence and one.sentence.format(_reason(driver, text))
    return None


def _contains(text: str, parts: tuple[str, ...]) -> bool:
    return not parts or any(part in text for part in parts)


def _reason(driver: BaseException, text: str) -> str:
    """OpenSSL's texts begin with its error codes and end with a line of Python's C code."""
    if isinstance(driver, ssl.SSLError):
        text = text.rpartition("] ")[2].partition(" (_ssl")[0].removeprefix("certificate verify failed: ")
    return text.rstrip(".")
