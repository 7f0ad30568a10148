"""`epql verify`: sound, wrong or cannot tell; in sentences; and nothing is changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import apsw
import pytest

import epql
from epql.cli.main import main
from epql.engine import check as checking
from epql.engine.check import check, check_record
from epql.engine.records import Epoch, encode
from tests.samples.sample import unpack


class Said(NamedTuple):
    """What the command said, and how it ended."""

    code: int
    out: str
    err: str


Verify = Callable[[Path], Said]


def tree(path: Path) -> dict[str, tuple[int, bytes]]:
    """Every file with its time and bytes."""
    return {
        str(file.relative_to(path)): (file.stat().st_mtime_ns, file.read_bytes())
        for file in path.rglob("*")
        if file.is_file()
    }


@pytest.fixture
def verify(capsys: pytest.CaptureFixture[str]) -> Verify:
    """Runs the command, and sees to it that nothing has changed."""

    def call(path: Path) -> Said:
        before = tree(path) if path.is_dir() else None
        capsys.readouterr()
        code = main(["verify", str(path)])
        assert before is None or tree(path) == before
        return Said(code, *capsys.readouterr())

    return call


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("made") / "kb.epql"
    connection = epql.connect(path, autocommit=True)
    for number in range(30):
        connection.execute("ASSERT (?, 'n', ?)", (f"s/{number % 7}", number))
    connection.execute("PROMOTE ('s/1', 'n')")
    connection.execute("RETRACT ('s/2', 'n')")
    connection.execute("SUPERSEDE ('s/1', 'n') WITH 'x'")
    connection.execute("MARK EPOCH 'end'")
    connection.close()
    return path


@pytest.fixture
def base(made: Path, tmp_path: Path) -> Path:
    """A copy to spoil."""
    return Path(shutil.copytree(made, tmp_path / "kb.epql"))


def journal(base: Path) -> Path:
    (file,) = (base / "journal").glob("*.log")
    file.chmod(0o600)
    return file


def spoil(base: Path, sql: str) -> None:
    db = sqlite3.connect(base / "index.db")
    db.execute(sql)
    db.commit()
    db.close()


def test_a_sound_database(verify: Verify, base: Path) -> None:
    said = verify(base)
    assert said.code == 0 and said.err == ""
    lines = said.out.splitlines()
    assert lines[0].startswith("journal  1 segment, 34 commits, ")
    assert lines[0].endswith(": the chain holds")
    assert lines[1].endswith("records: each is what its address says")
    assert lines[2].startswith("index    at tx 34, ")
    assert lines[2].endswith("rows: the same as a fresh fold of the journal")
    assert lines[3] == "sound"


def test_an_empty_database(verify: Verify, tmp_path: Path) -> None:
    epql.connect(tmp_path / "kb").close()
    assert verify(tmp_path / "kb").code == 0


def test_while_somebody_has_it_open(verify: Verify, base: Path) -> None:
    connection = epql.connect(base)
    connection.execute("ASSERT ('open', 'is', 'not committed')")
    said = verify(base)
    assert said.code == 0 and "at tx 34" in said.out
    connection.close()


@pytest.mark.parametrize("place", [0.2, 0.5, 0.9])
def test_a_flipped_byte_of_the_journal(verify: Verify, base: Path, place: float) -> None:
    file = journal(base)
    data = bytearray(file.read_bytes())
    data[int(len(data) * place)] ^= 4
    file.write_bytes(data)
    said = verify(base)
    assert said.code == 1
    assert "journal.damaged: " in said.err
    assert "Do not write to this database. Restore its folder from a copy" in said.out
    assert said.out.endswith("not sound\n")


def test_commits_gone_from_the_journal_s_end(verify: Verify, base: Path) -> None:
    file = journal(base)
    sql = "SELECT offset FROM txn WHERE tx=33"
    db = sqlite3.connect(base / "index.db")
    (offset,) = db.execute(sql).fetchone()
    db.close()
    os.truncate(file, offset)
    said = verify(base)
    assert said.code == 1
    assert "journal.cut: " in said.err and "ends at tx 32; tx 34 is known" in said.err
    assert "commits at its end are gone that the index knows" in said.out


def test_a_torn_tail_is_no_fault(verify: Verify, base: Path) -> None:
    with journal(base).open("ab") as file:
        file.write(b"EPQF half a frame")
    said = verify(base)
    assert said.code == 0
    assert "17 bytes of an unfinished write" in said.err.replace("\n", " ")


@pytest.mark.parametrize(
    ("sql", "table"),
    [
        (
            "UPDATE assertion SET confidence=0.5 WHERE id=(SELECT max(id) FROM assertion)",
            "assertion",
        ),
        ("DELETE FROM touched WHERE tx=7", "touched"),
        ("INSERT INTO agent(name, tx) VALUES('ghost', 1)", "agent"),
        ("UPDATE span SET to_tx=9 WHERE rowid IN (SELECT 1)", "span"),
        ("DELETE FROM kv WHERE key=(SELECT min(key) FROM kv)", "kv"),
        ("UPDATE txn SET recorded_at=recorded_at-1 WHERE tx=3", "txn"),
    ],
)
def test_an_index_that_tells_another_story(
    verify: Verify, base: Path, sql: str, table: str
) -> None:
    spoil(base, sql.replace("WHERE rowid IN (SELECT 1)", "WHERE from_tx=5"))
    said = verify(base)
    assert said.code == 1
    assert f"index.differs: the table {table} is not what the journal says: row " in said.err
    assert f"epql rebuild {base} makes a new index" in said.out
    assert main(["rebuild", str(base)]) == 0
    assert verify(base).code == 0


def test_an_index_with_another_schema(verify: Verify, base: Path) -> None:
    spoil(base, "DROP INDEX slot_topic")
    assert "its schema is not the one it should have: slot_topic" in verify(base).err


def test_an_index_of_another_journal(verify: Verify, base: Path, tmp_path: Path) -> None:
    other = epql.connect(tmp_path / "other", autocommit=True)
    other.execute("ASSERT ('a', 'b', 'c')")
    other.close()
    shutil.copy(tmp_path / "other" / "index.db", base / "index.db")
    said = verify(base)
    assert said.code == 1 and "tx 1 is not the commit that is known from the index" in said.err


@pytest.mark.parametrize("rubbish", [b"not a database", os.urandom(9000)])
def test_an_index_that_is_none(verify: Verify, base: Path, rubbish: bytes) -> None:
    (base / "index.db").write_bytes(rubbish)
    said = verify(base)
    assert said.code == 1 and "index.unreadable: " in said.err


def test_a_damaged_page_of_the_index(verify: Verify, base: Path) -> None:
    file = base / "index.db"
    data = bytearray(file.read_bytes())
    with closing(sqlite3.connect(file)) as db:
        pages = [
            page for (page,) in db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'span'")
        ]
    for page in pages:  # the schema and the checkpoint stay whole: the index can be opened
        data[(page - 1) * 4096 : (page - 1) * 4096 + 200] = os.urandom(200)
    file.write_bytes(data)
    said = verify(base)
    assert said.code == 1 and "index.corrupt: " in said.err


@pytest.mark.parametrize("left", ["missing", "empty"])
def test_no_index_is_no_fault(verify: Verify, base: Path, left: str) -> None:
    (base / "index.db").unlink()
    if left == "empty":
        (base / "index.db").touch()
    said = verify(base)
    assert said.code == 0 and "it is made at the next opening" in said.err


def test_an_index_behind_the_journal(verify: Verify, base: Path, tmp_path: Path) -> None:
    old = shutil.copy(base / "index.db", tmp_path / "old.db")
    connection = epql.connect(base, autocommit=True)
    connection.execute("ASSERT ('later', 'is', 'later')")
    connection.close()
    shutil.copy(old, base / "index.db")
    said = verify(base)
    assert said.code == 0 and "the index is at tx 34, the journal at tx 35" in said.err


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE meta SET value='x' WHERE key='applied_tx'", "its checkpoint is not one of ours"),
        ("UPDATE meta SET value=-5 WHERE key='applied_tx'", "its checkpoint is not one of ours"),
        ("DROP TABLE aside", "its schema is not the one it should have: aside"),
        ("DROP TABLE meta", "its schema is not the one it should have: meta"),
    ],
)
def test_an_index_that_somebody_has_changed_by_hand(
    verify: Verify, base: Path, capsys: pytest.CaptureFixture[str], sql: str, told: str
) -> None:
    spoil(base, sql)
    said = verify(base)
    assert said.code == 1 and told in said.err
    assert main(["doctor", str(base)]) == 1
    assert "defect" not in "".join(capsys.readouterr())


def test_a_pipe_in_a_segment_s_place_keeps_nobody_waiting(verify: Verify, base: Path) -> None:
    file = journal(base)
    file.unlink()
    os.mkfifo(file)
    assert main(["verify", str(base)]) == 2
    assert main(["doctor", str(base)]) == 1 and main(["head", str(base)]) == 1
    with pytest.raises(epql.OperationalError) as caught:
        epql.connect(base)
    assert caught.value.code == "files.not_a_file"


def test_no_room_for_the_fresh_fold_cannot_be_told(
    verify: Verify, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> Any:
        raise apsw.FullError("FullError: database or disk is full")

    monkeypatch.setattr(checking, "catch_up", full)
    said = verify(base)
    assert said.code == 2 and "index.failed: the index cannot be compared" in said.err


_KILLED = """
import os, sys, epql
con = epql.connect(sys.argv[1], autocommit=True)
for number in range(3):
    con.execute("ASSERT (?, 'p', 'o')", (str(number),))
