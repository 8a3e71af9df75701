"""Reads the small files that people, and `make run`, write for Deal Queue. Each problem is one sentence."""

import codecs
import os
import stat
from pathlib import Path

from core.errors import ConfigurationError

# A file of settings or of rules has some kilobytes: a larger one is another file, such as a database's.
LARGEST_BYTES = 1024**2
# Byte order marks: of UTF-32 before that of UTF-16, which it begins with.
_OTHER_ENCODINGS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can encode it: Python represents bytes of the system that are not UTF-8 by lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def read_text(path: Path, name: str = "") -> str | None:
    """Its text, without a byte order mark; None when there is no such file.

    ConfigurationError, which begins with `name` or the path, for anything else that is not a file of UTF-8 text. It
    never blocks.
    """
    name = name or str(path)
    data = _read(path, name)
    if data is None:
        return None
    for mark, encoding in _OTHER_ENCODINGS.items():
        if data.startswith(mark):
            raise _unreadable(name, f"it is {encoding} text. Save it as UTF-8.")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        wrong = f"the byte 0x{data[error.start]:02X} in line {_line(data, error.start)} is not UTF-8 text."
        raise _unreadable(name, f"{wrong} Save the file as UTF-8.") from None
    if "\0" in text:
        raise _unreadable(name, f"line {_line(data, data.index(0))} has a NUL character. Save the file as UTF-8 text.")
    return text


def _read(path: Path, name: str) -> bytes | None:
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise _unreadable(name, "it is a pipe or a device. Write a file of that name.")
            data = file.read(LARGEST_BYTES + 1)
    except FileNotFoundError:
        if path.is_symlink():
            raise _unreadable(name, f"it is a link to {path.readlink()}, which does not exist.") from None
        return None
    except IsADirectoryError:
        raise _unreadable(name, "it is a folder. Write a file of that name, or remove the folder.") from None
    except OSError as error:
        raise _unreadable(name, f"{error.strerror}.") from None
    if len(data) > LARGEST_BYTES:
        raise _unreadable(name, f"it has more than {LARGEST_BYTES // 1024:,} KB, so it is not the file that is meant.")
    return data


def _open_without_waiting(path: str, flags: int) -> int:
    """Otherwise a named pipe would block until another program writes to it."""
    return os.open(path, flags | os.O_NONBLOCK)


def _unreadable(name: str, why: str) -> ConfigurationError:
    return ConfigurationError(f"{name} cannot be read: {why}")


def _line(data: bytes, position: int) -> int:
    """Counted from 1; a line ends with LF, CR LF or CR."""
    before = data[:position].replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return before.count(b"\n") + 1
