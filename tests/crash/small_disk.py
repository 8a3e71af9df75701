"""A small disk for one test, to hold a tablespace: it can be filled to the last byte."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.folders import open_folder

MEGABYTES = 24
CHUNK = bytes(8192)


class DiskUnavailable(Exception):
    """The message gives the reason."""


class Disk:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """No byte is left."""
        with suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
            while True:
                ballast.write(CHUNK)
        assert shutil.disk_usage(self.folder).free == 0

    def free(self) -> None:
        """Remove what filled it."""
        self._ballast.unlink()


@contextmanager
def small_disk() -> Iterator[Disk]:
    """Mounted in memory until the end of the block; DiskUnavailable if this user must not mount."""
    with open_folder() as parent:
        folder = parent / "disk"
        folder.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise DiskUnavailable(f"a disk of {MEGABYTES} MB cannot be mounted: {done.stderr.strip()}")
        try:
            yield Disk(folder)
        finally:
            subprocess.run(["umount", str(folder)], check=True)
