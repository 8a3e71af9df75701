"""Creates folders and files that no other user may have placed there, and short names for deep paths."""

import hashlib
import os
import stat
from pathlib import Path

from deploy.errors import StartError


def short_hash(text: str) -> str:
    """Ten hexadecimal digits, enough to distinguish the checkouts of one machine."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def own_folder(path: Path, *, uid: int, gid: int, mode: int) -> Path:
    """Create `path`, or accept an existing folder that belongs to the present user or to `uid`; then `uid` owns it.

    For places where every user may write (/tmp, /var/tmp): StartError for a link or for another user's folder.
    """
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        _refuse_foreign(path, uid)
    os.chown(path, uid, gid, follow_symlinks=False)
    path.chmod(mode)
    return path


def _refuse_foreign(path: Path, uid: int) -> None:
    found = path.lstat()
    # The present user owns it when an earlier start was killed before the change of owner.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (uid, os.geteuid()):
        raise StartError(
            f"{path} exists, but is not a folder of Deal Queue (owner: user id {found.st_uid}); remove it first."
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, atomically."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
