"""Unfinished copies: how they are called, and how those of dead processes are told from others.

A backup, a restored database or an exported file is filled under a hidden name beside its own,
`.NAME.PID.tmp`, and renamed when it is whole. An error removes it; a kill cannot. So whoever fills
one holds a flock on it, which ends with the process, and the next try removes what nobody holds.
Not here: temporary files inside a database (engine/files.py), which its writer removes.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

_NAME_MAX = 200


def unfinished(to: Path) -> Path:
    """Where to fill what is to appear at a path."""
    return to.with_name(f".{to.name[:_NAME_MAX]}.{os.getpid()}.tmp")


def hold(path: Path) -> int:
    """Show that somebody fills this file or folder; until the number is closed. Raises: OSError."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    with suppress(OSError):  # a file system without locks
        fcntl.flock(fd, fcntl.LOCK_EX)
    return fd


def leftovers(to: Path) -> Iterator[Path]:
    """What earlier tries at a path left, of this user, and nobody fills any more."""
    pattern = re.compile(re.escape(f".{to.name[:_NAME_MAX]}.") + r"\d+\.tmp")
    try:
        names = os.listdir(to.parent)
    except OSError:
        return
    for name in filter(pattern.fullmatch, names):
        path = to.parent / name
        if _is_left(path):
            yield path


def remove_leftovers(to: Path) -> None:
    """Remove them; what cannot be removed stays."""
    for path in leftovers(to):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            with suppress(OSError):
                path.unlink()


def _is_left(path: Path) -> bool:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        if os.fstat(fd).st_uid != os.geteuid():
            return False
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True
