"""Dot commands without a terminal, as scripts have them: what each shows, and its errors."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from epql.repl.commands import COMMANDS
from epql.repl.session import Quit, Session
from tests.clock import TestClock

Said = Callable[[str], str]


@pytest.fixture
def story(said: Said, clock: TestClock) -> Said:
    """Two assertions that compete, a week apart."""
    said("ASSERT ('auth/jwt', 'algorithm', 'RS256') LIFECYCLE APPROVED CONFIDENCE 0.9;")
    clock.set("2026-01-12T14:30:00Z")
    said("ASSERT ('auth/jwt', 'algorithm', 'ES256') AGENT 'bob';")
    clock.set("2026-01-13T10:00:00Z")
    return said


# ---------------------------------------------------------------- display


def test_modes(said: Said) -> None:
    ask = "SELECT 1 AS n, 'a|b' AS text, NULL AS nothing;"
    assert said(f".mode csv\n{ask}") == "n,text,nothing\r\n1,a|b,\r\n"
    assert said(f".mode tsv\n{ask}") == "n\ttext\tnothing\n1\ta|b\t\n"
    assert said(f".mode json\n{ask}") == '[\n {"n": 1, "text": "a|b", "nothing": null}\n]\n'
    assert said(f".mode jsonl\n{ask}") == '{"n": 1, "text": "a|b", "nothing": null}\n'
    assert said(f".mode markdown\n{ask}") == (
        "|   n | text | nothing |\n| --: | ---- | ------- |\n|   1 | a\\|b |         |\n"
    )
    assert said(f".mode line\n{ask}") == (
        "── row 1 ───────────────────────────────────────────────────\n"
        "n        1\ntext     a|b\nnothing  NULL\n"
    )
    assert said(f".mode TABLE;\n{ask}") == "n  text  nothing\n─  ────  ───────\n1  a|b   NULL\n"
    assert said(".mode") == "table; there are table, line, csv, tsv, markdown, json, jsonl\n"


def test_null_width_and_numbers(said: Said) -> None:
    assert said(".null '(none)'\nSELECT NULL AS x;") == "x\n──────\n(none)\n"
    assert said(".null\nSELECT NULL AS x;") == "x\n────\nNULL\n"
    long = "SELECT 'abcdefghij abcdefghij abcdefghij' AS x;"
    assert said(f".width 20\n{long}") == "x\n" + "─" * 20 + "\nabcdefghij abcdefgh…\n"
    assert "ghij abcdefghij\n" in said(f".width auto\n{long}")
    numbered = "row  x\n───  ─\n  1  7\n  2  8\n"
    assert said(".numbers on\nSELECT 7 AS x UNION SELECT 8;") == numbered
    assert said(".numbers off\n.mode csv\nSELECT 7 AS x;") == "x\r\n7\r\n"


def test_timing_and_notices(said: Said, session: Session, clock: TestClock) -> None:
    shown = said(".timing on\nSELECT 1 AS x;")
    assert shown.startswith("x\n─\n1\ntime: ") and shown.endswith("s\n")
    said(".timing off\nASSERT ('a', 'b', 'c');")
    clock.move(hours=2)
    asked = "SELECT object FROM beliefs AS OF '-1h';"
    assert "note: AS OF" in said(asked)
    assert "note" not in said(f".notices off\n{asked}")
    assert "note: AS OF" in said(f".notices\n{asked}")  # without a word it is turned over


@pytest.mark.parametrize(
    ("line", "code", "hint"),
    [
        (".mod csv", "shell.unknown", "did you mean .mode?"),
        (".xyzzy", "shell.unknown", ".help lists the commands"),
        (".mode cvs", "shell.argument", "did you mean csv?"),
        (".timing maybe", "shell.argument", None),
        (".width 3", "shell.argument", None),
        (".why x", "shell.nothing", "ask a query first"),
        ("SELECT 1 AS x;\n.why 2", "shell.row", None),
        ("SELECT 1 AS x UNION SELECT 2;\n.why", "shell.row", "give its number"),
        (".timeline", "shell.argument", ".timeline auth/jwt"),
        (".timeline 'a", "shell.argument", None),
        (".timeline nothing/here", "shell.nothing", "SELECT DISTINCT subject"),
        (".read", "shell.argument", ".read script.epql"),
        (".read /nowhere/at.all", "script.unreadable", None),
        (".output /nowhere/at.all", "shell.file", None),
        (".once", "shell.argument", ".once answer.csv"),
        (".edit", "shell.argument", None),
        (".vi on", "shell.argument", None),
        (".explain", "shell.nothing", "ask one first"),
        (".help corect", "shell.unknown", "did you mean correct?"),
        (".help .modes", "shell.unknown", "did you mean .mode?"),
        (".tutorial 6", "shell.argument", None),
        (".promote", "shell.argument", ".queue numbers what waits"),
    ],
)
def test_what_is_wrong_is_said(said: Said, line: str, code: str, hint: str | None) -> None:
    shown = said(line)
    assert f" {code}: " in shown
    assert (f"hint: {hint}" in shown) if hint else ("hint" not in shown)


# ---------------------------------------------------------------- files


def test_output_once_and_read(said: Said, tmp_path: Path) -> None:
    answers, one, script = tmp_path / "answers.csv", tmp_path / "o n e.txt", tmp_path / "s.epql"
    script.write_text("-- two\n.mode csv\nSELECT 2 AS x;\nSELECT\n  3 AS x;\n")
    assert said(f".once '{one}'\nSELECT '知' AS x;\nSELECT 1 AS y;") == "y\n─\n1\n"
    assert one.read_text() == "x\n──\n知\n"
    assert said(f".output {answers}\n.read {script}\n.output\n.mode table\nSELECT 4 AS x;") == (
        "x\n─\n4\n"
    )
    assert answers.read_bytes() == b"x\r\n2\r\nx\r\n3\r\n"


def test_a_script_that_fails_is_placed_in_its_own_lines(said: Said, tmp_path: Path) -> None:
    script = tmp_path / "s.epql"
    script.write_text(".mode csv\nSELECT 1;\n\nSELEC 2;\n")
    assert "line 4 column 1: no statement begins with 'SELEC'" in said(f".read {script}")


def test_a_script_that_reads_itself_ends(said: Said, tmp_path: Path) -> None:
    script = tmp_path / "s.epql"
    script.write_text(f".read {script}\n")
    assert "more than 10 levels deep" in said(f".read {script}")


def test_quit_ends_a_script(session: Session) -> None:
    for word in (".quit", " .exit", ".q;"):
        with pytest.raises(Quit):
            session.run_text(word)


def test_a_dot_inside_a_statement_or_comment_is_no_command(said: Said) -> None:
    assert said("SELECT 1 +\n.5 AS x;") == "  x\n───\n1.5\n"
    assert said("/* as it was\n.quit\n*/ SELECT 1 AS x;") == "x\n─\n1\n"
    assert said("-- a remark\n/* another */\n.mode csv\nSELECT 1 AS x;") == "x\r\n1\r\n"


# ---------------------------------------------------------------- rows of the last answer


def test_why_history_and_blame_of_a_row(story: Said) -> None:
    story(".mode jsonl\nSELECT id, object FROM assertions ORDER BY object;")
    assert '"role": "loser", "object": "RS256"' in story(".why 2")
    told = story(".history 1")
    assert '"event": "ASSERT", "object": "ES256"' in told and "RS256" not in told
    assert '"agent": "bob"' in story(".blame 1")
    story("SELECT subject, predicate FROM beliefs;")
    assert '"role": "winner", "object": "ES256"' in story(".why")  # the only row needs no number
    story("SELECT * FROM beliefs DIFF SINCE '-7d';")
    assert '"object": "ES256"' in story(".why 1")


def test_why_of_a_row_without_names_asks_the_audit(story: Said) -> None:
    story(".mode jsonl\nSELECT confidence FROM beliefs;")
    assert '"role": "winner", "object": "ES256"' in story(".why")
    assert '"event": "ASSERT", "object": "ES256"' in story(".history")


def test_rows_that_are_not_there_or_say_too_little(story: Said) -> None:
    story(".mode jsonl\nSELECT object FROM assertions;")
    assert "the last answer has 2 rows: which one?" in story(".why")
    assert "the last answer has 2 rows, none is number 3" in story(".why 3")
    assert "does not say which assertion" in (shown := story(".why 1"))
    assert "hint: ask again with the column id, or with subject and predicate" in shown
    assert "which one?" in story(".why")  # the answer it speaks of is the same


def test_the_queue(story: Said, clock: TestClock) -> None:
    row = story(".queue").split("\n")[2].split()
    assert row[0] == "1" and row[2:5] == ["auth/jwt", "algorithm", "ES256"]
    assert story(".promote 1 reviewed by ann, it's fine").startswith("1 assertion moved, tx 3")
    assert "it's fine" in story("SELECT reason FROM transitions;")
    assert story(".queue").count("\n") == 2
    story("ASSERT ('a', 'b', 'c');\n.queue")
    story(".reject 1")
    assert "rejected" in story("SELECT lifecycle FROM assertions LIFECYCLE REJECTED;")


# ---------------------------------------------------------------- where the session stands


def test_as_of_lifecycle_and_agent(story: Said) -> None:
    ask = "SELECT object FROM beliefs;"
    assert "RS256" in story(f".asof -2d\n{ask}")
    assert "RS256" in story(f".asof '2026-01-12 10:00'\n{ask}")
    assert "RS256" in story(f".asof TX 1\n{ask}")
    assert "TX 1" in story(".asof")
    assert "ES256" in story(f".asof now\n{ask}")
    assert "RS256" in story(f".lifecycle approved\n{ask}")
    assert "ES256" in story(f".lifecycle proposed, review\n{ask}")
    assert "IN (PROPOSED, REVIEW)" in story(".lifecycle").upper()
    assert "ES256" in story(f".lifecycle live\n{ask}")
    assert "o'neil" in story(".agent o'neil\n.agent")
    assert "SET AS OF 'sometime'" in story(".asof sometime")  # the statement that it says


# ---------------------------------------------------------------- looking


def test_relations_schema_and_explain(story: Said) -> None:
    assert "one row per slot" in story(".relations") and "beliefs" in story(".tables")
    assert "what it is about: 'auth/jwt'" in story(".schema beliefs")
    assert "did you mean" in story(".schema belief")
    every = story(".schema")
    assert every.startswith("beliefs\n    subject, predicate, object, ")
    assert "as_of" not in every
    assert "LIFECYCLE APPROVED (statement)" in story(
        ".explain SELECT object FROM beliefs LIFECYCLE APPROVED"
    )
    story("SELECT agent FROM beliefs;\n.why 1")
    assert "reads" in (told := story(".explain")) and "agent" in told


def test_every_command_has_help(said: Said) -> None:
    overview = said(".help")
    for name, command in COMMANDS.items():
        assert f"  {name}" in overview
        assert said(f".help {name}") == f"{name} {command.takes}".rstrip() + f"\n{command.does}\n"


def test_help_about_the_language_is_the_manuals(said: Said) -> None:
    shown = said(".help promote")
    assert shown.startswith("TRANSITION, PROMOTE, REJECT\n")
    assert "PROMOTE|REJECT target [REASON value]" in shown
    assert ".help transition all shows more" in shown
    assert len(said(".help promote all")) > len(shown)
    assert "AS OF [BEFORE] instant" in said(".help As  Of")
    assert "RESOLVE BY LATEST" not in said(".help trust")
    assert "](" not in said(".help clauses") and "<!--" not in said(".help clauses")


def test_where_only_ascii_can_be_shown(said: Said, session: Session, clock: TestClock) -> None:
    said("ASSERT ('s', 'p', 'A') LIFECYCLE APPROVED;")
    clock.move(days=1)
    raw = io.BytesIO()
    session.screen.out = io.TextIOWrapper(raw, encoding="ascii", errors="backslashreplace")
    for text in ("SELECT 'é' AS x;", ".timeline s", ".help correct", ".mode json", "SELECT '─' x;"):
        session.run_text(text)
    session.screen.out.flush()
    shown = raw.getvalue().decode("ascii")
    assert shown.startswith("x\n-\n\\xe9\n") and "A  ann  ####" in shown
    assert "CORRECT target [TO value]" in shown and '"x": "\\u2500"' in shown
