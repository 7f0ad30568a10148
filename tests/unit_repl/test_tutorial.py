"""The tutorial: what it tells is what the program answers, and it waits for a person."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from epql.repl.lessons import STORIES
from epql.repl.session import Session

Said = Callable[[str], str]
TOLD = Path(__file__).with_name("tutorial.txt")


def _masked(text: str) -> str:
    """Ids of queries are new each time."""
    return re.sub(r"q:[0-9a-f]{12}", "q:············", text)


def test_all_of_it(said: Said) -> None:
    shown = _masked(said(".tutorial"))
    if os.environ.get("EPQL_GOLDEN_REWRITE") == "1":
        TOLD.write_text(shown)
    assert shown == TOLD.read_text()


@pytest.mark.parametrize("number", range(1, len(STORIES) + 1))
def test_a_story_stands_alone(said: Said, number: int) -> None:
    assert _masked(said(f".tutorial {number}")) in TOLD.read_text()


def test_it_waits_and_runs_what_is_typed(session: Session, said: Said) -> None:
    typed = iter(["", "SELECT count(*) AS mine FROM assertions", ";", "SELEC;", "", ".quit"])
    session.ask = lambda prompt: next(typed)
    shown = said(".tutorial 1")
    assert "mine\n────\n   1\n" in shown
    assert "no statement begins with 'SELEC'" in shown
    assert "tx 2" in shown and "tx 3" not in shown
    assert shown.endswith("The tutorial ends here; .tutorial N goes on with story N.\n")
    assert said("SELECT count(*) AS n FROM assertions LIFECYCLE ANY;") == "n\n─\n0\n"


@pytest.mark.parametrize("error", [EOFError, KeyboardInterrupt])
def test_ctrl_d_and_ctrl_c_end_the_tutorial_only(
    session: Session, said: Said, error: type[BaseException]
) -> None:
    def ask(prompt: str) -> str:
        raise error

    session.ask = ask
    assert "The tutorial ends here" in said(".tutorial")
