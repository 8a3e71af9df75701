"""Folders in places where every user may write, and files that only their owner can read."""

import os
from pathlib import Path

import pytest

from deploy.errors import StartError
from deploy.folders import own_folder, write_private

UID, GID = os.geteuid(), os.getegid()


def test_a_link_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """To follow it would give its creator our files."""
    (tmp_path / "trap").symlink_to(tmp_path)
    with pytest.raises(StartError, match="not a folder of Deal Queue"):
        own_folder(tmp_path / "trap", uid=UID, gid=GID, mode=0o700)


@pytest.mark.skipif(UID != 0, reason="only root can create a folder of another user")
def test_a_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    """Its owner could replace our files."""
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 1, 1)
    with pytest.raises(StartError, match="not a folder of Deal Queue"):
        own_folder(tmp_path / "theirs", uid=UID, gid=GID, mode=0o700)


def test_our_own_folder_is_used_again_and_its_mode_is_set(tmp_path: Path) -> None:
    """It is created once; its mode is set each time."""
    (tmp_path / "ours").mkdir(mode=0o755)
    own_folder(tmp_path / "ours", uid=UID, gid=GID, mode=0o700)
    assert (tmp_path / "ours").stat().st_mode & 0o777 == 0o700


def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """Whatever the umask, and even when a killed write left its temporary file."""
    (tmp_path / ".token.new").write_text("half")
    write_private(tmp_path / "token", "whole")
    assert (tmp_path / "token").read_text() == "whole"
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "token"]
