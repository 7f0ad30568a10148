"""The shell on a real terminal: what a person sees, at several widths, and what must not happen."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

import epql
from epql.output.cells import width
from tests.clock import TestClock
from tests.unit_repl.terminal import Terminal

Start = Callable[..., Terminal]

ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT {} FROM n;"
TAB, ENTER, CTRL_C, CTRL_D, CTRL_R, UP, RIGHT = (
    "\t", "\r", "\x03", "\x04", "\x12", "\x1b[A", "\x1b[C",
)  # fmt: skip


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with a story, made once; tests copy it."""
    path = tmp_path_factory.mktemp("shelf") / "kb.epql"
    clock = TestClock("2026-01-05T10:00:00Z")
    with epql.connect(path, agent="architect", clock=clock, autocommit=True) as kb:
        kb.execute("ASSERT ('auth/jwt', 'algorithm', 'RS256') LIFECYCLE APPROVED CONFIDENCE 0.92")
        clock.set("2026-01-12T14:30:00Z")
        kb.execute("ASSERT ('auth/jwt', 'algorithm', 'ES256') AGENT 'research-agent'")
        kb.execute("ASSERT ('text/wide', 'is', '知識表現'), ('text/wide', 'family', '🙂🙃'),"
                   " ('text/wide', 'combined', 'e\u0301a')")  # fmt: skip
        clock.set("2026-01-12T22:10:00Z")
        kb.execute("CORRECT ('auth/jwt', 'algorithm', 'ES256') REASON 'RS256 only'")
        kb.close()
    return path


@pytest.fixture
def base(shelf: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(shelf, tmp_path / "kb.epql"))


@pytest.fixture
def shell(start: Start, base: Path) -> Callable[..., Terminal]:
    """A shell at its first prompt."""

    def run(*argv: str, **more: object) -> Terminal:
        terminal = start(base, "--agent", "ann", *argv, **more)
        terminal.wait_prompt()
        return terminal

    return run


# ---------------------------------------------------------------- what is seen


@pytest.mark.parametrize(
    "columns", [60, *(pytest.param(columns, marks=pytest.mark.slow) for columns in (100, 200))]
)
def test_answers_notices_toolbar_and_prompt(shell: Callable[..., Terminal], columns: int) -> None:
    """A walk through what is shown, at a width: nothing is wider than the screen, or wraps."""
    at = shell(columns=columns, lines=40)
    assert "agent ann" in at.wait("tx 5")
    shown = at.run("SELECT object,\rsubject FROM beliefs WHERE topic = 'text' ORDER BY object;")
    assert " ...> subject FROM" in shown  # it goes on below the prompt
    rows = [line for line in shown.split("\n") if line.endswith("text/wide")]
    # pyte holds a wide character in two cells, the second one empty
    assert len(rows) == 3 and {width(line.split("text/")[0]) for line in rows} == {10}
    assert "3 rows" in shown
    shown = at.run("SELECT change, before_object, after_object, agent FROM beliefs"
                   " DIFF SINCE '2026-01-10' UNTIL '2026-01-12 20:00';")  # fmt: skip
    assert at.colors_of("CHANGED   " if columns < 100 else "CHANGED") <= {"brown", "default"}
    assert "note: SINCE '2026-01-10' is 2026-01-10T00:00:00Z, TX 1" in shown
    shown = at.run(".timeline auth/jwt algorithm")
    assert "█ approved  ▒ proposed  × incorrect" in shown and "├──" in shown
    assert at.colors_of("████") == {"green"}
    at.run("SET AS OF '2026-01-12 21:00';", "epql [2026-01-12 21:00]>")
    at.wait("as of 2026-01-12 21:00")
    at.run("BEGIN;", "epql* [2026-01-12 21:00]>")
    at.wait("transaction open")
    at.type(CTRL_D)
    assert at.end() == 0


def test_completion_highlighting_mistakes_and_suggestions(
    shell: Callable[..., Terminal],
) -> None:
    at = shell()
    at.type("SELECT obj")
    at.wait("the value: text or a number")
    assert at.colors_of("SELECT") == {"cyan"}
    at.type(TAB)
    at.wait_until(lambda: at.lines[1] == "epql> SELECT object", "completion")
    at.type(ENTER)  # takes it, and does not go on to the next line
    at.wait_until(lambda: at.lines[1] == "epql> SELECT object")
    at.type(" FROM beliefs WHERE subject = 'auth")
    at.wait("auth/jwt")  # a subject of this database
    at.type(TAB, ENTER)
    at.wait("'auth/jwt'")
    at.type(" AS FO")
    at.wait_until(lambda: at.colors_of("AS FO") >= {"red"}, "mistake")
    at.type(CTRL_C)
    at.wait_prompt()
    at.run("SELECT 12345 AS n;")
    at.type("SELECT 1")
    at.wait_until(lambda: at.text.count("SELECT 12345 AS n;") == 2, "suggestion")
    at.type(RIGHT, ENTER)
    at.wait_until(lambda: at.text.count("1 row") == 2, "its answer")
    at.type(".mo")
    at.wait("how answers are written")
    at.type(TAB, " ma", TAB, " " + ENTER)
    at.wait_prompt()
    assert "|   7 |" in at.run("SELECT 7 AS x;")