os._exit(9)
"""


def test_the_index_beside_which_a_killed_process_left_files(verify: Verify, tmp_path: Path) -> None:
    path = tmp_path / "kb"
    subprocess.run([sys.executable, "-c", _KILLED, path], check=False)
    assert {"index.db-wal", "index.db-shm"} <= set(os.listdir(path))
    said = verify(path)  # which sees to it that no byte and no time of them changes
    assert said.code == 0 and "index    at tx 3, " in said.out
    (path / "index.db-shm").unlink()  # as copying tools leave it out
    said = verify(path)
    assert said.code == 0 and "index    at tx 3, " in said.out


def test_the_index_of_an_older_program(verify: Verify, tmp_path: Path) -> None:
    for name in ("v1/torn", "v1/unclean"):
        (tmp_path / name).mkdir(parents=True)
        path = unpack(name, tmp_path / name)
        said = verify(path)
        assert said.code == 0 and "an older program made the index" in said.err.replace("\n", " ")
        assert "index.outdated" in [fault.code for fault in check(path).faults]
        main(["rebuild", str(path)])
        said = verify(path)
        assert said.code == 0 and "the same as a fresh fold" in said.out


def test_somebody_comes_while_the_index_is_read(
    verify: Verify, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read without locks is read again when it was written meanwhile."""
    looks = []
    look = checking._check_fold

    def disturbed(db: Any, files: Any, tx: int, *rest: Any) -> Any:
        looks.append(tx)
        if len(looks) == 1:
            with closing(epql.connect(base, autocommit=True)) as connection:
                connection.execute("ASSERT ('just', 'now', 'here')")
            yield checking.Fault("index.differs", "a page of before, a page of after")
        yield from look(db, files, tx, *rest)

    monkeypatch.setattr(checking, "_check_fold", disturbed)
    capture = check(base)
    assert capture.is_sound and looks == [34, 35]


