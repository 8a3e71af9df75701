"""Folders and files that nobody else may have laid for us, and short names for deep paths."""

import hashlib
import os
import stat
from pathlib import Path

from deploy.errors import StartError


def short_hash(text: str) -> str:
    """Ten hexadecimal digits: enough to tell the checkouts of one machine apart."""
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def own_folder(path: Path, *, uid: int, gid: int, mode: int) -> Path:
    """Make `path`, or accept an existing one that is a real folder of ours or of `uid`; then it is `uid`'s.

    For places where everybody may write (/tmp, /var/tmp): a link or a stranger's folder raises StartError.
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
    # Our own is fine too: we were killed between making the folder and giving it away.
    if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (uid, os.geteuid()):
        raise StartError(
            f"{path} exists, but is not a folder of ours (owner: user id {found.st_uid}); remove it first."
        )


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    draft.replace(path)
