"""When the process runs out of memory, or of open files, in the middle of anything.

Python can raise MemoryError at each allocation, and OSError for a module that a statement is the
first to need. Each call from outside ends at a door (turns.py, epql/cursor.py, epql/connection.py)
that tells it as an error of ours.
"""

from __future__ import annotations

import errno
from typing import NoReturn

import apsw

from epql.engine.errors import OperationalError
from epql.engine.files import translate

SHORT = (MemoryError, OSError, apsw.NoMemError)
"""What a door catches; not every OSError is one."""

_TOO_MANY_OPEN = (errno.EMFILE, errno.ENFILE)


def shortage(error: BaseException) -> OperationalError | None:
    """The error that a person is told; None for anything but a shortage.

    >>> shortage(MemoryError()).code, shortage(OSError(errno.EMFILE, "")).code, shortage(OSError())
    ('memory.full', 'files.too_many_open', None)
    """
    if isinstance(error, (MemoryError, apsw.NoMemError)):
        return no_memory()
    if isinstance(error, OSError) and error.errno in _TOO_MANY_OPEN:
        return translate(error, "open", str(error.filename or "a file"))
    return None


def no_memory() -> OperationalError:
    """The error for a statement that could not be carried out for want of memory."""
    return OperationalError(
        "there is not enough memory",
        code="memory.full",
        hint="ask for less, or commit in smaller pieces; nothing of the statement stays",
    )


def tell(error: BaseException) -> NoReturn:
    """Raise what a person is told of an error."""
    told = shortage(error)
    if told is None:
        raise error
    raise told from error
