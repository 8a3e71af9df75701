"""One Deal Queue runs per data folder, on a free port."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy.errors import StartError
from deploy.instance import LOCK_FILE, check_port, free_port, hold_folder, hold_lock, instance_id, refuse_second

URL = "http://127.0.0.1:8123/"


@contextmanager
def closing(descriptor: int) -> Iterator[int]:
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_a_second_instance_is_refused_with_the_address_of_the_first(tmp_path: Path) -> None:
    """By the check before anything is created, and by the lock itself."""
    with closing(hold_lock(tmp_path, URL)):
        for second in (lambda: refuse_second(tmp_path), lambda: hold_lock(tmp_path, "http://127.0.0.1:8124/")):
            with pytest.raises(StartError, match=f"already runs with the data folder {tmp_path}, at {URL};"):
                second()
        assert (tmp_path / LOCK_FILE).read_text() == URL
    refuse_second(tmp_path)


@pytest.mark.parametrize("folder", ["none", "file"])
def test_a_folder_that_does_not_exist_has_no_instance(tmp_path: Path, folder: str) -> None:
    """Nothing is created."""
    (tmp_path / "file").touch()
    refuse_second(tmp_path / folder)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_the_lock_is_kept_by_what_the_process_becomes(tmp_path: Path) -> None:
    """`make run` becomes supervisord by exec."""
    program = "import os, sys; print(1, flush=True); os.read(0, 1)"
    script = (
        "import os, pathlib, sys; from deploy.instance import hold_lock; hold_lock(pathlib.Path(sys.argv[1]), 'there');"
        f"os.execv(sys.executable, [sys.executable, '-c', {program!r}])"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"1\n"
        with pytest.raises(StartError, match="at there;"):
            refuse_second(tmp_path)
    refuse_second(tmp_path)


def test_a_locked_folder_can_be_locked_by_several(tmp_path: Path) -> None:
    """The lock is for systemd-tmpfiles, not against another Deal Queue."""
    with closing(hold_folder(tmp_path)), closing(hold_folder(tmp_path)) as second:
        assert os.get_inheritable(second)


def test_a_free_port_can_be_used() -> None:
    check_port("127.0.0.1", free_port(), "PORT")


def test_a_port_that_cannot_be_used_is_named_with_its_setting() -> None:
    """Another program listens there, or this machine does not have the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StartError) as raised:
            check_port("127.0.0.1", port, "SANDBOX_PORT")
    assert str(raised.value) == f"Port {port} on 127.0.0.1 is taken by another program; set SANDBOX_PORT to a free one."
    with pytest.raises(StartError, match=r"^HOST: 192\.0\.2\.1 is not an address of this machine"):
        check_port("192.0.2.1", 8000, "PORT")


def test_a_data_folder_keeps_its_instance_and_a_copy_gets_another_one(tmp_path: Path) -> None:
    """Workers find their runs after a restart by it; a copied installation on the same database must not."""
    folder, copy = tmp_path / "data", tmp_path / "copy"
    folder.mkdir()
    lock = hold_lock(folder, "http://127.0.0.1/")
    instance = instance_id(folder, lock)
    assert instance_id(folder, lock) == instance
    shutil.copytree(folder, copy)
    copied = hold_lock(copy, "http://127.0.0.1/")
    assert instance_id(copy, copied) not in {instance, ""}
    (folder / "instance").write_text("")
    assert instance_id(folder, lock) not in {instance, ""}
    for descriptor in (lock, copied):
        os.close(descriptor)
