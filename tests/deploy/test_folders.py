"""Folders in places where everybody may write, and files that only we may read."""

import os
from pathlib import Path

import pytest

from deploy.errors import StartError
from deploy.folders import own_folder, write_private

UID, GID = os.geteuid(), os.getegid()


def test_a_link_laid_in_our_place_is_refused(tmp_path: Path) -> None:
    """Following it would hand the link's maker our files."""
    (tmp_path / "trap").symlink_to(tmp_path)
    with pytest.raises(StartError, match="not a folder of ours"):
        own_folder(tmp_path / "trap", uid=UID, gid=GID, mode=0o700)


@pytest.mark.skipif(UID != 0, reason="only root can make a folder that belongs to somebody else")
def test_a_strangers_folder_is_refused(tmp_path: Path) -> None:
    """Its owner could exchange what we put there."""
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 1, 1)
    with pytest.raises(StartError, match="not a folder of ours"):
        own_folder(tmp_path / "theirs", uid=UID, gid=GID, mode=0o700)


def test_our_own_folder_is_taken_again_and_closed(tmp_path: Path) -> None:
    """Made once, and its mode is set each time."""
    (tmp_path / "ours").mkdir(mode=0o755)
    own_folder(tmp_path / "ours", uid=UID, gid=GID, mode=0o700)
    assert (tmp_path / "ours").stat().st_mode & 0o777 == 0o700


def test_a_private_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    """Whatever the umask, and also when a killed write left its draft."""
    (tmp_path / ".token.new").write_text("half")
    write_private(tmp_path / "token", "whole")
    assert (tmp_path / "token").read_text() == "whole"
    assert (tmp_path / "token").stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [tmp_path / "token"]
