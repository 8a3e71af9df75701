"""Temporary folders for tests."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_folder() -> Iterator[Path]:
    """Every user can pass through it, unlike pytest's own: PostgreSQL runs as another user. Deleted with the block."""
    folder = Path(tempfile.mkdtemp(prefix="dq-test-", dir="/tmp"))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
