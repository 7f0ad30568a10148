"""Carrying out what a person types: statements and dot commands, each with its answer.

What it is: the one session of both doors, of scripts (-c, -f, standard input) and of the shell.
What it is not: the reading of lines (loop.py, application.py) or the look of an answer
(epql.output).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from epql.connection import Connection
from epql.cursor import Cursor
from epql.engine.errors import Error
from epql.output.screen import Screen, plural
from epql.repl.interrupt import Interrupts

_DONE = {
    "assert": "written", "supersede": "written", "import": "written",
    "transition": "moved", "promote": "moved", "reject": "moved", "retract": "moved",
    "correct": "corrected", "revive": "revived", "confirm": "confirmed", "vote": "voted on",
}  # fmt: skip
_ROWS = {"insert": "written", "update": "changed", "delete": "deleted"}
"""Statements that count rows: of scratch tables, or of what an INSERT asserts."""

KEPT_ROWS = 10_000
"""How many rows of the last answer dot commands can speak of."""

Params = Sequence[Any] | Mapping[str, Any]


class Stopped(Exception):
    """A script ended before its end; the error has been shown. Holds the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Quit(Exception):
    """The person wants to leave."""


@dataclass
class Last:
    """The last answer: what was asked, its columns, its first KEPT_ROWS rows."""

    statement: str = ""
    columns: tuple[str, ...] = ()
    rows: list[tuple[Any, ...]] = field(default_factory=list)
    query_id: str | None = None


class Session:
    """A connection, the screen its answers go to, and what dot commands have set.

    `ask`: how a person is asked for a line; None where nobody is there to answer. `next_text`:
    what the next line begins with. `path`: what the database is called. `vi`: how lines are edited.
    `nested`: how many scripts read one another.
    """

    def __init__(self, connection: Connection, screen: Screen, path: str = "") -> None:
        self.connection = connection
        self.screen = screen
        self.path = path
        self.timing = False
        self.last = Last()
        self.query = ""
        self.ask: Callable[[str], str] | None = None
        self.next_text = ""
        self.vi = False
        self.nested = 0
        self._interrupts = Interrupts(connection)
        self._told = 0
        self.tell_notices()

    def tell_notices(self) -> None:
        """What opening or recovery had to tell."""
        notices = self.connection.notices
        for text in notices[self._told :]:
            self.screen.note(text)
        self._told = len(notices)

    # ------------------------------------------------------------ whole texts

    def run_text(self, text: str, lines_before: int = 0) -> None:
        """Carry out a dot command, or the statements of a text; errors are placed in the whole.

        Raises: Error, placed; KeyboardInterrupt if Ctrl-C ended a statement; Quit.
        """
        from epql.parse.splitter import pieces

        if is_command(text):
            self.command(text)
            return
        for place in pieces(text):
            try:
                self.execute(text[place.start : place.end])
            except Error as error:
                _place(error, text, place.start, lines_before)
                raise

    def command(self, text: str) -> None:
        """Carry out a dot command. Raises: Error; Quit."""
        from epql.repl.commands import run

        run(self, text)

    # ------------------------------------------------------------ one statement

    def execute(self, statement: str, params: Params = (), *, numbers: bool = False) -> None:
        """Execute one statement and show what it answers. Raises: Error."""
        started = time.perf_counter()
        before = self.connection.runner.committed
        try:
            with (
                self._interrupts.held(),
                self.connection.execute(statement, params) as cursor,
            ):
                if cursor.description is None:
                    self.screen.answer(self._answer(statement, cursor, before))
                else:
                    self._show_rows(statement, cursor, numbers)
                for text in cursor.notices:
                    self.screen.note(text)
        except Error:
            if self._interrupts.arrived:
                raise KeyboardInterrupt from None
            raise
        self.tell_notices()
        if self.timing:
            self.screen.aside(f"time: {_duration(time.perf_counter() - started)}")

    def rows(self, statement: str, params: Params = ()) -> list[tuple[Any, ...]]:
        """The rows of a question of our own, shown by whoever asks. Raises: Error."""
        return self.rows_and_clock(statement, params)[0]

    def rows_and_clock(
        self, statement: str, params: Params = ()
    ) -> tuple[list[tuple[Any, ...]], int]:
        """The rows, and the instant they stand at in microseconds UTC. Raises: Error."""
        try:
            with self._interrupts.held(), self.connection.execute(statement, params) as cursor:
                rows = [] if cursor.description is None else cursor.fetchall()
                return rows, 0 if cursor.basis is None else cursor.basis.clock
        except Error:
            if self._interrupts.arrived:
                raise KeyboardInterrupt from None
            raise

    def _show_rows(self, statement: str, cursor: Cursor, numbers: bool) -> None:
        assert cursor.description is not None
        columns = tuple(column[0] for column in cursor.description)
        last = Last(statement, columns, query_id=cursor.query_id)

        def kept() -> Iterable[tuple[Any, ...]]:
            for row in self._interrupts.watched(cursor):
                if len(last.rows) < KEPT_ROWS:
                    last.rows.append(row)
                yield row

        try:
            self.screen.rows(columns, kept(), numbers=numbers)
        finally:
            self.last = last
            if first_word(statement) in ("select", "with", "values"):
                self.query = statement

    def _answer(self, statement: str, cursor: Cursor, before: int) -> str:
        """What a statement without rows answers, in words."""
        word = first_word(statement)
        tx = self.connection.runner.committed
        if word == "commit":
            return "committed, nothing was written" if tx == before else f"committed, tx {tx}"
        if word in ("begin", "rollback", "set"):
            return {"begin": "begun", "rollback": "rolled back", "set": "set"}[word]
        if word in _ROWS:
            return f"{plural(cursor.rowcount, 'row')} {_ROWS[word]}"
        done = _DONE.get(word)
        text = f"{plural(cursor.rowcount, 'assertion')} {done}" if done else "done"
        if self.connection.in_transaction:
            return text + ", not committed yet"
        return text if tx == before else f"{text}, tx {tx}"


