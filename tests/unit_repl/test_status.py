"""What prompt and toolbar say about where the session stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from epql.output.cells import width
from epql.repl.session import Session
from epql.repl.status import Status, status_of
from tests.clock import TestClock

Said = Callable[[str], str]


def test_the_prompt_follows_the_session(session: Session, said: Said, clock: TestClock) -> None:
    said("ASSERT ('a', 'b', 'c');")
    clock.move(days=30)

    def prompt(text: str) -> str:
        said(text)
        return status_of(session).prompt

    assert prompt("") == "epql> "
    assert prompt("SET AS OF '2026-01-12 21:00';") == "epql [2026-01-12 21:00]> "
    assert prompt("SET AS OF '2026-01-12 21:00:07';") == "epql [2026-01-12 21:00:07]> "
    assert prompt("SET AS OF TX 1;") == "epql [TX 1]> "
    assert prompt("BEGIN;") == "epql* [TX 1]> "
    assert prompt("ROLLBACK; SET AS OF NOW;") == "epql> "
    assert prompt("BEGIN;") == "epql*> "
    assert prompt("ROLLBACK; BEGIN READ ONLY AS OF '2026-01-12';") == "epql* [2026-01-12 00:00]> "


def test_the_toolbar(session: Session, said: Said) -> None:
    said("SET LIFECYCLE APPROVED; SET AGENT 'bob'; BEGIN;")
    assert status_of(session).toolbar(100) == [
        ("", "kb.epql"), ("agent ", "bob"), ("tx ", "0"),
        ("lifecycle ", "approved"), ("transaction ", "open"),
    ]  # fmt: skip


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 200])
def test_the_toolbar_fits_and_keeps_what_must_not_be_overlooked(columns: int) -> None:
    status = Status("/a/very/long/path/to/kb.epql", "agent", "123456", "TX 5", "approved", "open")
    parts = status.toolbar(columns)
    assert ("as of ", "TX 5") in parts and ("transaction ", "open") in parts
    if columns >= 60:
        assert sum(width(a) + width(b) + 2 for a, b in parts) <= columns


def test_what_steers_terminals_is_shown_as_text(session: Session, said: Said) -> None:
    session.path = "kb\x1b[2J.epql"
    said("SET AGENT 'x\x1b]0;owned\x07'; MARK EPOCH 'e\x1b[2J'; SET AS OF EPOCH 'e\x1b[2J';")
    status = status_of(session)
    shown = status.prompt + "".join(value for _, value in status.toolbar(200))
    assert "\\x1b" in shown and "\x1b" not in shown and "\x07" not in shown
