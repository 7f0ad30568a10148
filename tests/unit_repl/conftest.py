"""Sessions without a terminal, and shells on one, for the tests of the shell."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import epql
from epql.output.render import Style
from epql.output.screen import Screen
from epql.repl.loop import chunks_of
from epql.repl.session import Session
from tests.clock import TestClock
from tests.unit_repl.terminal import Terminal

Said = Callable[[str], str]


@pytest.fixture
def clock() -> TestClock:
    return TestClock("2026-01-05T10:00:00Z")


@pytest.fixture
def session(clock: TestClock) -> Iterator[Session]:
    """A session in memory as a script has it: no terminal, nobody to ask."""
    connection = epql.connect(":memory:", agent="ann", clock=clock, autocommit=True)
    screen = Screen(Style())
    screen.out = screen.err = io.StringIO()
    yield Session(connection, screen, "kb.epql")
    connection.close()


@pytest.fixture
def said(session: Session) -> Said:
    """Runs a text in the session; what it shows, answers, notes and errors."""

    def run(text: str) -> str:
        shown = session.screen.out = session.screen.err = io.StringIO()
        try:
            for chunk, lines_before in chunks_of(text.splitlines(keepends=True)):
                session.run_text(chunk, lines_before)
        except epql.Error as error:
            session.screen.complain(error)
        return shown.getvalue()

    return run


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Starts `epql …` on a terminal of its own; home is a new folder."""
    started: list[Terminal] = []

    def run(*argv: object, columns: int = 100, lines: int = 30, **environment: str) -> Terminal:
        home = {"HOME": str(tmp_path / "home"), "XDG_CONFIG_HOME": "", "XDG_DATA_HOME": ""}
        started.append(Terminal(list(map(str, argv)), columns, lines, {**home, **environment}))
        return started[-1]

    yield run
    for one in started:
        one.close()
