"""Ways in which a database comes to another place and stays the same."""

from __future__ import annotations

from pathlib import Path

from epql.connection import Connection
from epql.engine.clock import Clock
from epql.engine.opening import Options
from epql.engine.replay import Commit, commits_of
from epql.exchange.copies import restore_new

WAYS = ("export", "backup")


def commits(con: Connection) -> list[Commit]:
    """Everything in its journal."""
    return list(commits_of(con.runner.database.files))


def move(con: Connection, to: Path, clock: Clock, way: str) -> None:
    """Make a database at `to` of an open one; what is exported of it is the same, byte by byte."""
    copy = to.with_name(to.name + "." + way)
    con.backup(copy) if way == "backup" else con.export_all(copy)
    restore_new(str(copy), str(to), Options(clock))


def texts_of(con: Connection, folder: Path, name: str) -> bytes:
    """Its export."""
    con.export_all(folder / name)
    return (folder / name).read_bytes()
