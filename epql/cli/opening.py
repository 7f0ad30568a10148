"""`epql PATH`: a line loop on a terminal, a script from -c, -f or standard input otherwise."""

from __future__ import annotations

import argparse
import getpass
import os
import sys
from collections.abc import Iterable, Iterator

from epql.connection import Connection, connect
from epql.engine.errors import OperationalError, ProgrammingError
from epql.engine.opening import MEMORY
from epql.output.render import Style
from epql.output.screen import Screen, is_tty
from epql.repl.loop import chunks_of, interact
from epql.repl.session import Session, Stopped, run_script


def run(arguments: argparse.Namespace) -> int:
    """Open the database and do what is asked; the exit code."""
    screen = Screen(Style(arguments.format, header=not arguments.no_header, null=arguments.null))
    chunks = _chunks(arguments)
    path = arguments.path
    is_new = path != MEMORY and not os.path.exists(path)
    connection = open_database(arguments, read_only=arguments.read_only)
    try:
        if is_new:
            screen.note(f"{path} is a new database")
        session = Session(connection, screen)
        if chunks is None:
            interact(session)
        else:
            run_script(session, chunks)
    except Stopped as stopped:
        return stopped.code
    finally:
        connection.close()
    return 0


def open_database(arguments: argparse.Namespace, *, read_only: bool = False) -> Connection:
    """The database that the arguments name, opened as they say."""
    return connect(
        arguments.path,
        agent=arguments.agent if arguments.agent is not None else login_name(),
        read_only=read_only,
        durability=arguments.durability,
        timeout=arguments.timeout,
        autocommit=True,
    )


def check_path(path: str) -> None:
    """Raise unless a path can name a database on disk."""
    if path == MEMORY or not path or "\0" in path:
        what = "the path of the database is empty" if not path else f"{path!r} is nothing on disk"
        raise ProgrammingError(what, code="database.path", hint="give the path of a folder")


def login_name() -> str:
    """Who is logged in, as the default agent."""
    try:
        return getpass.getuser() or "anonymous"
    except (KeyError, OSError, ImportError):  # a container's user often has no name
        return "anonymous"


def _chunks(arguments: argparse.Namespace) -> Iterable[tuple[str, int]] | None:
    """The script that is asked for; None is the line loop."""
    if arguments.statements:
        return [(";\n".join(arguments.statements), 0)]
    if arguments.file and arguments.file != "-":
        return chunks_of(_lines_of(arguments.file))
    if arguments.file == "-" or arguments.script == "-" or not is_tty(sys.stdin):
        return chunks_of(_standard_input())
    return None


def _lines_of(path: str) -> list[str]:
    """The lines of a script, read before anything is opened or done."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.readlines()
    except OSError as error:
        raise OperationalError(
            f"the script {path} cannot be read: {error.strerror}", code="script.unreadable"
        ) from error
    except UnicodeDecodeError as error:
        raise _not_utf8(path, error) from error


def _standard_input() -> Iterator[str]:
    """Lines as they arrive, so that whoever writes them can read answers in between."""
    reconfigure = getattr(sys.stdin, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8-sig")
    try:
        yield from iter(sys.stdin.readline, "")
    except UnicodeDecodeError as error:
        raise _not_utf8("standard input", error) from error


def _not_utf8(name: str, error: UnicodeDecodeError) -> OperationalError:
    return OperationalError(
        f"{name} is not text in UTF-8 (at byte {error.start})",
        code="script.encoding",
        hint="convert it, for example with iconv -t utf-8",
    )
