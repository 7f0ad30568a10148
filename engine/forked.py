"""What a forked child may do with the databases that its parent has open: let go of them.

SQLite keeps in each process what it knows of a file's locks, but the locks themselves belong to
one process. A child that opened an index which it inherited would take the parent's locks for its
own, hold none, and the parent would one day delete the -wal under it. So before a child opens a
database it closes what it inherited of it, where nothing was going on at the fork. Where something
was, the child is refused: to undo the parent's transaction would reach into memory they share.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import apsw

from epql.engine.errors import InterfaceError

_idle: list[apsw.Connection] = []
_busy: list[apsw.Connection] = []


def inherit(db: apsw.Connection, *, is_busy: bool) -> None:
    """Note a connection to SQLite that a child has from its parent; in the child, at the fork."""
    try:
        is_file, is_busy = bool(db.filename), is_busy or db.in_transaction
    except apsw.ConnectionClosedError:
        return
    if not is_file:
        return
    if is_busy:
        _keep_for_ever(db)
        _busy.append(db)
    else:
        _idle.append(db)


def let_go(folder: Path) -> None:
    """Close what this process inherited of the database in a folder, which it is about to open.

    Raises: InterfaceError `connection.forked` if the parent was in the middle of something.
    """
    if any(_lies_in(db, folder) for db in _busy):
        raise InterfaceError(
            "this process was forked while its parent was using this database",
            code="connection.forked",
            hint="fork when no statement runs and no transaction is open, or start the process"
            " by spawn",
        )
    for db in [one for one in _idle if _lies_in(one, folder)]:
        _idle.remove(db)
        db.close(True)


def _lies_in(db: apsw.Connection, folder: Path) -> bool:
    path = Path(db.filename).parent
    if path.name == "audit":
        path = path.parent
    with suppress(OSError):
        return os.path.samefile(path, folder)
    return False


def _keep_for_ever(db: apsw.Connection) -> None:
    """So that it is not closed when the child ends, either."""
    import ctypes  # only here, and few processes come here

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(db))