# ---------------------------------------------------------------- cannot tell


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("missing", "there is no database at"),
        ("a file", "is a file, not a folder"),
        ("another folder", "there is no database at"),
        ("another version", "the database has format version 9"),
        ("no format", "the file FORMAT is not one of ours"),
    ],
)
def test_what_cannot_be_told(verify: Verify, base: Path, what: str, message: str) -> None:
    path = base
    if what in ("missing", "a file", "another folder"):
        path = base.parent / "other"
    if what == "a file":
        path.write_text("x")
    elif what == "another folder":
        path.mkdir()
    elif what == "another version":
        (base / "FORMAT").write_text("EPQL database\nversion 9\n")
    elif what == "no format":
        (base / "FORMAT").write_text("something else\n")
    said = verify(path)
    assert said.code == 2 and message in said.err
    assert said.out == "cannot tell whether it is sound\n"


def test_a_locked_index_cannot_be_told(
    verify: Verify, base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: Any, **__: Any) -> Any:
        raise apsw.BusyError("BusyError: database is locked")

    monkeypatch.setattr("epql.engine.check.applied", busy)
    said = verify(base)
    assert said.code == 2 and "the index is busy" in said.err


# ---------------------------------------------------------------- records


@pytest.fixture
def epoch() -> bytes:
    return encode(Epoch(1, "one", "me"))


def test_records_must_have_the_form_of_their_content(epoch: bytes) -> None:
    assert check_record("E", epoch, "tx 1") is None
    longer = epoch.replace(b"\xa3one", b"\xd9\x03one")  # the same text, written longer
    fault = check_record("E", longer, "tx 1")
    assert fault is not None and fault.code == "record.form" and not fault.is_harmless
    fault = check_record("E", epoch[:-1], "tx 1")
    assert fault is not None and "is not readable" in fault.sentence
    fault = check_record("?", epoch, "tx 1")
    assert fault is not None and fault.is_harmless


def test_progress_is_told(base: Path) -> None:
    told: list[tuple[int, int]] = []
    check(base, lambda done, total: told.append((done, total)))
    assert told[-1] == (34, 34)
