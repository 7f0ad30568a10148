"""The command `epql`: scripts, formats, answers, exit codes, import, rebuild, terminals."""

from __future__ import annotations

import fcntl
import io
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest

import epql
from epql.cli.main import main

RS256 = "ASSERT ('auth/jwt', 'algorithm', 'RS256') LIFECYCLE APPROVED"
BUFFERED = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
"""The environment of most people: what is written fails when it is flushed."""
COMMAND = [sys.executable, "-m", "epql.cli.main"]


class Said(NamedTuple):
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process."""

    def call(*argv: object, stdin: str = "") -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            code = main([str(word) for word in argv])
        except SystemExit as ended:  # argparse's way
            code = int(ended.code or 0)
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture
def base(tmp_path: Path, run: Run) -> Path:
    """A database with one assertion."""
    path = tmp_path / "kb.epql"
    assert run(path, "--agent", "architect", "-c", RS256).code == 0
    return path


# ---------------------------------------------------------------- scripts


def test_a_statement_and_its_table(run: Run, base: Path) -> None:
    said = run(base, "-c", "SELECT subject, object, agent FROM beliefs")
    assert said == (
        0,
        "subject   object  agent\n────────  ──────  ─────────\nauth/jwt  RS256   architect\n",
        "",
    )


def test_verbs_answer_with_their_transaction(run: Run, base: Path) -> None:
    script = """
        ASSERT ('a', 'b', 1), ('a', 'c', 2);
        PROMOTE ('a', 'b');
        SUPERSEDE ('a', 'b') WITH 3;
        BEGIN; ASSERT ('x', 'y', 'z'); COMMIT;
        BEGIN; RETRACT ('x', 'y'); ROLLBACK;
        BEGIN; COMMIT;
        MARK EPOCH 'one'; SET PURPOSE 'tests';
        CORRECT ('a', 'b') REASON 'wrong';
        MARK EPOCH 'two'; REVIVE ('a', 'b', 3); CONFIRM ('a', 'b'); VOTE FOR ('a', 'b');
    """
    assert run(base, "-c", script).out.splitlines() == [
        "2 assertions written, tx 2",
        "1 assertion moved, tx 3",
        "1 assertion written, tx 4",
        "begun",
        "1 assertion written, not committed yet",
        "committed, tx 5",
        "begun",
        "1 assertion moved, not committed yet",
        "rolled back",
        "begun",
        "committed, nothing was written",
        "done, tx 6",
        "set",
        "1 assertion corrected, tx 7",  # and not that of what followed from it, tx 8
        "done, tx 9",
        "1 assertion revived, tx 10",
        "1 assertion confirmed, tx 11",
        "1 assertion voted on, tx 12",
    ]


def test_a_retry_writes_nothing_and_says_so(run: Run, base: Path) -> None:
    said = run(base, "--agent", "architect", "-c", RS256)
    assert said.out == "0 assertions written\n"
    assert said.err.startswith("note: ") and "stands already" in said.err


def test_several_statements_of_several_options(run: Run, base: Path) -> None:
    said = run(base, "--csv", "-c", "SELECT 1 AS a; SELECT ';' AS b", "-c", "SELECT 3 AS c")
    assert said.out == "a\r\n1\r\nb\r\n;\r\nc\r\n3\r\n"


def test_a_script_stops_at_its_first_error(run: Run, base: Path) -> None:
    said = run(base, "-c", "SELECT 1; SELEC 2; ASSERT ('x', 'y', 'z')")
    assert said.code == 1
    assert said.out == "1\n─\n1\n"
    assert said.err == (
        "ProgrammingError parse.unexpected_token, line 1 column 11:"
        " no statement begins with 'SELEC'\n"
        "    SELECT 1; SELEC 2; ASSERT ('x', 'y', 'z')\n"
        "              ^^^^^ expected SELECT, WITH, ASSERT, …\n"
        "hint: did you mean SELECT?\n"
    )
    assert run(base, "--csv", "--no-header", "-c", "SELECT count(*) FROM commits").out == "1\r\n"


@pytest.mark.parametrize("way", ["file", "dash", "pipe", "file dash"])
def test_scripts_from_files_and_pipes(run: Run, base: Path, tmp_path: Path, way: str) -> None:
    script = "-- héllo;\nSELECT 1 AS one;\n\nSELECT\n  2 AS two;\nSELECT 3\n  AS objekt, objekt"
    file = tmp_path / "script.epql"
    file.write_text(script, encoding="utf-8")
    options = {"file": ["-f", file], "dash": ["-"], "pipe": [], "file dash": ["-f", "-"]}[way]
    said = run(base, "--csv", *options, stdin="" if way == "file" else script)
    assert said.code == 1
    assert said.out == "one\r\n1\r\ntwo\r\n2\r\n"
    assert "line 7 column 14: there is no column 'objekt'" in said.err


def test_an_error_without_a_place_tells_the_line_of_its_statement(run: Run, base: Path) -> None:
    said = run(base, stdin="SELECT 1;\n\nSET AS OF '2000-01-01';\nASSERT ('a','b','c');\n")
    assert "(in the statement at line 4)" in said.err


def test_a_transaction_left_open_is_rolled_back_and_said(run: Run, base: Path) -> None:
    said = run(base, "-c", "BEGIN; ASSERT ('x', 'y', 'z')")
    assert said.code == 0 and "rolled back" in said.err
    assert run(base, "--jsonl", "-c", "SELECT count(*) AS n FROM commits").out == '{"n": 1}\n'


@pytest.mark.parametrize("script", ["", ";", " ; ;", "-- nothing", "/* open"])
def test_nothing_to_do_is_no_error(run: Run, base: Path, script: str) -> None:
    assert run(base, "-c", script) == (0, "", "")
    assert run(base, stdin=script) == (0, "", "")


def test_a_new_database_is_announced(run: Run, tmp_path: Path) -> None:
    said = run(tmp_path / "new", "-c", "SELECT 1")
    assert said.err == f"note: {tmp_path / 'new'} is a new database\n"
    assert run(":memory:", "-c", RS256) == (0, "1 assertion written, tx 1\n", "")


# ---------------------------------------------------------------- options


@pytest.mark.parametrize("option", [["--format", "json"], ["--json"]])
def test_formats(run: Run, base: Path, option: list[str]) -> None:
    said = run(base, *option, "-c", "SELECT object, source FROM beliefs; " + RS256)
    assert json.loads(said.out) == [{"object": "RS256", "source": None}]


def test_null_and_header(run: Run, base: Path) -> None:
    said = run(base, "--no-header", "--null", "-", "-c", "SELECT object, source FROM beliefs")
    assert said.out == "RS256  -\n"


def test_the_agent_is_the_login_name(run: Run, base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    run(base, "-c", "ASSERT ('a', 'b', 'c')")
    said = run(base, "--csv", "--no-header", "-c", "SELECT agent FROM commits ORDER BY tx")
    assert said.out == "architect\r\nada\r\n"


def test_read_only_writes_nothing(run: Run, base: Path, tmp_path: Path) -> None:
    assert run(base, "--read-only", "-c", "SELECT count(*) FROM beliefs").code == 0
    said = run(base, "--read-only", "-c", "ASSERT ('a', 'b', 'c')")
    assert said.code == 1 and "database.read_only" in said.err
    said = run(tmp_path / "none", "--read-only", "-c", "SELECT 1")
    assert said.code == 1 and not (tmp_path / "none").exists()


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["--bogus"], "required: PATH"),
        (["kb", "--format", "xml"], "invalid choice: 'xml'"),
        (["kb", "--timeout", "soon"], "'soon' is not a number of seconds"),
        (["kb", "--timeout", "nan"], "'nan' is not a number of seconds"),
        (["kb", "-c", "SELECT 1", "-f", "x"], "not allowed with"),
        (["kb", "-", "-c", "SELECT 1"], "-, -c and -f are alternatives"),
        (["kb", "SELECT 1"], "statements are given with -c"),
        (["--json", "import", "kb", "file"], "unrecognized arguments"),
        (["--json", "demo", "kb"], "the command comes first: epql demo kb"),
        (["kb", "verify"], "the command comes first: epql verify kb"),
        (["import", "kb"], "required: FILE"),
        (["verify"], "required: PATH"),
        (["help", "me"], "invalid choice"),
    ],
)
def test_wrong_calls_end_with_2_and_touch_nothing(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argv: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    said = run(*argv)
    assert said.code == 2 and message in said.err and not said.out
    assert "--help" in said.err
    assert os.listdir(tmp_path) == []


def test_help_and_version(run: Run) -> None:
    assert run("--version").out == f"epql {epql.__version__}\n"
    assert run("help") == run("--help")
    for command in ("import", "demo", "verify", "rebuild"):
        assert command in run("help").out
        assert run("help", command).out == run(command, "--help").out
        assert "examples:" in run("help", command).out
    assert run().code == 2


def test_a_database_called_like_a_command(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("./import", "-c", "SELECT 1").code == 0
    assert (tmp_path / "import" / "FORMAT").exists()


# ---------------------------------------------------------------- import and rebuild


def history(*lines: object) -> str:
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)


FIRST = {"at": "2020-01-01", "agent": "ada", "facts": [["a", "b", "1"]]}
SECOND = {"at": "2020-01-02", "agent": "ada", "facts": [["a", "b", "2"], ["a", "c", "3"]]}


def test_import_and_import_again(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(history(FIRST, SECOND))
    said = run("import", tmp_path / "kb", file, "--history")
    assert said.code == 0 and said.out.startswith("2 commits loaded; 3 assertions")
    said = run("import", tmp_path / "kb", file, "--history")
    assert said.code == 0 and said.out.startswith("0 commits loaded")
    said = run(
        tmp_path / "kb", "--csv", "--no-header", "-c",
        "SELECT object FROM beliefs WHERE predicate = 'b' AS OF '2020-01-01T12:00Z'",
    )  # fmt: skip
    assert said.out == "1\r\n"


@pytest.mark.parametrize("skip", [True, False])
def test_bad_lines_are_told_by_number(run: Run, tmp_path: Path, skip: bool) -> None:
    file = tmp_path / "history.jsonl"
    file.write_text(history(FIRST, "{not json", SECOND, {"at": "2020-01-03"}))
    options = ["--skip-bad"] if skip else []
    said = run("import", tmp_path / "kb", file, "--history", *options)
    assert said.code == 1
    assert "line 2: this is not JSON" in said.err
    assert ("line 4: the field 'agent' is missing" in said.err) == skip
    loaded = run(tmp_path / "kb", "--jsonl", "-c", "SELECT count(*) AS n FROM commits").out
    assert loaded == f'{{"n": {2 if skip else 1}}}\n'  # what was good before a bad line stays


def test_import_from_standard_input(tmp_path: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "import", str(tmp_path / "kb"), "-", "--history"],
        input=history(FIRST, SECOND), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("2 commits loaded")


def test_import_says_what_is_missing(run: Run, tmp_path: Path) -> None:
    said = run("import", tmp_path / "kb", tmp_path / "none.jsonl")
    assert said.code == 1 and "none.jsonl cannot be read: No such file" in said.err
    said = run("import", tmp_path / "kb", tmp_path / "none.jsonl", "--history")
    assert said.code == 1 and "none.jsonl cannot be read: No such file" in said.err


def test_rebuild(run: Run, base: Path, tmp_path: Path) -> None:
    (base / "index.db").unlink()
    said = run("rebuild", base)
    assert said.code == 0 and "1 commit applied in 0." in said.out
    assert run(base, "-c", "SELECT object FROM beliefs").out.endswith("RS256\n")
    for wrong in (tmp_path / "none", "", ":memory:"):
        assert run("rebuild", wrong).code == 1
    assert not (tmp_path / "none").exists()


# ---------------------------------------------------------------- pipes and terminals


def test_nobody_reads_on(base: Path) -> None:
    numbers = "SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 200000"
    many = f"WITH RECURSIVE n(i) AS ({numbers}) SELECT i FROM n"
    script = f'"$@" --csv -c "{many}" | head -2; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(
        ["bash", "-c", script, "sh", *COMMAND, str(base)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout == "i\n1\n"
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("shell", "code"),
    [
        ("-c 'SELECT 1' >&-", 0),
        ("-c 'SELEC 1' 2>&-", 1),
        ("<&-", 0),
        ("-c 'SELECT 1' >/dev/full", 1),
        ("--help | true; exit ${PIPESTATUS[0]}", 141),
    ],
)
def test_streams_that_are_closed_or_full(base: Path, shell: str, code: int) -> None:
    done = subprocess.run(
        ["bash", "-c", f'"$@" {shell}', "sh", *COMMAND, str(base)],
        capture_output=True, text=True, timeout=60, env=BUFFERED,
    )  # fmt: skip
    if code == 141 and done.returncode == 0:
        code = 0  # the other side was slower to end
    assert done.returncode == code
    assert "Traceback" not in done.stderr and "Exception" not in done.stderr


def test_a_pipe_is_answered_statement_by_statement(base: Path) -> None:
    with subprocess.Popen(
        [*COMMAND, str(base), "--jsonl"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as talk:
        assert talk.stdin is not None and talk.stdout is not None
        for number in (1, 2):
            talk.stdin.write(f"SELECT {number} AS n;\n")
            talk.stdin.flush()
            assert talk.stdout.readline() == f'{{"n": {number}}}\n'
        talk.stdin.close()
    assert talk.returncode == 0


_ON_TERMINAL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)  # ignored where the tests run in the background
os.execv(sys.argv[1], sys.argv[1:])
"""
# not preexec_fn: what it runs between fork and exec can hang where the tests have threads


