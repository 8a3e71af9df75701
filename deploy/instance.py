"""Makes sure that one Deal Queue runs per data folder, on a free port."""

import errno
import fcntl
import os
import secrets
import socket
from pathlib import Path

from deploy.errors import StartError
from deploy.folders import write_private

LOCK_FILE = "lock"
INSTANCE_FILE = "instance"


def refuse_second(data_dir: Path) -> None:
    """StartError when another Deal Queue runs with `data_dir`. Changes nothing."""
    try:
        descriptor = os.open(data_dir / LOCK_FILE, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return
    except PermissionError:
        raise StartError(f"{data_dir} belongs to another user; run as that user, or set another DATA_DIR.") from None
    try:
        _lock(descriptor, fcntl.LOCK_SH, data_dir)
    finally:
        os.close(descriptor)


def hold_lock(data_dir: Path, url: str) -> int:
    """Lock `data_dir` as long as this process, or what it becomes by exec, lives; returns the descriptor."""
    descriptor = os.open(data_dir / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    _lock(descriptor, fcntl.LOCK_EX, data_dir)
    os.truncate(descriptor, 0)
    os.write(descriptor, url.encode())
    os.set_inheritable(descriptor, True)
    return descriptor


def instance_id(data_dir: Path, lock: int) -> str:
    """A random text that this data folder keeps, by which its processes differ from those of another installation.

    A copy of the folder gets another one: the file names the lock file that it was made beside. Call it under the lock.
    """
    found = os.fstat(lock)
    place = f"{found.st_dev}:{found.st_ino}"
    file = data_dir / INSTANCE_FILE
    try:
        instance, made_at = file.read_text().split()
    except (FileNotFoundError, ValueError):
        made_at = ""
    if made_at != place:
        instance = secrets.token_hex(4)
        write_private(file, f"{instance} {place}\n")
    return instance


def hold_folder(folder: Path) -> int:
    """Lock a folder below /var/tmp: systemd-tmpfiles removes nothing that is locked, however old its files are."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    os.set_inheritable(descriptor, True)
    return descriptor


def _lock(descriptor: int, kind: int, data_dir: Path) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        url = os.pread(descriptor, 200, 0).decode(errors="replace")
        raise StartError(
            f"Deal Queue already runs with the data folder {data_dir}, at {url}; "
            "stop it first, or set another PORT and DATA_DIR."
        ) from None


def check_port(host: str, port: int, setting: str) -> None:
    """StartError unless a server could listen there now. `setting` is the one to change if not."""
    try:
        family, kind, *_, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: a port in TIME_WAIT is free
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        raise StartError(_reason(error, host, port, setting)) from None


def _reason(error: OSError, host: str, port: int, setting: str) -> str:
    if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
        return f"HOST: {host} is not an address of this machine; set it to 127.0.0.1 or 0.0.0.0."
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program; set {setting} to a free one."
    return f"Port {port} on {host} cannot be used ({error.strerror}); set {setting} to another one."


def free_port() -> int:
    """A port on loopback that is unused at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
