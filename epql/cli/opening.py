"""`epql PATH`: the shell on a terminal, a script from -c, -f or standard input otherwise."""

from __future__ import annotations

import argparse
import getpass
import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING

from epql.cli.screens import screen_of
from epql.connection import Connection, connect
from epql.engine.errors import OperationalError, ProgrammingError
from epql.engine.opening import MEMORY
from epql.output.screen import is_tty
from epql.repl.loop import chunks_of, interact, lines_of, not_utf8
from epql.repl.session import Session, Stopped, run_script

if TYPE_CHECKING:
    from epql.repl.config import Config


def run(arguments: argparse.Namespace) -> int:
    """Open the database and do what is asked; the exit code."""
    chunks = _chunks(arguments)
    screen = screen_of(arguments, is_script=chunks is not None)
    config = _config(arguments) if chunks is None else None  # what is wrong in it is told first
    path = arguments.path
    is_new = path != MEMORY and not os.path.exists(path)
    connection = open_database(arguments, read_only=arguments.read_only)
    try:
        if is_new:
            screen.note(f"{path} is a new database")
        session = Session(connection, screen, path)
        if chunks is not None:
            run_script(session, chunks)
        elif config is None:
            interact(session)
        else:
            from epql.repl import application

            application.interact(session, config)
    except Stopped as stopped:
        return stopped.code
    finally:
        connection.close()
    return 0


def open_database(
    arguments: argparse.Namespace, *, read_only: bool = False, audit: str = "lazy"
) -> Connection:
    """The database that the arguments name, opened as they say."""
    with pointing_out(arguments.path):
        return connect(
            arguments.path,
            agent=speaker(arguments.agent),
            read_only=read_only,
            durability=vars(arguments).get("durability", "full"),
            timeout=arguments.timeout,
            autocommit=True,
            audit=audit,
        )


def check_path(path: str) -> None:
    """Raise unless a path can name a database on disk."""
    if path == MEMORY or not path or "\0" in path:
        what = "the path of the database is empty" if not path else f"{path!r} is nothing on disk"
        raise ProgrammingError(what, code="database.path", hint="give the path of a folder")


@contextmanager
def pointing_out(path: str) -> Iterator[None]:
    """Errors of opening are told with what a shell would type."""
    try:
        yield
    except OperationalError as error:
        if error.code == "database.missing":
            error.hint = f"epql {shlex.quote(path)} makes one"
        elif error.code == "files.permission":
            error.hint = "--read-only reads it"
        raise


def speaker(agent: str | None) -> str:
    """Who speaks: as --agent says, else the environment, else who is logged in."""
    if agent is not None:
        return agent
    if os.environ.get("EPQL_AGENT"):
        return os.environ["EPQL_AGENT"]
    try:
        return getpass.getuser() or "anonymous"
    except (KeyError, OSError, ImportError):  # a container's user often has no name
        return "anonymous"


def _chunks(arguments: argparse.Namespace) -> Iterable[tuple[str, int]] | None:
    """The script that is asked for; None is the shell."""
    if arguments.statements:
        return chain.from_iterable(
            chunks_of(text.splitlines(keepends=True)) for text in arguments.statements
        )
    if arguments.file and arguments.file != "-":
        return chunks_of(lines_of(arguments.file))
    if arguments.file == "-" or arguments.script == "-" or not is_tty(sys.stdin):
        return chunks_of(standard_input())
    return None


def _config(arguments: argparse.Namespace) -> Config | None:
    """What the shell's config file says; None for terminals that the shell cannot use."""
    from epql.repl.config import Config, config_path, load

    if not (is_tty(sys.stdin) and is_tty(sys.stdout)) or os.environ.get("TERM", "dumb") == "dumb":
        return None
    return Config() if arguments.no_config else load(config_path())


def standard_input() -> Iterator[str]:
    """Lines as they arrive, so that whoever writes them can read answers in between."""
    reconfigure = getattr(sys.stdin, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(encoding="utf-8-sig")
    try:
        yield from iter(sys.stdin.readline, "")
    except UnicodeDecodeError as error:
        raise not_utf8("standard input", error) from error
