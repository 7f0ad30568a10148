"""The folder of a database: what lies in it, how it is made, how it is recognised.

    kb.epql/FORMAT  LOCK  ASKED  journal/<first tx, 20 digits>.log …  index.db

FORMAT is written last, so a folder without it is one whose creation was interrupted.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from epql.engine.errors import OperationalError
from epql.engine.files import Files, OsFiles, write_atomically
from epql.engine.journal.recovery import create
from epql.engine.journal.segments import FOLDER, segment_name

FORMAT = "FORMAT"
FORMAT_VERSION = 1
INDEX = "index.db"
BESIDE = ("-wal", "-shm", "-journal")
"""What ends the names of SQLite's files beside a database of its; the last while one is made."""
_OURS = {FORMAT, "LOCK", "ASKED", FOLDER, INDEX, *(INDEX + suffix for suffix in BESIDE), "audit"}
_TITLE = "EPQL database"


def check_folder(path: Path, *, must_exist: bool) -> bool:
    """Whether there is a database at `path`; an error if there is something else.

    Raises: OperationalError `database.not_a_folder`, `database.missing`, `database.foreign`.
    """
    if path.is_symlink() and not path.exists():
        raise OperationalError(f"{path} is a link to nothing", code="database.missing")
    if path.exists() and not path.is_dir():
        raise OperationalError(
            f"{path} is a file, not a folder",
            code="database.not_a_folder",
            hint="an EPQL database is a folder; give another path",
        )
    if (path / FORMAT).exists():
        return True
    if must_exist:
        raise OperationalError(
            f"there is no database at {path}",
            code="database.missing",
            hint="a connection that may write creates one",
        )
    if path.exists():
        foreign = sorted(set(os.listdir(path)) - _OURS)
        foreign = [name for name in foreign if not name.endswith(".tmp")]
        if foreign:
            raise OperationalError(
                f"{path} is not an EPQL database: it holds {foreign[0]!r}",
                code="database.foreign",
                hint="give the path of a new or empty folder",
            )
    return False


def make_folder(path: Path) -> None:
    """Make the database's own folder, for its user alone."""
    try:
        path.mkdir(mode=0o700, parents=False, exist_ok=True)
    except FileNotFoundError as error:
        raise OperationalError(
            f"the folder {path.parent} does not exist", code="database.parent_missing"
        ) from error
    except OSError as error:
        raise OperationalError(
            f"the folder {path} cannot be made: {error.strerror}", code="files.permission"
        ) from error


def create_contents(files: Files) -> None:
    """Fill a new database's folder; under the writer's lock. Also after an interrupted try."""
    if files.exists(FORMAT):
        return
    identity = os.urandom(16)
    if not files.exists(segment_name(1)):
        create(files, identity)
    text = f"{_TITLE}\nversion {FORMAT_VERSION}\n"
    write_atomically(files, FORMAT, [text.encode()])


def check_format(files: Files) -> None:
    """Raise unless FORMAT names a version that this program reads.

    Raises: OperationalError `database.format`, `database.version`.
    """
    text = files.read(FORMAT, 0, 1000).decode(errors="replace")
    title, _, rest = text.partition("\n")
    word, _, number = rest.partition("\n")[0].partition(" ")
    if title != _TITLE or word != "version" or not re.fullmatch(r"[0-9]{1,9}", number):
        raise OperationalError(
            "the file FORMAT is not one of ours", code="database.format",
            hint="restore it from a copy of the database",
        )  # fmt: skip
    if int(number) != FORMAT_VERSION:
        raise OperationalError(
            f"the database has format version {number}; this program reads {FORMAT_VERSION}",
            code="database.version",
            hint="install a newer epql",
        )


def is_writable(files: Files) -> bool:
    """Whether this process may write in the folder."""
    return not isinstance(files, OsFiles) or os.access(files.root, os.W_OK)
