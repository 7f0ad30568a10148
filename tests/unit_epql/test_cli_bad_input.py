"""Bad input of every kind: the message a person sees, exit code 1, no traceback, nothing left."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import epql
from epql.cli.main import main

READ = "SELECT count(*) FROM beliefs"
WRITE = "ASSERT ('a', 'b', 'c')"


class Said(NamedTuple):
    """What the command said, and how it ended."""

    code: int
    out: str
    err: str


Run = Callable[..., Said]


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command in this process."""

    def call(*argv: object) -> Said:
        capsys.readouterr()
        return Said(main([str(word) for word in argv]), *capsys.readouterr())

    return call


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "kb.epql"
    connection = epql.connect(path, autocommit=True)
    connection.execute(WRITE)
    connection.close()
    return path


# ---------------------------------------------------------------- paths


def test_an_empty_path(said: Run, tmp_path: Path) -> None:
    assert said("", "-c", READ) == (
        1,
        "",
        "ProgrammingError database.path: the path is empty\n"
        "hint: give the path of a folder, or ':memory:'\n",
    )


def test_a_file_instead_of_a_folder(said: Run, tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("mine")
    assert said(path, "-c", READ) == (
        1,
        "",
        f"OperationalError database.not_a_folder: {path} is a file, not a folder\n"
        "hint: an EPQL database is a folder; give another path\n",
    )
    assert path.read_text() == "mine"


def test_a_folder_of_other_things(said: Run, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    code, _, err = said(tmp_path, "-c", WRITE)
    assert code == 1 and "is not an EPQL database: it holds 'letter.txt'" in err
    assert os.listdir(tmp_path) == ["letter.txt"]


def test_a_folder_in_no_folder(said: Run, tmp_path: Path) -> None:
    code, _, err = said(tmp_path / "no" / "where", "-c", READ)
    assert code == 1 and f"the folder {tmp_path / 'no'} does not exist" in err


def test_a_path_with_a_null_character(said: Run) -> None:
    code, _, err = said("a\0b", "-c", READ)
    assert code == 1 and "the path holds a NUL character" in err


def test_another_format_version(said: Run, base: Path) -> None:
    (base / "FORMAT").write_text("EPQL database\nversion 9\n")
    for command in (["-c", READ], ["--read-only", "-c", READ]):
        assert said(base, *command) == (
            1,
            "",
            "OperationalError database.version: the database has format version 9;"
            " this program reads 1\nhint: install a newer epql\n",
        )


def test_a_format_that_is_not_ours(said: Run, base: Path) -> None:
    (base / "FORMAT").write_bytes(b"\xff\x00\x1b[2J")
    code, _, err = said(base, "-c", READ)
    assert code == 1 and "the file FORMAT is not one of ours" in err and "\x1b" not in err


def test_a_damaged_journal_is_said_and_not_written_to(said: Run, base: Path) -> None:
    (file,) = (base / "journal").glob("*.log")
    data = bytearray(file.read_bytes())
    data[0] ^= 1
    file.write_bytes(data)
    (base / "index.db").unlink()
    code, _, err = said(base, "-c", WRITE)
    assert code == 1 and "InternalError journal." in err
    assert file.read_bytes() == bytes(data)


# ---------------------------------------------------------------- read-only media, locks


def unprivileged(folder: Path, *argv: object) -> subprocess.CompletedProcess[str]:
    """The command as a user whom file modes bind, also where tests run as root."""
    # what is imported late is imported first: that user may not be able to read it
    code = (
        "import os, sys, io, contextlib, epql.cli.commands.verify\nfrom epql.cli.main import main\n"
    )
    code += f"with contextlib.redirect_stdout(io.StringIO()): main([':memory:', '-c', {READ!r}])\n"
    code += "sys.stdout.flush()"
    if os.getuid() == 0:
        code += "; os.setgroups([]); os.setgid(65534); os.setuid(65534)"
    code += "; sys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, argv)],
        capture_output=True, text=True, timeout=60, cwd="/",
        env={**os.environ, "HOME": "/", "TMPDIR": "/tmp", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip


@pytest.fixture
def fixed(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    """A database that nobody may write, and everybody read."""
    for folder in [base, *base.parents] if os.getuid() == 0 else []:
        if folder == Path("/tmp") or folder.stat().st_uid != 0:
            break
        folder.chmod(folder.stat().st_mode | 0o055)
    for path in [*base.rglob("*"), base]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    return base


def test_media_that_cannot_be_written(fixed: Path) -> None:
    before = sorted(fixed.rglob("*"))
    done = unprivileged(fixed, fixed, "-c", READ)
    assert done.returncode == 1
    assert done.stderr == (
        f"OperationalError files.permission: {fixed} cannot be written by this user\n"
        "hint: --read-only reads it\n"
    )
    done = unprivileged(fixed, fixed, "--read-only", "--jsonl", "-c", "SELECT object FROM beliefs")
    assert (done.returncode, done.stdout) == (0, '{"object": "c"}\n'), done.stderr
    done = unprivileged(fixed, "verify", fixed)
    assert done.returncode == 0, done.stderr
    assert sorted(fixed.rglob("*")) == before


def test_a_database_that_cannot_be_read(fixed: Path) -> None:
    (file,) = (fixed / "journal").glob("*.log")
    file.chmod(0)
    done = unprivileged(fixed, "verify", fixed)
    assert done.returncode == 2 and "permission denied" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_locked_database(said: Run, base: Path) -> None:
    writer = epql.connect(base, agent="writer")
    writer.execute("ASSERT ('x', 'y', 'z')")
    assert said(base, "--jsonl", "-c", "SELECT count(*) AS n FROM beliefs").out == '{"n": 1}\n'
    for command in (
        [base, "--timeout", "0.1", "-c", WRITE + "; " + WRITE.replace("'c'", "'d'")],
        ["rebuild", base, "--timeout", "0.1"],
    ):
        code, _, err = said(*command)
        assert code == 1
        assert f"the database is being written by process {os.getpid()} since" in err
        assert "waited 0.1 s" in err and "hint: try again, or wait longer" in err
    writer.close()


# ---------------------------------------------------------------- statements


@pytest.mark.parametrize(
    ("statement", "message", "caret"),
    [
        ("SELEC 1", "no statement begins with 'SELEC'", "^^^^^ expected SELECT"),
        ("SELECT 'half", "", "^"),
        ("SELECT * FROM beliefs AS AT '2024-01-01'", "", "^^"),
        ("SELECT * FROM believes", "", "^^^^^^^^"),
        ("SELECT objet FROM beliefs", "there is no column 'objet'", "^^^^^"),
        ("SELECT * FROM beliefs AS OF 'yesteryear'", "", "^"),
        ("SELECT * FROM beliefs AS OF '2999-01-01'", "", "^"),
        ("SELECT * FROM beliefs LIFECYCLE APROVED", "", "^^^^^^^"),
        ("SELECT * FROM beliefs WHERE AS OF '2024-01-01'", "", "^"),
        ("ASSERT ('a', 'b')", "", "^"),
        ("ASSERT ('', 'b', 'c')", "the subject is empty", "^^"),
        ("ASSERT ('x', 'b', NULL)", "the object is NULL", "^^^^"),
        ("ASSERT ('x', 'b', 'c') CONFIDENCE 2", "is not between 0 and 1", "^"),
        ("PROMOTE 'a:0000'", "no assertion has the id", "^"),
        ("SELECT ?", "", ""),
        ("DELETE FROM beliefs", "", "^"),
        ("SELECT load_extension('x')", "", ""),
        ("ATTACH 'x' AS y", "", "^"),
        ("\x1b[31mSELECT", "", ""),
        ("SELECT " + "(" * 300 + "1" + ")" * 300, "nested more than", "^"),
        ("SELECT 'a' 😀", "", "^"),
    ],
)
def test_malformed_statements(
    said: Run, base: Path, statement: str, message: str, caret: str
) -> None:
    code, out, err = said(base, "-c", statement)
    assert (code, out) == (1, "")
    assert message in err and caret in err
    assert err.split()[0].endswith("Error") and "." in err.split()[1]
    assert "Traceback" not in err and "defect" not in err and "\x1b" not in err
    assert said(base, "--jsonl", "-c", "SELECT count(*) AS n FROM commits").out == '{"n": 1}\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"SELECT '\xff'", "is not text in UTF-8 (at byte 8)"),
        (None, "cannot be read: No such file or directory"),
        ("folder", "cannot be read: Is a directory"),
    ],
)
def test_scripts_that_are_none(
    said: Run, base: Path, tmp_path: Path, content: object, message: str
) -> None:
    file = tmp_path / "script.epql"
    if isinstance(content, bytes):
        file.write_bytes(content)
    elif content:
        file.mkdir()
    code, _, err = said(base, "-f", file)
    assert code == 1 and message in err


def test_our_own_mistakes_are_no_tracebacks(
    said: Run, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("by the way")

    monkeypatch.setattr("epql.runner.Runner.execute", broken)
    code, _, err = said(base, "-c", READ)
    assert code == 1
    assert err.startswith("epql has a defect here: ZeroDivisionError: by the way\nhint: ")
