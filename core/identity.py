"""Who a process is: a name that its place keeps over restarts, and a proof that a process of this machine has ended."""

import os
import secrets
import socket
from pathlib import Path

# Of the data folder of `make run`, which passes it to its processes: see deploy/instance.py.
INSTANCE_VARIABLE = "DEAL_QUEUE_INSTANCE"


def process_name(kind: str) -> str:
    """The same after a restart under `make run`, so that a process finds what its previous incarnation held.

    Every other installation has another name for it, whatever its host is called. Processes that were started
    otherwise get a new name at each start: nothing tells which of them belong together.
    """
    program, instance = os.environ.get("SUPERVISOR_PROCESS_NAME"), os.environ.get(INSTANCE_VARIABLE)
    if program and instance:
        return f"{program}@{socket.gethostname()}/{instance}"
    return unique(f"{kind}-{os.getpid()}@{socket.gethostname()}")


def unique(name: str) -> str:
    """The name with a random part, which no other process has."""
    return f"{name}/{secrets.token_hex(4)}"


def this_process() -> str | None:
    """A text that names this process among all of every machine; None where the system does not tell."""
    try:
        return "/".join((*_place(), str(os.getpid()), _started(os.getpid())))
    except OSError:
        return None


def has_ended(process: str | None) -> bool | None:
    """Whether the process with that text of `this_process` has ended; None if that cannot be known from here.

    Process ids mean something only within one boot of one machine, and there within one container.
    """
    parts = (process or "").split("/")
    try:
        if len(parts) != 4 or tuple(parts[:2]) != _place():
            return None
        os.kill(int(parts[2]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    except (OSError, ValueError):
        return None
    try:
        return _started(int(parts[2])) != parts[3]
    except OSError:  # it ends just now, or is hidden from this user
        return None


def _place() -> tuple[str, str]:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return boot, str(Path("/proc/self/ns/pid").readlink())


def _started(pid: int) -> str:
    """Its start in ticks since the boot, which a later process with its id does not have; `ended` for a zombie."""
    # The name, in parentheses, may contain anything.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return "ended" if fields[0] in "ZX" else fields[19]