@pytest.mark.slow
def test_nothing_is_coloured_with_no_color(shell: Callable[..., Terminal]) -> None:
    at = shell(NO_COLOR="1")
    at.run("SELECT object, NULL AS x FROM beliefs DIFF SINCE '2026-01-10';")
    at.type("SELECT 'x'")
    at.wait("SELECT 'x'")
    colors = {
        number for codes in re.findall(rb"\x1b\[([\d;]*)m", at.raw) for number in codes.split(b";")
    }
    assert colors <= {b"", b"0", b"1", b"4", b"7"}  # bold, underline, reverse


@pytest.mark.slow
def test_paging(shell: Callable[..., Terminal]) -> None:
    at = shell(lines=20)
    many = ENDLESS.replace("FROM n) SELECT {}", "FROM n LIMIT {}) SELECT i")
    assert "12 rows" in at.run(many.format(12))  # fits: no pager
    at.type(many.format(5000) + ENTER)
    at.wait_until(lambda: at.lines[-1] == ":", "pager")
    at.type("G")
    at.wait("5000")
    at.type("q")
    at.wait("5,000 rows")
    at.wait_prompt()
    at.run(".pager 'cat -n'")
    assert re.search(r"5002\s+5000", at.run(many.format(5000)))
    at.run(".pager no-such-program --x")
    assert "5,000 rows" in at.run(many.format(5000))
    assert "pager: off" in at.run(".pager off")


# ---------------------------------------------------------------- what goes wrong


def test_ctrl_c_and_a_resize_while_a_query_runs(shell: Callable[..., Terminal]) -> None:
    at = shell()
    at.run("BEGIN;", "epql*>")
    at.run("ASSERT ('a', 'b', 'c');", "epql*>")
    at.begin(ENDLESS.format("count(*)"))
    at.resize(60, 30)
    at.interrupt()
    at.wait_prompt("epql*>")  # the transaction is still open, with what it wrote
    at.wait("transaction open")
    at.run("COMMIT;")
    # deep in a virtual table, in Python, all the time
    joined = "beliefs.object) FROM n JOIN beliefs ON beliefs.subject = 's/' || n.i"
    at.begin(ENDLESS.format(f"count({joined}").replace(" FROM n;", ";"))
    at.interrupt()
    at.wait_prompt()
    assert "1 row" in at.run("SELECT object FROM beliefs WHERE subject = 'a';")


@pytest.mark.slow
def test_ctrl_c_in_the_pager_ends_the_query(shell: Callable[..., Terminal]) -> None:
    at = shell()
    at.type(ENDLESS.format("i") + ENTER)
    at.wait_until(lambda: at.lines[-1] == ":", "pager")
    at.type(CTRL_C)
    at.wait_until(lambda: "interrupted" in at.type("q").text, "end of the pager")
    at.type(CTRL_C)  # a q may have been one too many
    at.wait_prompt()


@pytest.mark.slow
def test_ctrl_c_while_writing_undoes_the_statement(
    shell: Callable[..., Terminal], base: Path
) -> None:
    at = shell()
    at.begin(
        "ASSERT SELECT 's/' || i AS subject, 'p' AS predicate, i AS object FROM ("
        + ENDLESS.format("i").replace(";", ");")
    )
    at.interrupt()
    at.wait_prompt()
    assert "0" in at.run("SELECT count(*) AS n FROM assertions WHERE subject GLOB 's/*';")
    assert "tx 6" in at.run("ASSERT ('still', 'writes', 'here');")
    at.type(CTRL_D)
    assert at.end() == 0
    with epql.connect(base) as kb:
        assert kb.execute("SELECT max(tx) FROM commits").fetchall() == [(6,)]


@pytest.mark.slow
def test_two_sessions_share_the_database_and_the_history(
    shell: Callable[..., Terminal], start: Start, base: Path, tmp_path: Path
) -> None:
    one, two = shell(), shell()
    one.run("ASSERT ('said', 'by', 'one');")
    assert "one" in two.run("SELECT object FROM beliefs WHERE subject = 'said';")
    two.wait("tx 6")
    two.run("BEGIN;", "epql*>")
    two.run("ASSERT ('said', 'by', 'two');", "epql*>")
    assert "lock.timeout" in one.run("ASSERT ('said', 'by', 'three');") or "locked" in one.text
    two.run("COMMIT;")
    assert "two" in one.run("SELECT object FROM beliefs WHERE subject = 'said';")
    one.type(CTRL_D)
    two.type(CTRL_D)
    assert one.end() == two.end() == 0
    kept = tmp_path / "home/.local/share/epql/history"
    assert kept.stat().st_mode & 0o777 == 0o600
    three = shell()
    three.type("ASSERT", UP)
    three.wait("'three'")
    three.type(CTRL_C)
    three.wait_prompt()
    three.type(CTRL_R, "by', 'two")
    three.wait("ASSERT ('said', 'by', 'two');")


