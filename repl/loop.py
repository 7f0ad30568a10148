"""Reading statements from lines: scripts, and the plain loop of terminals that can do no more.

What it is not: the shell with editing and completion (application.py). A statement ends with a
semicolon at the end of a line; a line that begins with a dot is a command by itself.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from epql.engine.errors import Error, OperationalError
from epql.output.screen import is_tty
from epql.repl.session import Quit, Session, is_command
from epql.repl.status import status_of

MORE = "  ...> "

_SAID = {
    "exit": ".quit", "quit": ".quit", "\\q": ".quit", "help": ".help", "?": ".help", "\\?": ".help",
}  # fmt: skip
"""What people type who come from other shells; no statement begins like that."""


def chunks_of(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Whole statements as they arrive, with the number of lines before them.

    >>> list(chunks_of(["SELECT 1;\\n", "SELECT\\n", "2;\\n", "SELECT 3"]))
    [('SELECT 1;\\n', 0), ('SELECT\\n2;\\n', 1), ('SELECT 3', 3)]
    >>> list(chunks_of([".mode csv\\n", "SELECT 1"]))
    [('.mode csv\\n', 0), ('SELECT 1', 1)]
    """
    from epql.parse.splitter import is_complete

    pending: list[str] = []
    start = 0
    for number, line in enumerate(lines):
        if is_command(line) and _is_between("".join(pending)):
            yield line, number
            pending, start = [], number + 1
            continue
        pending.append(line)
        if ";" in line and is_complete(text := "".join(pending)):
            yield text, start
            pending, start = [], number + 1
    if pending:
        yield "".join(pending), start


def _is_between(text: str) -> bool:
    """Whether what stands before a line is blank or comments, all of them closed."""
    from epql.parse.splitter import pieces

    found = pieces(text + "x")
    return len(found) == 1 and found[0].start == len(text)


def lines_of(path: str) -> list[str]:
    """The lines of a script, read before anything is done. Raises: OperationalError."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            return file.readlines()
    except OSError as error:
        raise OperationalError(
            f"the script {path} cannot be read: {error.strerror}", code="script.unreadable"
        ) from error
    except UnicodeDecodeError as error:
        raise not_utf8(path, error) from error


def not_utf8(name: str, error: UnicodeDecodeError) -> OperationalError:
    """The error about a script in some other encoding."""
    return OperationalError(
        f"{name} is not text in UTF-8 (at byte {error.start})",
        code="script.encoding",
        hint="convert it, for example with iconv -t utf-8",
    )


# ---------------------------------------------------------------- the plain loop


def interact(session: Session) -> None:
    """Read and run, line by line, until Ctrl-D or .quit."""
    read = _reader()
    session.ask = read
    converse(session, lambda: _read_statement(read, session))


def converse(session: Session, read: Callable[[], str]) -> None:
    """Run what is read until EOFError or .quit; Ctrl-C abandons what is typed or runs."""
    session.screen.say(session.screen.dim("EPQL: .help for help, Ctrl-D to end"))
    while True:
        try:
            for text, lines_before in chunks_of(meant(read()).splitlines(keepends=True)):
                session.run_text(text, lines_before)
        except (EOFError, Quit):
            break
        except KeyboardInterrupt:
            session.screen.interrupted()
        except Error as error:
            session.screen.complain(error)
    if session.connection.in_transaction:
        session.screen.note("the transaction that was open is rolled back")


def _read_statement(read: Callable[[str], str], session: Session) -> str:
    """A text that ends with a statement. Raises: EOFError at the end of input."""
    text = ""
    while True:
        try:
            line = read(MORE if text else status_of(session).prompt)
        except EOFError:
            session.screen.say()
            raise
        except KeyboardInterrupt:
            session.screen.say()
            text = ""
            continue
        text = f"{text}\n{line}" if text else line
        if not text.strip():
            text = ""
        elif is_whole(text):
            return text


def is_whole(text: str) -> bool:
    """Whether what is typed can be carried out: whole statements, or a dot command.

    >>> is_whole("SELECT 1"), is_whole("SELECT 1;"), is_whole(".help")
    (False, True, True)
    """
    from epql.parse.splitter import is_complete

    text = meant(text)
    return (is_command(text) and "\n" not in text.strip()) or is_complete(text)


def _reader() -> Callable[[str], str]:
    """How a line is read: with editing where both ends are a terminal."""
    if is_tty(sys.stdin) and is_tty(sys.stdout):
        with suppress(ImportError):
            import readline  # noqa: F401  input() then edits lines
        return input
    return _read_plainly


def _read_plainly(prompt: str) -> str:
    sys.stderr.write(prompt)
    sys.stderr.flush()
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.rstrip("\n")


def meant(text: str) -> str:
    """The dot command that is meant by a word of other shells; else the text itself.

    >>> meant("exit"), meant("HELP assert;"), meant("SELECT 1")
    ('.quit', '.help assert', 'SELECT 1')
    """
    word, _, rest = text.strip().rstrip("; ").partition(" ")
    command = _SAID.get(word.lower())
    if command is None or "\n" in rest or (rest and command != ".help"):
        return text
    return f"{command} {rest}".rstrip()
