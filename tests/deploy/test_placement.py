"""The embedded server's programs, data and sockets are where its user can reach them."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import placement
from deploy.account import Account
from deploy.errors import StartError
from deploy.placement import Placement, find_placement, installed_binaries, shelter_of

ROOT = os.geteuid() == 0


@pytest.fixture
def data_dir(open_folder: Path) -> Iterator[Path]:
    """A data folder whose shelter is removed after the test."""
    yield open_folder / "data"
    shutil.rmtree(shelter_of(open_folder / "data"), ignore_errors=True)


def found(data_dir: Path) -> Placement:
    """The placement; its socket folder, which is empty, is removed."""
    place = find_placement(data_dir)
    assert place.socket_dir.stat().st_mode & 0o777 == 0o700
    assert place.socket_dir.stat().st_uid == place.account.uid
    place.socket_dir.rmdir()
    return place


def test_reachable_data_stays_where_it_should_be(data_dir: Path) -> None:
    """The same folder has the same sockets each time; the path fits a socket's 107 bytes."""
    place = found(data_dir)
    assert place.data_dir == data_dir
    assert found(data_dir).socket_dir == place.socket_dir
    assert len(str(place.socket_dir / ".s.PGSQL.5432.lock")) < 60
    assert place.account.succeeds(place.bin_dir / "postgres", "--version")


@pytest.mark.skipif(not ROOT, reason="only root needs another user to run PostgreSQL")
def test_data_that_became_unreachable_is_not_replaced_by_an_empty_cluster(data_dir: Path) -> None:
    """When the folder above is closed later, the start fails with the reason."""
    data_dir.mkdir()
    (data_dir / "PG_VERSION").write_text("18\n")
    data_dir.parent.chmod(0o700)
    with pytest.raises(StartError, match="chmod o\\+x"):
        find_placement(data_dir)


@pytest.mark.skipif(not ROOT, reason="only root needs another user to run PostgreSQL")
def test_unreachable_programs_are_copied_with_their_libraries(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a virtual environment below root's home; every user can start the copy, and it is made once."""
    closed = data_dir.parent / "home"
    closed.mkdir(mode=0o700)
    installed = installed_binaries()
    packages = installed.parents[2]
    for name in (placement.PACKAGE, f"{placement.PACKAGE}.libs"):
        (closed / name).symlink_to(packages / name)
    monkeypatch.setattr(placement, "installed_binaries", lambda: closed / installed.relative_to(packages))
    place = found(data_dir)
    assert place.shelter == shelter_of(data_dir)
    assert place.shelter in place.bin_dir.parents
    assert place.data_dir == data_dir
    assert place.account.succeeds(place.bin_dir / "postgres", "--version")
    assert "copy of PostgreSQL is in" in place.notice()
    made = place.bin_dir.stat().st_ino
    assert found(data_dir).bin_dir.stat().st_ino == made


def test_the_notice_names_what_is_in_the_shelter() -> None:
    """Empty without a shelter."""
    account, shelter, elsewhere = Account("dealqueue", 1, 1), Path("/var/tmp/shelter"), Path("/home/me")
    without = Placement(account, elsewhere, elsewhere, elsewhere)
    assert without.notice() == ""
    sheltered = Placement(account, elsewhere, shelter / "data", elsewhere, shelter)
    assert sheltered.notice() == (
        "The user dealqueue cannot enter this folder, so the database is in /var/tmp/shelter."
    )


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(placement, "PACKAGE", "no_such_package")
    with pytest.raises(StartError, match="no_such_package is missing; install requirements"):
        installed_binaries()