def is_command(text: str) -> bool:
    """Whether a text is a dot command; no statement begins with a dot.

    >>> is_command(" .help assert"), is_command("SELECT .5")
    (True, False)
    """
    return text.lstrip().startswith(".")


def first_word(statement: str) -> str:
    """The word a statement begins with, in lower case; comments before it are none.

    >>> first_word("/* why */ Assert ('a', 'b', 'c')")
    'assert'
    """
    rest = statement.lstrip()
    while rest.startswith(("--", "/*")):
        _, _, rest = rest.partition("\n" if rest.startswith("--") else "*/")
        rest = rest.lstrip()
    word = ""
    for character in rest:
        if not (character.isalnum() or character == "_"):
            break
        word += character
    return word.lower()


def run_script(session: Session, chunks: Iterable[tuple[str, int]]) -> None:
    """Run chunks of whole statements, (text, lines before it), up to the first error or .quit.

    Raises: Stopped, with the error shown.
    """
    try:
        for text, lines_before in chunks:
            session.run_text(text, lines_before)
    except Quit:
        pass
    except Error as error:
        session.screen.complain(error)
        raise Stopped(1) from error
    if session.connection.in_transaction:
        session.screen.note("the transaction that was open is rolled back: there is no COMMIT")


def _place(error: Error, text: str, start: int, lines_before: int) -> None:
    """Let an error point into the script that its statement stands in."""
    if error.span is None or error.text != text[start : start + len(error.text or "")]:
        if error.text is not None and (text[:start].strip() or lines_before):
            line = lines_before + text.count("\n", 0, start) + 1
            error.message += f" (in the statement at line {line})"
        return
    error.span = error.span.shifted(start + lines_before)
    error.text = "\n" * lines_before + text


def _duration(seconds: float) -> str:
    """A time as people read it.

    >>> _duration(0.0123), _duration(75)
    ('12.3 ms', '75.00 s')
    """
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
