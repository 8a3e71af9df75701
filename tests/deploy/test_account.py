"""The user that runs the embedded server."""

import os
import pwd
import subprocess
from pathlib import Path

import pytest

from deploy.account import SYSTEM_USER, Account, server_account
from deploy.errors import StartError

UID, GID = os.geteuid(), os.getegid()
ME = Account("me", UID, GID)
# Below the range of systemd's dynamic users, and mapped in a rootless container.
NAMELESS_UID = 59_998


def test_a_command_succeeds_when_it_exits_with_0() -> None:
    assert ME.succeeds("true")
    assert not ME.succeeds("false")


def test_a_command_that_may_not_be_started_does_not_succeed(tmp_path: Path) -> None:
    """As a program below a folder that the user cannot enter."""
    (tmp_path / "program").touch(mode=0o600)
    assert not ME.succeeds(tmp_path / "program")


def test_the_present_user_needs_no_options() -> None:
    """Only root may start a program as another user."""
    assert ME.popen_options() == {}
    assert Account("other", UID + 1, GID).popen_options() == {"user": UID + 1, "group": GID, "extra_groups": []}


@pytest.mark.skipif(UID != 0, reason="only root needs another user")
def test_root_uses_the_system_user_and_the_owner_of_existing_data(tmp_path: Path) -> None:
    """Data that is root's own, or that a deleted user has left, is for the system user."""
    system = server_account(tmp_path / "data")
    assert (system.name, system.uid) == (SYSTEM_USER, pwd.getpwnam(SYSTEM_USER).pw_uid)
    assert server_account(tmp_path) == system
    (tmp_path / "data").mkdir()
    os.chown(tmp_path / "data", pwd.getpwnam("daemon").pw_uid, -1)
    assert server_account(tmp_path / "data").name == "daemon"
    os.chown(tmp_path / "data", NAMELESS_UID, -1)
    assert server_account(tmp_path / "data") == system


@pytest.mark.skipif(UID != 0, reason="only root needs another user")
def test_the_system_user_has_no_group_of_roots() -> None:
    system = server_account(Path("/nonexistent"))
    done = subprocess.run(["id", "-G"], capture_output=True, text=True, check=True, **system.popen_options())
    assert done.stdout.split() == [str(system.gid)]


def test_a_plain_user_runs_the_server_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It refuses data of another user, which it could not write."""
    plain = pwd.getpwnam("daemon")
    monkeypatch.setattr(os, "geteuid", lambda: plain.pw_uid)
    assert server_account(tmp_path / "none") == Account("daemon", plain.pw_uid, plain.pw_gid)
    with pytest.raises(StartError, match="belongs to another user"):
        server_account(tmp_path)


def test_a_user_id_without_a_name_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in some containers; initdb needs the name."""
    monkeypatch.setattr(os, "geteuid", lambda: NAMELESS_UID)
    with pytest.raises(StartError, match=f"user id {NAMELESS_UID}, which has no name"):
        server_account(tmp_path / "data")
