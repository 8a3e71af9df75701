"""Folders of a test's own; nothing of them is left behind."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder() -> Iterator[Path]:
    """A folder that every user can pass; pytest's own are closed to others, and PostgreSQL is another user."""
    folder = Path(tempfile.mkdtemp(prefix="dq-test-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
