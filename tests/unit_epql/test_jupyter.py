"""The magics of IPython, and answers as HTML: in a shell of the test's own, without a kernel."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

import epql
from epql.jupyter import Answer, load_ipython_extension, unload_ipython_extension
from epql.output import html


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    shell = InteractiveShell.instance()  # the one that display() shows in
    load_ipython_extension(shell)
    yield shell
    unload_ipython_extension(shell)
    InteractiveShell.clear_instance()


@pytest.fixture
def opened(shell: InteractiveShell) -> InteractiveShell:
    shell.run_line_magic("epql", ":memory: --agent ann")
    return shell


def cell(shell: InteractiveShell, text: str, line: str = "") -> Answer:
    answer = shell.run_cell_magic("epql", line, text)
    assert isinstance(answer, Answer)
    return answer


def test_a_statement_answers_with_its_rows(opened: InteractiveShell) -> None:
    answer = cell(opened, "ASSERT ('s', 'p', 1), ('s', 'q', 'x')")
    assert (len(answer), answer.rowcount) == (0, 2) and "2 rows written" in repr(answer)
    answer = cell(opened, "SELECT predicate, object, agent FROM beliefs ORDER BY 1;")
    assert answer.columns == ["predicate", "object", "agent"]
    assert list(answer) == [("p", 1, "ann"), ("q", "x", "ann")] and answer[1][1] == "x"
    assert answer.basis is not None and answer.basis.tx == 1
    assert answer.frame()["object"].tolist() == [1, "x"]


def test_variables_are_parameters(opened: InteractiveShell) -> None:
    opened.user_ns["name"] = "x'; RETRACT ('s', 'p'); --"
    cell(opened, "ASSERT ('s', 'p', :name)")
    assert cell(opened, "SELECT object FROM beliefs WHERE object = :name")[0] == (
        opened.user_ns["name"],
    )
    with pytest.raises(epql.ProgrammingError) as raised:
        cell(opened, "SELECT :nowhere")
    assert raised.value.code == "parameter.missing"


def test_the_last_answer_is_kept_and_those_before_it_displayed(opened: InteractiveShell) -> None:
    with capture_output() as captured:
        answer = cell(opened, "SELECT 1 AS a; SELECT 2 AS b", line="kept")
    assert opened.user_ns["kept"] is answer and answer.columns == ["b"]
    assert len(captured.outputs) == 1 and "<th" in captured.outputs[0].data["text/html"]


def test_a_line_is_a_statement_or_a_database(
    shell: InteractiveShell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert shell.run_line_magic("epql", "kb.epql") is None
    assert list(shell.run_line_magic("epql", "SELECT 1")) == [(1,)]
    with pytest.raises(epql.ProgrammingError):
        shell.run_line_magic("epql", "SELEC 1 FROM x")
    with pytest.raises(epql.ProgrammingError):
        shell.run_line_magic("epql", "COMMIT")
    shell.run_line_magic("epql", "kb.epql --read-only")
    with pytest.raises(epql.Error) as raised:
        shell.run_cell_magic("epql", "", "ASSERT ('a', 'b', 'c')")
    assert raised.value.code == "database.read_only"
    assert [path.name for path in tmp_path.iterdir()] == ["kb.epql"]


def test_a_connection_of_the_notebook_is_used_and_stays_open(shell: InteractiveShell) -> None:
    with epql.connect(":memory:", autocommit=True) as connection:
        shell.user_ns["con"] = connection
        shell.run_line_magic("epql", "con")
        cell(shell, "ASSERT ('s', 'p', 1)")
        shell.run_line_magic("epql", ":memory:")
        assert len(cell(shell, "SELECT * FROM beliefs")) == 0
        assert connection.execute("SELECT object FROM beliefs").fetchall() == [(1,)]
        connection.close()


@pytest.mark.parametrize(
    ("line", "text", "said"),
    [
        ("", None, "database"),
        ("kb.epql --agnet ann", None, "--agnet"),
        ("two words", "SELECT 1", "name of a variable"),
    ],
)
def test_what_is_wrong_with_a_magic(
    opened: InteractiveShell, line: str, text: str | None, said: str
) -> None:
    def said_to(shell: InteractiveShell) -> object:
        if text is None:
            return shell.run_line_magic("epql", line)
        return shell.run_cell_magic("epql", line, text)

    with pytest.raises(UsageError, match=said):
        said_to(opened)


def test_without_a_database_it_says_how_to_open_one(shell: InteractiveShell) -> None:
    with pytest.raises(Exception, match=r"%epql kb\.epql opens one"):
        shell.run_cell_magic("epql", "", "SELECT 1")


def test_an_error_is_shown_without_a_trace(opened: InteractiveShell) -> None:
    with capture_output() as captured:
        result = opened.run_cell("%epql SELECT objekt FROM beliefs")
    assert isinstance(result.error_in_exec, epql.ProgrammingError)
    shown = captured.stdout + captured.stderr
    assert "did you mean object?" in shown and "^^^^^^" in shown and "File " not in shown


# ---------------------------------------------------------------- HTML


def test_stored_text_cannot_become_part_of_the_page() -> None:
    evil = "<script>alert(1)</script>\x1b[31m\u202e\"'&"
    page = html.table([evil], [(evil,)], [evil])
    assert "<script" not in page and "\x1b" not in page and "\u202e" not in page
    assert page.count("&lt;script&gt;") == 4, "the name, the cell and its title, the notice"
    title = html.table(["a"], [('a:" onmouseover="x',)])
    assert 'onmouseover="' not in title


def test_a_table_of_every_kind_of_value() -> None:
    rows: list[tuple[Any, ...]] = [(1, None, "x", 2.5, b"\x00"), (20, "2026-01-05T10:00:00.000000Z",
                                                               "知", -1.0, b"")]  # fmt: skip
    page = html.table(["n", "at", "t", "f", "b"], rows)
    assert (
        "text-align:right" in page and "NULL" in page and "知" in page and "x&#x27;00&#x27;" in page
    )
    assert 'title="2026-01-05T10:00:00.000000Z"' in page and "2026-01-05T10:00:00Z<" in page


def test_rows_of_a_diff_have_the_colour_of_their_change() -> None:
    rows = [("ADDED", 1), ("REMOVED", 2), ("CHANGED", 3), ("else", 4)]
    page = html.table(["change", "n"], rows)
    assert [page.count(color) for color in ("40,160,80", "200,60,60", "210,160,30")] == [1, 1, 1]


def test_a_long_answer_says_how_long_it_is() -> None:
    page = html.table(["n"], [(n,) for n in range(1500)])
    assert page.count("<tr") == 1 + html.ROWS_MAX and "the first 100 of 1,500 rows" in page
    assert "no rows" in html.table(["n"], [])
