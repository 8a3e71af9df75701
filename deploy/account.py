"""The user that runs the embedded server: the present user, or a system user instead of root, which it refuses."""

import os
import pwd
import shutil
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.errors import StartError

SYSTEM_USER = "dealqueue"
# Another start may be creating the same user and hold the lock of /etc/passwd.
USERADD_ATTEMPTS = 10
USERADD_PAUSE_SECONDS = 0.3


@dataclass(frozen=True)
class Account:
    name: str
    uid: int
    gid: int

    def popen_options(self) -> dict[str, Any]:
        """Arguments of subprocess.Popen that start a program as this user."""
        if self.uid == os.geteuid():
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def succeeds(self, *command: str | Path) -> bool:
        """Whether this user can start `command`, and it exits with 0."""
        try:
            done = subprocess.run(command, cwd="/", capture_output=True, check=False, **self.popen_options())
        except PermissionError:
            return False
        return done.returncode == 0


def server_account(data_dir: Path) -> Account:
    """The present user; as root, the owner of an existing data folder, else the system user, created if missing."""
    if os.geteuid() != 0:
        return _own_account(data_dir)
    if data_dir.exists() and (owner := data_dir.stat().st_uid) != 0:
        return _account(pwd.getpwuid(owner)) if _has_name(owner) else _system_account()
    return _system_account()


def _own_account(data_dir: Path) -> Account:
    if not _has_name(os.geteuid()):
        raise StartError(
            f"PostgreSQL cannot run as user id {os.geteuid()}, which has no name on this machine; "
            "run as a named user, or set DATABASE_URL."
        )
    if data_dir.exists() and data_dir.stat().st_uid != os.geteuid():
        raise StartError(f"{data_dir} belongs to another user; run as that user, or set another DATA_DIR.")
    return _account(pwd.getpwuid(os.geteuid()))


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _account(entry: pwd.struct_passwd) -> Account:
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _system_account() -> Account:
    try:
        return _account(pwd.getpwnam(SYSTEM_USER))
    except KeyError:
        return _create_system_user()


def _create_system_user() -> Account:
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        raise StartError(
            f"PostgreSQL does not run as root and there is no `useradd` to create a user for it; "
            f"add a system user named {SYSTEM_USER}, run as a plain user, or set DATABASE_URL."
        )
    command = [useradd, "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", SYSTEM_USER]
    for _ in range(USERADD_ATTEMPTS):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        with suppress(KeyError):  # the user may exist even if another start has created it
            return _account(pwd.getpwnam(SYSTEM_USER))
        time.sleep(USERADD_PAUSE_SECONDS)
    raise StartError(f"The system user {SYSTEM_USER} could not be created: {done.stderr.strip()}")
