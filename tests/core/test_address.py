"""DATABASE_URL is read by libpq's rules for both drivers; what is wrong is one sentence without the password."""

from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from core.address import LOCAL, Address, Host
from core.errors import ConfigurationError
from tests.core.test_entry import start

FORM = "DATABASE_URL: write it as postgresql://user:password@host:port/name"
ENCODING = "DATABASE_URL: its user, password or name contains a character that must be percent-encoded: write % as %25"
HARD = "p@ss/w:o#d?%"
ENCODED = "p%40ss%2Fw%3Ao%23d%3F%25"


def of(url: str, **environment: str) -> Address:
    return Address.of(url, environment)


def refusal(url: str, **environment: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        of(url, **environment)
    return str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+asyncpg", "postgresql+psycopg", "POSTGRESQL"])
def test_urls_of_all_common_forms_are_understood(scheme: str) -> None:
    """In the forms that hosting providers and other libraries use."""
    found = of(f" {scheme}://me:secret@host:5433/db?sslmode=require\n")
    assert (found.hosts, found.user, found.passwords, found.database) == (
        (Host("host", 5433),),
        "me",
        ("secret",),
        "db",
    )
    assert conninfo_to_dict(found.libpq()).items() >= {
        "user": "me", "password": "secret", "host": "host", "port": "5433", "dbname": "db", "sslmode": "require",
        "client_encoding": "UTF8", "connect_timeout": "10", "application_name": "deal-queue",
    }.items()  # fmt: skip


@pytest.mark.parametrize(
    ("place", "hosts"),
    [
        ("host", [("host", 5432)]),
        ("one:1,two", [("one", 1), ("two", 5432)]),
        ("one,two:2", [("one", 5432), ("two", 2)]),
        ("[::1]:5433", [("::1", 5433)]),
        ("[fe80::1%25eth0]", [("fe80::1%eth0", 5432)]),
        ("%2Fvar%2Frun", [("/var/run", 5432)]),
        ("", [(name, 5432) for name in LOCAL]),
    ],
)
def test_every_kind_of_host_is_understood(place: str, hosts: list[tuple[str, int]]) -> None:
    """Names, addresses, several of them, a socket's folder; without one, the sockets of this machine."""
    assert list(of(f"postgresql://me@{place}/db").hosts) == hosts


@pytest.mark.parametrize("password", [ENCODED, "p%40ss", "a:b", "a#b", "a?b", "100%25", "%F0%9F%98%80"])
def test_a_password_may_contain_any_character(password: str) -> None:
    """Percent-encoded; and as it is where libpq can tell it from the rest."""
    expected = {ENCODED: HARD, "p%40ss": "p@ss", "100%25": "100%", "%F0%9F%98%80": "\N{GRINNING FACE}"}
    assert of(f"postgresql://me:{password}@host/db").passwords == (expected.get(password, password),)


@pytest.mark.parametrize(
    "secret",
    ["hid@den", "hid/den", "hid%den", "hid den", "@hidden", "hidden@", "1234/hidden", "hid?/den", "hid?x=/den",
     "hid@a?b=c", "hid/den?sslmode=x", "hid@den/w:o#d?", "hid@den/w:o#d?%", "hid%zzden", "@@@", "//"],
)  # fmt: skip
def test_a_password_that_is_not_encoded_is_named_as_the_reason_and_not_repeated(secret: str) -> None:
    """Not even a part of it, wherever libpq takes that part to stand."""
    said = refusal(f"postgresql://me:{secret}@host/db")
    assert said.startswith(ENCODING)
    assert "hid" not in said
    assert "den" not in said


@pytest.mark.parametrize(
    ("rest", "sentence"),
    [
        ("host/db?ssl=require", "DATABASE_URL: ssl: write sslmode=require instead."),
        ("host/db?sslmod=require", "DATABASE_URL: sslmod: write sslmode instead."),
        ("host/db?sslmode=requir", "DATABASE_URL: sslmode: write disable, allow, prefer, require, verify-ca or veri"),
        ("host/db?sslmode", FORM),
        ("host/db?=x", FORM),
        ("host/db?channel_binding=require", "DATABASE_URL: channel_binding: write disable or prefer, because asyncpg"),
        ("host/db?target_session_attrs=standby", "DATABASE_URL: target_session_attrs: write any, read-write or pri"),
        ("host/db?client_encoding=LATIN1", "DATABASE_URL: client_encoding: write UTF8"),
        ("host/db?connect_timeout=soon", "DATABASE_URL: connect_timeout: write a number of seconds."),
        ("host/db?keepalives_idle=30", "DATABASE_URL: keepalives_idle: remove it, because asyncpg does not know it."),
        ("host/db?hostaddr=127.0.0.1", "DATABASE_URL: hostaddr: write the address as the host instead."),
        ("host/db?require_auth=none", "DATABASE_URL: require_auth: remove it"),
        ("host/db?gssencmode=require", "DATABASE_URL: gssencmode: write disable or prefer."),
        ("host/db?schema=deals", "DATABASE_URL: schema: write options=-csearch_path%3DNAME instead."),
        ("host/db?pgbouncer=true", "DATABASE_URL: pgbouncer: remove it, because PostgreSQL's clients do not know it."),
        ("host/db?options=-csearch_path=deals", "DATABASE_URL: options: write = as %3D and a space as %20"),
        ("host/db?sslmode=verify-full", "DATABASE_URL: sslmode=verify-full needs sslrootcert=FILE"),
        ("host/db?sslmode=require&sslrootcert=system", "DATABASE_URL: sslrootcert=system needs sslmode=verify-full."),
        ("host/db?sslmode=require&sslrootcert=/none.crt", "DATABASE_URL: sslrootcert: there is no file /none.crt."),
        ("host/db?sslcert=/none.crt&sslkey=/none.key", "DATABASE_URL: sslkey: there is no file /none.key."),
        ("host/db?sslcert=/none.crt", "DATABASE_URL: sslcert needs sslkey=FILE"),
        ("host/db?sslnegotiation=direct", "DATABASE_URL: sslnegotiation=direct needs sslmode=require or stricter."),
        ("host/db?service=none", "DATABASE_URL: the service none is not defined in "),
        ("host/", f"{FORM}; it names no database."),
        ("host", f"{FORM}; it names no database."),
        ("host:abc/db", "DATABASE_URL: a port must be a number from 1 to 65535"),
        ("host:0/db", "DATABASE_URL: a port must be a number from 1 to 65535"),
        ("host:65536/db", "DATABASE_URL: a port must be a number from 1 to 65535"),
        ("::1/db", "DATABASE_URL: a port must be a number from 1 to 65535, and an IPv6 address stands in brackets"),
        ("[::1/db", FORM),
        ("a,b,c/db?port=1,2", "DATABASE_URL: write one port for all hosts, or one for each."),
        ("a,,c/db", f"{FORM}; a host is a name"),
    ],
)  # fmt: skip
def test_what_does_not_work_with_both_drivers_is_refused_by_its_name(rest: str, sentence: str) -> None:
    """In one sentence that says what to write instead, without the password."""
    said = refusal(f"postgresql://me:hidden@{rest}", HOME="/nonexistent")
    assert said.startswith(sentence)
    assert "hidden" not in said
    assert "\n" not in said


@pytest.mark.parametrize(
    "url", ["", "mysql://me:hidden@host/db", "me:hidden@host/db", "jdbc:postgresql://host/db", "host=host dbname=db",
            '"postgresql://me:hidden@host/db"', "postgresql:me:hidden@host/db", "https://me:hidden@host/db"]
)  # fmt: skip
def test_any_other_url_is_refused_without_repeating_it(url: str) -> None:
    """It may contain a password."""
    assert refusal(url) == f"{FORM}."


def test_what_the_url_does_not_say_is_read_from_the_environment() -> None:
    """libpq's variables, for asyncpg too; a sentence names the variable that is wrong."""
    found = of("postgresql:///", PGHOST="one,two", PGPORT="5433", PGUSER="me", PGPASSWORD="p", PGDATABASE="db",
               PGOPTIONS="-c geqo=off", PGAPPNAME="crm", PGCONNECT_TIMEOUT="3", PGSSLMODE="require")  # fmt: skip
    assert (found.hosts, found.user, found.database) == ((Host("one", 5433), Host("two", 5433)), "me", "db")
    assert (found.passwords, found.application_name, found.connect_seconds) == (("p", "p"), "crm", 3)
    assert found.parameters["options"] == "-c geqo=off"
    assert of("postgresql://you@host:1/other", PGHOST="x", PGPORT="2", PGUSER="x", PGDATABASE="x").place == "host:1"
    assert refusal("postgresql:///db", PGSSLMODE="on").startswith("PGSSLMODE: write disable, ")
    assert refusal("postgresql:///db", PGCHANNELBINDING="require").startswith("PGCHANNELBINDING: write disable or ")
    assert refusal("postgresql:///db", PGREQUIREPEER="me").startswith("PGREQUIREPEER: remove it")


def test_a_service_is_read_for_both_drivers(tmp_path: Path) -> None:
    """The URL precedes it, and it precedes the environment."""
    file = tmp_path / "services"
    file.write_text("[crm]\nhost=one\nport=5433\nuser=me\ndbname=db\nsslmode=require\n[bad]\nsslmode=on\ndbname=db\n")
    found = of("postgresql://two/?service=crm", PGSERVICEFILE=str(file), PGUSER="you")
    assert (found.place, found.user, found.database, found.parameters["sslmode"]) == ("two:5433", "me", "db", "require")
    assert "service" not in conninfo_to_dict(found.libpq())
    assert of("postgresql:///", PGSERVICEFILE=str(file), PGSERVICE="crm").place == "one:5433"
    assert refusal("postgresql:///?service=bad", PGSERVICEFILE=str(file)).startswith("The service bad: sslmode: write ")


def test_a_password_is_read_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    r"""`~/.pgpass` or `passfile`, with `\:` for a colon; ignored while other users may read it."""
    file = tmp_path / ".pgpass"
    file.write_text("# a comment\none:5433:db:me:first\n*:*:*:me:a\\:b\\\\c\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    file.chmod(0o600)
    found = of("postgresql://me@one:5433,two/db")
    assert found.passwords == ("first", "a:b\\c")
    assert conninfo_to_dict(of("postgresql://me@two/db").libpq())["password"] == "a:b\\c"
    assert of("postgresql://you@two/db").passwords == (None,)
    file.chmod(0o644)
    assert of("postgresql://me@two/db").passwords == (None,)
    monkeypatch.setenv("HOME", "/nonexistent")
    file.chmod(0o600)
    assert of(f"postgresql://me@two/db?passfile={file}").passwords == ("a:b\\c",)


def test_the_machines_certificates_are_a_file_for_both_drivers() -> None:
    """psycopg brings an OpenSSL that does not find them; libpq demands verify-full with them."""
    found = of("postgresql://me@host/db?sslrootcert=system").parameters
    assert found["sslmode"] == "verify-full"
    assert Path(found["sslrootcert"]).is_file()


@pytest.mark.parametrize("name", ["sslrootcert", "sslcrl"])
def test_a_file_that_is_no_certificate_is_refused(tmp_path: Path, name: str) -> None:
    """A driver would report it at each connection, as if the server were unavailable."""
    file = tmp_path / "root.crt"
    file.write_text("-----BEGIN CERTIFICATE-----\nnone\n-----END CERTIFICATE-----\n")
    said = refusal(f"postgresql://me@host/db?sslmode=require&{name}={file}")
    assert said.startswith(f"DATABASE_URL: {name}: {file} cannot be used: ")
    assert refusal(f"postgresql://me@host/db?{name}={tmp_path}").startswith(
        f"DATABASE_URL: {name}: {tmp_path} cannot be"
    )


def test_an_address_hides_its_password() -> None:
    """In a traceback, for instance."""
    assert "hidden" not in repr(of("postgresql://me:hidden@host/db"))


@pytest.mark.parametrize("command", ["api", "migrations", "deploy.run"])
def test_every_process_and_command_says_the_same(tmp_path: Path, command: str) -> None:
    """One sentence, exit code 2, before anything is connected or created. Each reads its settings: test_entry.py."""
    url = "postgresql://me:hidden@127.0.0.1:1/none?ssl=require"
    done = start(tmp_path, command, DATABASE_URL=url, HUBSPOT_TOKEN="pat-x")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "DATABASE_URL: ssl: write sslmode=require instead.\n"
    assert list(tmp_path.iterdir()) == []
