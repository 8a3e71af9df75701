"""Temporary folders for tests."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY, DISK = Path("/dev/shm"), Path("/tmp")
# The write-ahead log of a cluster may grow to one, and each process of the tests has a cluster.
FREE_BYTES = 4 * 2**30


def fastest_parent() -> Path:
    """A folder in memory where the machine has one with space (containers often have 64 MB), otherwise /tmp.

    In memory, cloning a database costs a tenth of the CPU that it costs on ext4.
    """
    has_space = os.access(MEMORY, os.W_OK | os.X_OK) and shutil.disk_usage(MEMORY).free >= FREE_BYTES
    return MEMORY if has_space else DISK


@contextmanager
def open_folder() -> Iterator[Path]:
    """Every user can pass through it, unlike pytest's own: PostgreSQL runs as another user. Deleted with the block."""
    folder = Path(tempfile.mkdtemp(prefix="dq-test-", dir=DISK))
    folder.chmod(0o711)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