class Terminal:
    """A command on a terminal of its own, driven by what it shows."""

    def __init__(self, argv: list[str], columns: int = 80, **environment: str) -> None:
        self.screen = ""
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        clean = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "INPUTRC")}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _ON_TERMINAL, *COMMAND, *argv],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**clean, "TERM": "xterm", **environment},
        )  # fmt: skip
        os.close(slave)
        self.master = master

    def wait_for(self, text: str, seconds: float = 20) -> str:
        """What is shown up to and with `text`."""
        deadline = time.monotonic() + seconds
        while text not in self.screen:
            if not select.select([self.master], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise AssertionError(f"no {text!r} in {self.screen!r}")
            try:
                self.screen += os.read(self.master, 65536).decode()
            except OSError:  # it has ended
                raise AssertionError(f"no {text!r} in {self.screen!r}") from None
        shown, _, self.screen = self.screen.partition(text)
        return shown + text

    def type(self, text: str) -> None:
        os.write(self.master, text.encode())

    def abandon(self) -> None:
        """Ctrl-C on a half typed statement. input() shows its prompt a moment before it can be
        interrupted, and a busy machine makes that moment long: so again, until it was."""
        for _ in range(10):
            self.type("\x03")
            with suppress(AssertionError):
                self.wait_for("epql> ", 2)
                return
        raise AssertionError(f"not abandoned: {self.screen!r}")

    def end(self) -> int:
        code = self.process.wait(20)
        os.close(self.master)
        return code


@pytest.fixture
def terminal() -> Iterator[Callable[..., Terminal]]:
    started: list[Terminal] = []

    def start(*argv: object, **more: str) -> Terminal:
        started.append(Terminal([str(word) for word in argv], **more))
        return started[-1]

    yield start
    for one in started:
        if one.process.poll() is None:
            one.process.kill()
            one.process.wait()


def test_the_line_loop(terminal: Callable[..., Terminal], base: Path) -> None:
    loop = terminal(base, TERM="dumb")
    loop.wait_for("epql> ")
    loop.type("SELECT object\n")
    loop.wait_for("  ...> ")
    loop.type("FROM beliefs;\n")
    assert "RS256\r\n1 row\r\n" in loop.wait_for("epql> ")
    loop.type("SELEC 1;\n")
    assert "^^^^^" in loop.wait_for("epql> ")
    loop.type("SELECT 'half\n")
    loop.wait_for("  ...> ")
    loop.abandon()
    loop.type(".help\n")
    loop.wait_for("Commands")
    loop.wait_for("epql> ")
    loop.type("ASSERT ('a', 'b', 'c');\n")
    loop.wait_for("1 assertion written, tx 2")
    loop.wait_for("epql> ")
    loop.type("\x04")
    assert loop.end() == 0


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"


def test_ctrl_c_ends_a_statement_and_not_the_loop(
    terminal: Callable[..., Terminal], base: Path
) -> None:
    loop = terminal(base, TERM="dumb")
    loop.wait_for("epql> ")
    loop.type(ENDLESS + ";\n")
    time.sleep(0.3)
    loop.type("\x03")
    assert "note: interrupted" in loop.wait_for("interrupted")
    loop.wait_for("epql> ")
    loop.type("SELECT 'still' || 'here';\n")
    loop.wait_for("stillhere")
    loop.wait_for("epql> ")
    loop.type(".quit\n")
    assert loop.end() == 0


def test_ctrl_c_ends_a_script_with_130(base: Path) -> None:
    script = ["-c", "SELECT 1 AS begun; " + ENDLESS]
    with subprocess.Popen(
        [*COMMAND, str(base), "--jsonl", *script], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.readline()
        time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        assert running.stderr.read() == b""
    assert running.returncode == 130


def test_colour_and_width_are_the_terminal_s(terminal: Callable[..., Terminal], base: Path) -> None:
    select_all = "SELECT * FROM beliefs"
    wide = terminal(base, "-c", select_all, columns=250)
    assert "\x1b[1msubject" in wide.wait_for("1 row")
    assert wide.end() == 0
    narrow = terminal(base, "-c", select_all, columns=60, NO_COLOR="1")
    shown = narrow.wait_for("1 row")
    assert shown.startswith("── row 1 ──") and "\x1b" not in shown
    assert re.search(r"recorded_at  \d{4}-", shown)


def test_what_is_stored_does_not_steer_the_terminal(
    terminal: Callable[..., Terminal], base: Path
) -> None:
    with epql.connect(base) as connection:
        connection.execute("ASSERT ('evil', 'says', ?)", ("x\x1b]0;title\x07\x9b2J",))
    query = "SELECT object, upper('end') FROM beliefs WHERE subject = 'evil'"
    for form in ("table", "csv", "json"):
        shown = terminal(base, "--format", form, "-c", query, NO_COLOR="1")
        assert "\x1b" not in shown.wait_for("END")


def test_rows_of_scratch_tables_are_counted_as_rows(run: Run) -> None:
    script = (
        "CREATE TEMP TABLE t (a); INSERT INTO t VALUES (1), (2); UPDATE t SET a = 3 WHERE a = 1"
    )
    said = run(":memory:", "-c", script)
    assert said.out == "done\n2 rows written\n1 row changed\n"
