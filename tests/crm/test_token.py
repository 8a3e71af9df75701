"""A new token takes effect without a restart; a refused one does not cause further calls."""

import asyncio
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from core.errors import ConfigurationError
from core.settings import Settings
from crm.errors import Unauthorized
from crm.token import REFUSED_SECONDS, HubSpotCredential, settings_token
from tests.crm.scripted_server import Reply, scripted_client

REFUSED = Reply(401, b'{"message":"expired","category":"EXPIRED_AUTHENTICATION","correlationId":"abc-3"}')
EMPTY = Reply(200, b'{"results": []}')


class Changing:
    """A token source that the test changes."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __call__(self) -> SecretStr:
        return SecretStr(self.text)


class Time:
    seconds = 0.0

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.seconds, UTC)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    with capture_logs():
        yield


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The settings file of the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HUBSPOT_TOKEN", raising=False)
    monkeypatch.setitem(Settings.model_config, "env_file", ".env")
    return tmp_path / ".env"


def write(file: Path, text: str) -> None:
    """As editors do: replace the file by a new one."""
    new = file.with_suffix(".new")
    new.write_text(text)
    new.replace(file)


async def test_each_request_carries_the_current_token() -> None:
    token = Changing("pat-one")
    async with scripted_client(EMPTY, token=token) as (client, server):
        await client.pipelines()
        token.text = "pat-two"
        await client.pipelines()
    assert ["Bearer pat-one" in server.requests[0], "Bearer pat-two" in server.requests[1]] == [True, True]


async def test_a_refused_token_is_not_sent_again() -> None:
    """The same error without a call, for a minute; a different token is sent at once."""
    token = Changing("pat-old")
    async with scripted_client(REFUSED, EMPTY, token=token) as (client, server):
        for _ in range(3):
            with pytest.raises(Unauthorized, match="expired") as raised:
                await client.pipelines()
            assert (raised.value.status, raised.value.correlation_id) == (401, "abc-3")
        token.text = "pat-new"
        await client.pipelines()
    assert len(server.requests) == 2


async def test_calls_that_wait_for_the_budget_do_not_send_a_token_that_was_refused_meanwhile() -> None:
    async with scripted_client(REFUSED) as (client, server):
        outcomes = await asyncio.gather(*(client.pipelines() for _ in range(50)), return_exceptions=True)
        outcomes += await asyncio.gather(*(client.pipelines() for _ in range(200)), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unauthorized}
    assert len(server.requests) <= 50


def test_after_a_minute_the_token_is_sent_again() -> None:
    """HubSpot may have refused it by mistake."""
    clock, token = Time(), Changing("pat-old")
    credential = HubSpotCredential(token, clock)
    credential.refuse("pat-old", Unauthorized("no", status=401))
    clock.seconds = REFUSED_SECONDS - 1
    with pytest.raises(Unauthorized):
        credential.token()
    clock.seconds = REFUSED_SECONDS + 1
    assert credential.token() == "pat-old"


def test_a_token_in_the_settings_file_is_read_again_when_it_changes(file: Path) -> None:
    write(file, "HUBSPOT_TOKEN=pat-one\n")
    token = settings_token(Settings.load())
    assert token().get_secret_value() == "pat-one"
    write(file, "HUBSPOT_TOKEN=pat-two\n")
    assert token().get_secret_value() == "pat-two"
    os.utime(file)
    assert token().get_secret_value() == "pat-two"


@pytest.mark.parametrize(
    "text", ["", "HUBSPOT_TOKEN=\n", "HUBSPOT_TOKEN=two words\n", "PORT=none\nHUBSPOT_TOKEN=pat-two\n"]
)
def test_a_file_without_a_valid_token_changes_nothing(file: Path, text: str) -> None:
    """A person may still be editing it, or have made a mistake."""
    write(file, "HUBSPOT_TOKEN=pat-one\n")
    token = settings_token(Settings.load())
    write(file, text)
    assert token().get_secret_value() == "pat-one"
    file.unlink()
    assert token().get_secret_value() == "pat-one"
    write(file, "HUBSPOT_TOKEN=pat-three\n")
    assert token().get_secret_value() == "pat-three"


def test_the_environment_takes_precedence_over_the_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As for every setting: `make run` passes the sandbox's token this way."""
    monkeypatch.setenv("HUBSPOT_TOKEN", "pat-environment")
    write(file, "HUBSPOT_TOKEN=pat-one\n")
    token = settings_token(Settings.load())
    write(file, "HUBSPOT_TOKEN=pat-two\n")
    assert token().get_secret_value() == "pat-environment"


def test_without_a_token_the_source_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="HUBSPOT_TOKEN is not set"):
        settings_token(Settings(hubspot_token=None))


def test_a_file_that_cannot_be_read_changes_nothing(file: Path) -> None:
    """While an editor saves it in another encoding, or a person replaces it by a folder; the log says so once."""
    write(file, "HUBSPOT_TOKEN=pat-one\n")
    token = settings_token(Settings.load())
    for text, why in (("HUBSPOT_TOKEN=pat-zwölf\n".encode("cp1252"), "0xF6 in line 1"), (None, "it is a folder")):
        file.unlink()
        file.mkdir() if text is None else file.write_bytes(text)
        with capture_logs() as logs:
            assert [token().get_secret_value() for _ in range(3)] == ["pat-one"] * 3
        assert [entry["event"] for entry in logs] == ["hubspot.token_not_reloaded"]
        assert why in logs[0]["reason"]
    file.rmdir()


def test_the_token_of_another_account_is_not_sent(file: Path) -> None:
    """HubSpot does not get the token of a sandbox of an earlier start, nor the sandbox that of HubSpot."""
    (file.parent / ".data").mkdir()
    (file.parent / ".data" / "sandbox-url").write_text("http://127.0.0.1:9410 sandbox-token\n")
    write(file, "HUBSPOT_TOKEN=pat-one\n")
    token = settings_token(Settings.load())
    file.unlink()
    assert token().get_secret_value() == "pat-one"
    token = settings_token(Settings.load())
    assert token().get_secret_value() == "sandbox-token"
    write(file, "HUBSPOT_TOKEN=pat-one\n")
    assert token().get_secret_value() == "sandbox-token"
