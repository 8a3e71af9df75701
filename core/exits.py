"""The exit codes of all commands, and their frame: an expected error is one sentence on standard error."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from core.error_text import line
from core.errors import ConfigurationError, ConnectionRejected, DatabaseNotReady, DatabaseUnavailable
from core.text_files import is_unicode

# Done, or there was nothing to do.
EXIT_DONE = 0
# It was tried and failed, or it was refused.
EXIT_FAILED = 1
# It has not begun: a wrong argument or setting, or a database that is unavailable. 2 is what argument parsers use.
EXIT_NOT_BEGUN = 2
# The end of each command's help.
EXIT_CODES = (
    "Exit codes: 0 done, or there was nothing to do; 1 failed or refused; 2 not begun, because an argument or a "
    "setting is wrong or the database is unavailable."
)


@contextmanager
def command_errors() -> Iterator[None]:
    """Wrap the work of a command. Settings are checked around the whole program (core/entry.py)."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding shows ? for what it does not have.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    _check_arguments()
    try:
        yield
    except DatabaseNotReady as error:
        _not_begun(str(error))
    except ConnectionRejected as error:
        _not_begun(f"DATABASE_URL: {error}.")
    except DatabaseUnavailable as error:
        _not_begun(f"The database is unavailable: {line(error)}")


def _check_arguments() -> None:
    """Neither the database nor the terminal takes a text with bytes that are not UTF-8."""
    for word in sys.argv[1:]:
        if not word.isascii() and not is_unicode(word):
            raise ConfigurationError(f"The argument {word!a} is not UTF-8 text.")


def _not_begun(sentence: str) -> NoReturn:
    sys.stderr.write(f"{sentence}\n")
    raise SystemExit(EXIT_NOT_BEGUN) from None
