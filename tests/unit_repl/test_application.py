"""The shell without a terminal: prompt_toolkit's own pipe as keyboard, nothing as screen."""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import DummyOutput

from epql.repl.application import interact
from epql.repl.config import Config, history_path
from epql.repl.history import SharedHistory
from epql.repl.session import Session

Typed = Callable[..., str]
ENTER, ESCAPE, CTRL_C, CTRL_D = "\r", "\x1b", "\x03", "\x04"


@pytest.fixture(autouse=True)
def _home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def typed(session: Session) -> Typed:
    """Types texts into a shell, and Ctrl-D; what the answers were."""

    def run(*texts: str, config: Config | None = None) -> str:
        shown = session.screen.out = session.screen.err = io.StringIO()
        with create_pipe_input() as keyboard, create_app_session(keyboard, DummyOutput()):
            for text in (*texts, CTRL_C, CTRL_D):  # Ctrl-D does not end where something stands
                keyboard.send_text(text)
            interact(session, config or Config(pager=""))
        return shown.getvalue().removeprefix("EPQL: .help for help, Ctrl-D to end\n")

    return run


def test_enter_goes_on_until_the_semicolon(typed: Typed) -> None:
    assert typed("SELECT 1", ENTER, "AS x", ENTER, ";", ENTER) == "x\n─\n1\n"


def test_enter_in_a_text_or_comment_goes_on(typed: Typed) -> None:
    assert typed("SELECT ';", ENTER, "' AS x;", ENTER) == "x\n───\n;\\n\n"
    assert typed("/* ;", ENTER, "*/ SELECT 2 AS x;", ENTER) == "x\n─\n2\n"


def test_a_dot_command_needs_no_semicolon(typed: Typed) -> None:
    assert typed(".mode csv", ENTER, "SELECT 1 AS x;", ENTER) == "x\r\n1\r\n"


def test_a_paste_of_several_statements_runs_them_all(typed: Typed) -> None:
    pasted = "\x1b[200~.mode jsonl\nSELECT 1 AS x;\nSELECT\n  2 AS x;\n\x1b[201~"
    assert typed(pasted, ENTER) == '{"x": 1}\n{"x": 2}\n'


def test_a_paste_stops_at_its_first_error(typed: Typed) -> None:
    shown = typed("\x1b[200~SELECT 1 AS x;\nSELEC 2;\nSELECT 3 AS x;\x1b[201~", ENTER)
    assert "line 2 column 1" in shown and "3" not in shown.split("^")[-1]


def test_ctrl_c_abandons_what_is_typed(typed: Typed) -> None:
    assert typed("SELECT 'a", CTRL_C, "SELECT 2 AS x;", ENTER) == "x\n─\n2\n"


def test_ctrl_d_in_a_text_does_not_end(typed: Typed) -> None:
    assert typed("SELECT 1 AS xy;", "\x1b[D" * 2, CTRL_D, CTRL_D, "z;", ENTER).startswith("x")


def test_history_is_kept_for_its_owner_alone(typed: Typed) -> None:
    typed("SELECT 1 AS x;", ENTER, "SELECT 1 AS x;", ENTER, "  ", ENTER)
    path = history_path()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert path.read_text().count("+SELECT 1") == 1  # not twice, one after the other
    path.chmod(0o644)
    typed()
    assert path.stat().st_mode & 0o777 == 0o600


def test_no_history_where_none_can_be_or_is_wanted(
    typed: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert "x" in typed("SELECT 1 AS x;", ENTER, config=Config(pager="", history_size=0))
    assert not history_path().exists()
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file"))
    assert "note: no history is kept: Not a directory" in typed("SELECT 1 AS x;", ENTER)


def test_a_long_history_gives_its_last_lines(typed: Typed) -> None:
    typed(*(key for n in range(5) for key in (f"SELECT {n};", ENTER)))
    assert list(SharedHistory(history_path(), 2).load_history_strings()) == [
        "SELECT 4;", "SELECT 3;",
    ]  # fmt: skip


def test_vi(typed: Typed) -> None:
    shown = typed("SELECT 1 AS z;", ESCAPE, "0cwVALUES", ESCAPE, "A", ENTER, config=Config(vi=True))
    assert "VALUES" in shown or "parse" in shown  # cw changed the first word
    assert typed(".vi off", ENTER, "SELECT 1 AS x;", ENTER).startswith("vi: off\nx\n")


def test_without_keys_enter_runs(typed: Typed) -> None:
    assert "x\n" in typed("SELECT 1 AS x;", ENTER, config=Config(pager="", keys=False))


def test_config_sets_the_session(typed: Typed) -> None:
    config = Config(
        mode="csv", null="-", pager="", notices=False, timing=True,
        startup=["SET AGENT 'zoe'", ".mode json", "BEGIN; SET LIFECYCLE APPROVED;"],
    )  # fmt: skip
    shown = typed("SHOW AGENT;", ENTER, config=config)
    assert '"value": "zoe"' in shown and "time: " in shown
    assert "the transaction that was open is rolled back" in shown


def test_words_of_other_shells_are_understood(typed: Typed) -> None:
    answer = typed("help assert", ENTER, "exit", ENTER)
    assert "ASSERT (" in answer and "Error" not in answer


def test_quit_and_edit(typed: Typed, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    editor = tmp_path / "ed itor"
    editor.write_text('#!/bin/sh\nsed -i s/1/2/ "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", f"'{editor}'")
    monkeypatch.delenv("VISUAL", raising=False)
    assert typed("SELECT 1 AS x;", ENTER, ".edit", ENTER, ";", ENTER, ".quit", ENTER) == (
        "x\n─\n1\nx\n─\n2\n"
    )
    monkeypatch.setenv("EDITOR", "false")
    assert "shell.file: false ended with code 1" in typed(".edit", ENTER)


def test_scripts_import_no_shell(tmp_path: Path) -> None:
    code = (
        "import sys\nfrom epql.cli.main import main\n"
        f"main([{str(tmp_path / 'kb.epql')!r}, '-c', 'SELECT 1', '-c', '.mode csv'])\n"
        "heavy = {'prompt_toolkit', 'pygments', 'rich.console'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
