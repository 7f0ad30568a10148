"""What the commands share that carry out a statement: opening, standing in time, showing.

They are thin: each makes a statement of its arguments, whose values are parameters, and hands
it to `ask`. What a statement means is the language's to say, not theirs.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

from epql.agent import Said, Target
from epql.cli.arguments import number, parser_of
from epql.cli.opening import check_path, open_database, pointing_out
from epql.cli.screens import screen_of
from epql.connection import Connection
from epql.engine.errors import Error
from epql.engine.folder import check_folder
from epql.engine.opening import MEMORY
from epql.engine.records import Object
from epql.output.render import FOR_PEOPLE
from epql.output.screen import plural
from epql.repl.interrupt import Interrupts
from epql.repl.session import Session

MOVED = "id, subject, predicate, object, lifecycle, tx"
"""What a verb answers for programs."""

_TX = re.compile(r"tx\s*(\d{1,18})", re.IGNORECASE)
_EPOCH = re.compile(r"epoch\s+('?)(.+)\1", re.IGNORECASE)


def ask(arguments: argparse.Namespace, said: Said, *, makes: bool = False) -> int:
    """Carry out one statement and show what it answers; the exit code."""
    with opened(arguments, makes=makes) as session:
        show(session, said)
    return 0


@contextmanager
def opened(
    arguments: argparse.Namespace, *, makes: bool = False, is_audited: bool = True
) -> Iterator[Session]:
    """The database, standing where the arguments say; with `makes` a new one is made.

    `is_audited`: whether what is read is asked in somebody's name; counting rows is not.
    Raises: OperationalError `database.missing`, and what opening raises.
    """
    path = arguments.path
    is_there = True
    if path != MEMORY:
        check_path(path)
        with pointing_out(path):
            is_there = check_folder(Path(path), must_exist=not makes)
    read_only = vars(arguments).get("read_only", False)
    audit = "lazy" if is_audited and not read_only else "off"
    connection = open_database(arguments, read_only=read_only, audit=audit)
    try:
        screen = screen_of(arguments)
        if not is_there:
            screen.note(f"{path} is a new database")
        with untold():
            _stand(connection, arguments)
        yield Session(connection, screen)
    finally:
        connection.close()


def show(session: Session, said: Said) -> None:
    """Carry out a statement of ours, and show what it answers."""
    with untold():
        session.execute(said.text, said.values)


@contextmanager
def untold() -> Iterator[None]:
    """Errors do not point into a text that nobody has written."""
    try:
        yield
    except Error as error:
        error.span = None
        raise


def together(session: Session, done: str, statements: Iterable[tuple[str, Said]]) -> None:
    """Carry out (what it is called, statement) pairs in one transaction: all, or none.

    Each has a RETURNING; its rows are the answer where programs read it.
    """
    connection = session.connection
    rows: list[tuple[Any, ...]] = []
    columns: list[str] = []
    notices: list[str] = []
    interrupts = Interrupts(connection)
    connection.execute("BEGIN")
    for name, said in statements:
        try:
            with (
                untold(),
                interrupts.held(),
                connection.execute(said.text, said.values) as cursor,
            ):
                columns = [column[0] for column in cursor.description or ()]
                rows += cursor.fetchall()
                notices += [f"{name}: {text}" for text in cursor.notices]
            if interrupts.arrived:
                raise KeyboardInterrupt
        except Error as error:
            connection.rollback()
            if interrupts.arrived:
                raise KeyboardInterrupt from None
            error.message = f"{name}: {error.message}; nothing is written"
            raise
    before = connection.runner.committed
    connection.commit()
    if session.screen.style.format in FOR_PEOPLE:
        tx = connection.runner.committed
        session.screen.answer(
            f"{plural(len(rows), 'assertion')} {done}" + (f", tx {tx}" if tx != before else "")
        )
    else:
        session.screen.rows(columns, rows)
    for text in notices:
        session.screen.note(text)
    session.tell_notices()


def returning(arguments: argparse.Namespace, said: Said) -> Said:
    """A verb that answers with rows where programs read it, and dry if that is asked."""
    if arguments.format not in FOR_PEOPLE:
        said.add(f"RETURNING {MOVED}")
    return said.add("DRY RUN") if arguments.dry_run else said


def columns(arguments: argparse.Namespace, few: str, every: str = "*") -> str:
    """A table shows the columns that tell most; the other formats have all."""
    return few if arguments.format == "table" else every


def target_of(arguments: argparse.Namespace) -> Target:
    """The assertion that is meant."""
    words = arguments.target
    match len(words):
        case 1:
            return str(words[0])
        case 2:
            return str(words[0]), str(words[1])
        case 3:
            return words[0], words[1], object_of(arguments, words[2])
        case _:
            misuse(arguments, "a target has three words at most: SUBJECT PREDICATE OBJECT")


def words_of(target: Target) -> tuple[Object, ...]:
    """A target as the arguments of a table function."""
    return target if isinstance(target, tuple) else (target,)


def object_of(arguments: argparse.Namespace, text: str) -> Object:
    """The object that a word stands for: text, or a number with --number."""
    if not arguments.number:
        return text
    try:
        return number(text)
    except argparse.ArgumentTypeError as error:
        misuse(arguments, str(error))


def quoted(name: str) -> str:
    """A name as a statement takes it.

    >>> quoted("my view")
    '"my view"'
    """
    return '"' + name.replace('"', '""') + '"'


def add_instant(said: Said, words: str, instant: str | None) -> Said:
    """Append a clause with an instant as the shell writes it: also `TX 42` and `EPOCH name`."""
    if instant is None:
        return said
    if found := _TX.fullmatch(instant):
        return said.add(f"{words} ?", int(found[1]))
    if found := _EPOCH.fullmatch(instant):
        return said.add(f"{words} EPOCH ?", found[2])
    return said.add(f"{words} ?", instant)


def misuse(arguments: argparse.Namespace, message: str) -> NoReturn:
    """End as argparse does, for what it cannot see."""
    parser_of(arguments.command).error(message)


def _stand(connection: Connection, arguments: argparse.Namespace) -> None:
    """The session stands where --as-of and the like put it; clauses of a statement win."""
    asked = vars(arguments)
    settings = [
        add_instant(Said("SET"), "AS OF", asked.get("as_of")),
        add_instant(Said("SET"), "VALID AT", asked.get("valid_at")),
        Said("SET").add("PURPOSE ?", asked.get("purpose")),
    ]
    if states := asked.get("lifecycle"):
        names = [name.strip() for name in states.split(",")]
        marks = ", ".join("?" * len(names))
        settings.append(
            Said(f"SET LIFECYCLE {'?' if len(names) == 1 else f'IN ({marks})'}", *names)
        )
    for said in settings:
        if said.text != "SET":
            connection.execute(said.text, said.values)
