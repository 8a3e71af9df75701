"""Which failures of a connection end a start, and which it waits for: the whole table."""

import errno
import socket
import ssl

import asyncpg
import pytest
from asyncpg import exceptions

from core.refusals import STATEMENT_POOL, TRANSACTION_POOL, refusal


def of(code: str, text: str) -> asyncpg.PostgresError:
    """As asyncpg makes it of what the server sends."""
    fields = {"C": code, "M": text, "S": "FATAL", "D": "of canary@example.org"}
    return asyncpg.PostgresError.new(fields)


def verification(text: str) -> ssl.SSLCertVerificationError:
    return ssl.SSLCertVerificationError(
        1, f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {text} (_ssl.c:1)"
    )


REFUSED = [
    (of("28P01", 'password authentication failed for user "me"'), "PostgreSQL refuses the connection: password auth"),
    (of("28000", 'no pg_hba.conf entry for host "10.0.0.1", user "me"'), "PostgreSQL refuses the connection: no pg"),
    (of("28000", 'role "me" is not permitted to log in'), 'PostgreSQL refuses the connection: role "me" is not'),
    (of("3D000", 'database "db" does not exist'), 'PostgreSQL refuses the connection: database "db" does not exist'),
    (of("42501", 'permission denied for database "db"'), "PostgreSQL refuses the connection: permission denied"),
    (of("42704", 'unrecognized configuration parameter "x"'), "PostgreSQL refuses the connection: unrecognized"),
    (of("22023", 'invalid value for parameter "TimeZone": "x"'), "PostgreSQL refuses the connection: invalid value"),
    (of("0A000", "unsupported frontend protocol"), "PostgreSQL refuses the connection: unsupported frontend protocol"),
    (of("08P01", "unsupported startup parameter: options"), "PostgreSQL refuses the connection: unsupported startup"),
    (of("08P01", "no such database: db"), "PostgreSQL refuses the connection: no such database: db"),
    (of("08P01", "no such user: me"), "PostgreSQL refuses the connection: no such user: me"),
    (of("08P01", "transaction blocks not allowed in statement pooling mode"), STATEMENT_POOL),
    (of("42P05", 'prepared statement "__asyncpg_stmt_1__" already exists'), TRANSACTION_POOL),
    (of("26000", 'prepared statement "__asyncpg_stmt_1__" does not exist'), TRANSACTION_POOL),
    (ConnectionError('PostgreSQL server at "h:5432" rejected SSL upgrade'), "the server offers no TLS, which sslmode"),
    (verification("self-signed certificate"), "the server's certificate is not trusted: self-signed certificate"),
    (verification("Hostname mismatch."), "the server's certificate is not trusted: Hostname mismatch"),
    (ssl.SSLError(1, "[SSL: UNSUPPORTED_PROTOCOL] unsupported protocol (_ssl.c:1)"),
     "TLS with the server failed: unsupported protocol"),
    (PermissionError(errno.EACCES, "Permission denied"), "the server's socket may not be used: "),
    (OSError("AF_UNIX path too long"), "the path of the socket is too long"),
    (UnicodeError("label empty or too long"), "the host is not a valid name"),
    (exceptions.InternalClientError("unsupported authentication method requested by the server: 9"),
     "PostgreSQL refuses the connection: unsupported authentication method"),
]  # fmt: skip
WAITED_FOR = [
    of("57P03", "the database system is starting up"),
    of("57P03", "the database system is in recovery mode"),
    of("57P01", "terminating connection due to administrator command"),
    of("53300", "sorry, too many clients already"),
    of("53400", "configuration limit exceeded"),
    of("55006", 'database "db" is being accessed by other users'),
    of("08006", "connection failure"),
    # Of pgbouncer.
    of("08P01", "no more connections allowed (max_client_conn)"),
    of("08P01", "pgbouncer cannot connect to server"),
    of("08P01", "server login has been failing, try again later (server_login_retry)"),
    of("08P01", "query_wait_timeout"),
    of("XX000", "Control plane request failed"),
    ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
    ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"),
    ConnectionError("unexpected connection_lost() call"),
    FileNotFoundError(errno.ENOENT, "No such file or directory"),
    # Names are unknown for a moment while containers start, and while a resolver is away.
    socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    OSError(errno.EHOSTUNREACH, "No route to host"),
    TimeoutError(),
    ssl.SSLEOFError(8, "EOF occurred in violation of protocol"),
    exceptions.TargetServerAttributeNotMatched("None of the hosts match"),
    exceptions.ConnectionDoesNotExistError("connection was closed in the middle of operation"),
]


@pytest.mark.parametrize(("error", "sentence"), REFUSED, ids=str)
def test_what_lasts_until_a_person_changes_it_is_refused(error: Exception, sentence: str) -> None:
    """With a sentence that holds neither DETAIL nor OpenSSL's codes."""
    said = refusal(error)
    assert said is not None
    assert said.startswith(sentence)
    assert not any(part in said for part in ("canary", "_ssl", "[SSL"))
    assert not said.endswith(".")


@pytest.mark.parametrize("error", WAITED_FOR, ids=repr)
def test_what_may_pass_is_waited_for(error: Exception) -> None:
    """It is said in the log, and at the terminal."""
    assert refusal(error) is None