@pytest.mark.slow
def test_a_database_that_is_deleted_underneath(shell: Callable[..., Terminal], base: Path) -> None:
    at = shell()
    at.run("SELECT 1;")
    shutil.rmtree(base)
    at.run("SELECT object FROM beliefs;")
    assert "Traceback" not in at.run("ASSERT ('a', 'b', 'c');")
    assert "Error" in at.text
    assert "defect" not in at.run(".timeline auth/jwt")
    at.type(CTRL_D)
    at.end()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "runs"), [(signal.SIGTERM, False), (signal.SIGTERM, True), (signal.SIGHUP, True)]
)
def test_killed_it_restores_the_terminal_and_closes_the_database(
    shell: Callable[..., Terminal], base: Path, number: int, runs: bool
) -> None:
    at = shell()
    at.run("BEGIN;", "epql*>")
    at.run("ASSERT ('a', 'b', 'c');", "epql*>")
    if runs:
        at.begin(ENDLESS.format("count(*)"))
    at.kill(number)
    assert at.end() == 128 + number
    with epql.connect(base, timeout=0) as kb:  # the lock is free, nothing was written
        assert kb.execute("SELECT count(*) FROM assertions WHERE subject = 'a'").fetchall() == [
            (0,)
        ]


def test_hostile_text_reaches_no_terminal(start: Start, tmp_path: Path) -> None:
    hostile = "x\x1b]0;owned\x07\x1b[2J\x9b31m\u202eevil"
    path = tmp_path / "kb\x1b]0;owned\x07.epql"
    with epql.connect(path, agent=hostile, autocommit=True) as kb:
        kb.execute("ASSERT (?, ?, ?)", (hostile, hostile, hostile))
        kb.execute("MARK EPOCH ?", (hostile,))
        kb.close()
    at = start(path, "--agent", hostile)
    at.wait_prompt()
    at.run("SELECT * FROM beliefs;")
    at.run(".mode csv")
    at.run("SELECT subject FROM beliefs;")
    at.type("SELECT 1 FROM beliefs WHERE subject = 'x")
    at.wait("x\\x1b]0;owned")
    at.type(TAB, CTRL_C)
    at.wait_prompt()
    at.run('.timeline "$(printf x)"')
    at.type("SET AS OF EPOCH 'x")
    at.wait("x\\x1b]0;owned")
    assert b"\x1b]0;owned" not in at.raw
    assert "\u202e".encode() not in at.raw and b"\x9b31m" not in at.raw


# ---------------------------------------------------------------- starting


@pytest.mark.slow
def test_config_and_its_mistakes(start: Start, base: Path, tmp_path: Path) -> None:
    folder = tmp_path / "home/.config/epql"
    folder.mkdir(parents=True)
    config = folder / "config.toml"
    config.write_text("mode = 'markdown'\nstartup = [\"SET AGENT 'zoe'\"]\n")
    at = start(base)
    at.wait("agent zoe")
    assert "| x   |" in at.run("SELECT 'a' AS x;")
    at.type(CTRL_D)
    assert at.end() == 0
    config.write_text("mode = 'table'\ntimings = true\n")
    wrong = start(base)
    assert wrong.end() == 1
    plain = start(base, "--no-config")
    plain.wait_prompt()
    plain.type(CTRL_D)
    assert plain.end() == 0
    script = start(base, "-c", "SELECT 'a' AS x")  # scripts do not read it
    assert script.end() == 0


@pytest.mark.slow
def test_tutorial_help_and_editor(shell: Callable[..., Terminal], tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text('#!/bin/sh\nprintf "SELECT \'edited\' AS x;" > "$1"\n')
    editor.chmod(0o755)
    at = shell(columns=60, lines=50, EDITOR=str(editor))
    at.type(".tutorial 2" + ENTER)
    at.wait("LIFECYCLE chooses which assertions may compete.", "Enter runs it>")
    at.type(ENTER)
    at.wait("RS256, the decision.")
    at.type("SELECT 'mine' AS x;" + ENTER)
    at.wait("mine\n1 row")
    at.type(CTRL_D)
    at.wait("The tutorial ends here")
    at.wait_prompt()
    at.type(".help promote" + ENTER)
    at.wait("PROMOTE|REJECT target")
    at.wait_prompt()
    at.type(".edit" + ENTER)
    at.wait("epql> SELECT 'edited' AS x;")
    at.type(ENTER)
    at.wait("edited\n1 row")
