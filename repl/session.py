"""Carrying out statements for a person: each one's answer, notices below it, errors in place.

What it is: scripts (-c, -f, standard input) and what the line loop does with a whole statement.
What it is not: the reading of lines (loop.py) or the look of an answer (epql.output).
"""

from __future__ import annotations

from collections.abc import Iterable

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


class Stopped(Exception):
    """A script ended before its end; the error has been shown. Holds the exit code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Session:
    """A connection and the screen its answers go to."""

    def __init__(self, connection: Connection, screen: Screen) -> None:
        self.connection = connection
        self.screen = screen
        self._interrupts = Interrupts(connection)
        self._told = 0
        self.tell_notices()

    def tell_notices(self) -> None:
        """What opening or recovery had to tell."""
        notices = self.connection.notices
        for text in notices[self._told :]:
            self.screen.note(text)
        self._told = len(notices)

    def run_text(self, text: str, lines_before: int = 0) -> None:
        """Execute the statements of a text; errors are placed in the whole of it.

        Raises: Error, placed; KeyboardInterrupt if Ctrl-C ended a statement.
        """
        from epql.parse.splitter import pieces

        for place in pieces(text):
            try:
                self.execute(text[place.start : place.end])
            except Error as error:
                _place(error, text, place.start, lines_before)
                raise

    def execute(self, statement: str) -> None:
        """Execute one statement and show what it answers. Raises: Error."""
        before = self.connection.runner.committed
        try:
            with self._interrupts.held(), self.connection.execute(statement) as cursor:
                if cursor.description is None:
                    self.screen.answer(self._answer(statement, cursor, before))
                else:
                    self.screen.rows(
                        [column[0] for column in cursor.description],
                        self._interrupts.watched(cursor),
                    )
                for text in cursor.notices:
                    self.screen.note(text)
        except Error:
            if self._interrupts.arrived:
                raise KeyboardInterrupt from None
            raise
        self.tell_notices()

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
    """Run chunks of whole statements, (text, lines before it), up to the first error.

    Raises: Stopped, with the error shown.
    """
    for text, lines_before in chunks:
        try:
            session.run_text(text, lines_before)
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
