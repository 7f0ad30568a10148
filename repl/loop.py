"""Reading statements from lines: the plain line loop of a terminal, and scripts from a pipe.

What it is not: the full-screen shell (epql.repl). A statement ends with a semicolon at the end
of a line; until then the loop asks for more.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress

from epql.engine.errors import Error
from epql.output.screen import is_tty
from epql.repl.session import Session

PROMPT = "epql> "
MORE = "  ...> "

HELP = """\
A statement ends with a semicolon and may span lines.
Ctrl-C abandons it, Ctrl-D ends.

  -- what is believed now; then; what has changed since
  SELECT * FROM beliefs;
  SELECT * FROM beliefs AS OF '2024-01-01';
  SELECT * FROM beliefs DIFF SINCE '-24h';

  ASSERT ('auth/jwt', 'algorithm', 'RS256');
  PROMOTE ('auth/jwt', 'algorithm');
  SUPERSEDE ('auth/jwt', 'algorithm') WITH 'EdDSA';
  RETRACT ('auth/jwt', 'algorithm');

Relations: beliefs, assertions, history, changes, commits,
           transitions, journal, epochs, predicates, agents

  .help   this text
  .quit   end"""


def chunks_of(lines: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Whole statements as they arrive, with the number of lines before them.

    >>> list(chunks_of(["SELECT 1;\\n", "SELECT\\n", "2;\\n", "SELECT 3"]))
    [('SELECT 1;\\n', 0), ('SELECT\\n2;\\n', 1), ('SELECT 3', 3)]
    """
    from epql.parse.splitter import is_complete

    pending: list[str] = []
    start = 0
    for number, line in enumerate(lines):
        pending.append(line)
        if ";" in line and is_complete(text := "".join(pending)):
            yield text, start
            pending, start = [], number + 1
    if pending:
        yield "".join(pending), start


def interact(session: Session) -> None:
    """The line loop, until Ctrl-D or .quit."""
    read = _reader()
    session.screen.say(session.screen.dim("EPQL: .help for help, Ctrl-D to end"))
    while True:
        try:
            text = _read_statement(read, session)
        except KeyboardInterrupt:
            session.screen.say()
            continue
        if text is None:
            break
        _run(session, text)
    if session.connection.in_transaction:
        session.screen.note("the transaction that was open is rolled back")


def _run(session: Session, text: str) -> None:
    try:
        session.run_text(text)
    except Error as error:
        session.screen.complain(error)
    except KeyboardInterrupt:
        session.screen.note("interrupted")


def _read_statement(read: Callable[[str], str], session: Session) -> str | None:
    """A text that ends with a statement; None at the end of input."""
    from epql.parse.splitter import is_complete

    text = ""
    while True:
        try:
            line = read(MORE if text else PROMPT)
        except EOFError:
            session.screen.say()
            return None
        if not text and line.strip().startswith("."):
            if line.strip() in (".quit", ".exit"):
                return None
            _dot(line.strip(), session)
            continue
        text = f"{text}\n{line}" if text else line
        if not text.strip():
            text = ""
        elif is_complete(text):
            return text


def _dot(command: str, session: Session) -> None:
    if command == ".help":
        session.screen.say(HELP)
    else:
        session.screen.error(f"there is no command {command}: .help and .quit are all there are")


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
