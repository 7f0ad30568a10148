"""What crafted files did once: each ends in the documented error, or in right answers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import apsw
import msgspec
import pytest

import epql
from epql.engine.audit.fold import AuditFold, Entry
from epql.engine.backup import restore
from epql.engine.check import check
from epql.engine.errors import Error
from epql.engine.folder import check_format
from epql.engine.index.fold import Fold
from epql.engine.index.schema import open_index
from epql.engine.ingest import catch_up
from epql.engine.journal.segments import segment_name
from epql.engine.lock import decode_note
from epql.engine.opening import Options
from epql.engine.rebuild import rebuild
from epql.engine.records import Assertion, Declaration, Transition, encode
from epql.engine.replay import Commit, commits_of
from epql.exchange import dump
from tests.clock import TestClock
from tests.fuzz import decoders, folders

AT = 1_767_600_000_000_000
OPTIONS = Options(TestClock("2026-08-01T00:00:00+00:00"), timeout_s=0.2)


def folded(*commits: Commit) -> list[tuple[str, str]]:
    """What of these commits is set aside: kind and reason."""
    db = open_index(":memory:")
    files = decoders.files_with({segment_name(1): decoders.segment_of(commits)})
    catch_up(Fold(db), files)
    return list(db.execute("SELECT kind, reason FROM aside ORDER BY id"))


def commit(tx: int, *records: tuple[str, int, bytes], at: int = AT) -> Commit:
    return Commit(tx, at + tx, False, list(records))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a small database."""
    folders.write(tmp_path / "kb", folders.template())
    return tmp_path / "kb"


def code_of(doing: Any) -> str:
    with pytest.raises(Error) as caught:
        doing()
    return caught.value.code


# ---------------------------------------------------------------- journals


def test_commits_without_records_are_commits() -> None:
    assert folded(commit(1), commit(2)) == []


def test_a_body_that_is_not_what_its_header_says_is_set_aside() -> None:
    data = decoders.segment_of((commit(1, ("E", 0, b"x" * 8)),))
    data = data[:208] + b"\xff\xff\0\0" + data[212:]  # the record's length
    files = decoders.files_with({segment_name(1): decoders.resealed(data)})
    db = open_index(":memory:")
    catch_up(Fold(db), files)
    assert db.execute("SELECT kind FROM aside").fetchall() == [("?",)]
    assert code_of(lambda: list(commits_of(files))) == "journal.damaged"


@pytest.mark.parametrize("at", [2**62, -(2**62)])
def test_a_commit_of_no_year_is_damage(at: int) -> None:
    assert code_of(lambda: folded(commit(1, at=at))) == "journal.damaged"


def test_valid_time_of_no_year_is_set_aside() -> None:
    odd = Assertion("s", "p", 1, 1.0, "a", valid_from=2**61)
    sound = Assertion("s", "p", 1, 1.0, "a")
    move = Transition(1, 1, b"x", "proposed", "superseded", "SUPERSEDE", "a", cut=2**61)
    found = folded(
        commit(1, ("H", 1, encode(odd)), ("H", 1, encode(sound)), ("L", 0, encode(move)))
    )
    assert found == [("H", "the valid interval is out of range"), ("L", "a cut out of range")]


def test_a_list_nested_without_end_is_set_aside() -> None:
    for what, field in (("query", "columns"), ("topic", "subjects")):
        said = Declaration(1, 0, what, "v", ((field, "[" * 100_000),), "a")
        found = folded(commit(1, ("D", 0, encode(said))))
        assert found == [("D", "a declaration this program does not know")]


@pytest.mark.parametrize("at", [0, 9, 30, 43, 54, 71, 92])
def test_a_note_with_a_right_check_and_wrong_words_is_no_note(at: int) -> None:
    line = b"clean   00000000000000000001 000000000120 0000000042 0123456789abcdef"
    line += b" 01780000000000000000 01780000000000000000 "
    assert decode_note(decoders.noted(line)) is not None
    assert decode_note(decoders.noted(line[:at] + b"\xff" + line[at + 1 :])) is None


# ---------------------------------------------------------------- exports, the audit


@pytest.mark.parametrize(
    "line",
    [
        '{"tx": Infinity, "at": 1, "records": 0}',
        '{"tx": 1, "at": [], "records": 0}',
        '{"tx": 1, "at": 1, "agent": "a", "records": 1}\n{"kind": "HH", "id": "", "bytes": ""}',
        '{"tx": 1, "at": 1, "records": 1}\n{"kind": "E", "id": "", "flags": 256, "bytes": ""}',
        '{"tx": 1, "at": 1, "records": 1}\n{"kind": "E", "id": "", "flags": 1e999, "bytes": ""}',
        '{"tx": 1, "at": 1, "records": 1}\n{"kind": "V", "id": "", "order": 99999999999999999999999}',
    ],
)
def test_what_no_record_can_be_is_a_bad_line(line: str) -> None:
    lines = ['{"format": "EPQL export", "version": 1}', *line.split("\n"), '{"end": true}']
    made = [one.encode() + b"\n" for one in lines]
    assert code_of(lambda: list(dump.commits(made))) == "export.line"


def test_parameters_that_no_read_has_are_counted_as_unknown() -> None:
    (asked, _) = decoders.reads()
    fields = msgspec.msgpack.decode(asked[1:])
    deep: Any = 1
    for _ in range(50):
        deep = [deep]
    for odd in (msgspec.msgpack.Ext(1, b"x"), deep):
        fields[5] = [odd]
        payload = msgspec.msgpack.encode(fields)
        assert AuditFold(decoders._audit_db()).apply([Entry(1, 0, 0, "Q", payload)]) == 1
    bomb = payload[:40] + b"\x91" * 100_000
    assert AuditFold(decoders._audit_db()).apply([Entry(1, 0, 0, "Q", bomb)]) == 1


# ---------------------------------------------------------------- folders


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE TRIGGER t AFTER INSERT ON txn BEGIN DELETE FROM assertion; END",
        "CREATE VIEW x AS SELECT load_extension('x')",
        "CREATE TABLE extra(a)",
        "DROP TABLE meta; CREATE VIEW meta AS SELECT 'applied_tx' AS key, 1 AS value",
        "ALTER TABLE slot ADD COLUMN g AS (hex(zeroblob(100000000)))",
    ],
)
def test_an_index_with_other_tables_is_not_asked_and_can_be_made_anew(
    folder: Path, sql: str
) -> None:
    db = apsw.Connection(str(folder / "index.db"))
    db.execute(sql)
    db.close()
    assert code_of(lambda: epql.connect(folder)) == "index.corrupt"
    with epql.connect(folder, read_only=True) as connection:  # with a private index
        assert connection.execute("SELECT count(*) FROM beliefs").fetchone() == (5,)
    assert [fault.code for fault in check(folder).faults] == ["index.unreadable"]
    rebuild(str(folder), OPTIONS)
    assert check(folder).is_sound


@pytest.mark.parametrize("name", ["LOCK", "FORMAT", "index.db", "index.db-wal", segment_name(1)])
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_is_no_plain_file_is_refused_at_once(folder: Path, name: str, kind: str) -> None:
    path = folder / name
    path.unlink(missing_ok=True)
    os.mkfifo(path) if kind == "pipe" else path.symlink_to("/dev/zero")
    for read_only in (False, True):
        try:
            epql.connect(folder, read_only=read_only, timeout=0.1).close()
        except Error as error:
            assert error.code in ("files.not_a_file", "files.link", "index.open")
    try:
        check(folder)
    except Error as error:
        assert error.code in ("files.not_a_file", "files.link")


@pytest.mark.parametrize("name", ["index.db", segment_name(1), "FORMAT", "LOCK"])
def test_a_file_of_a_terabyte_of_nothing_takes_no_memory(folder: Path, name: str) -> None:
    with (folder / name).open("r+b") as file:
        file.truncate(2**40)
    for doing in (lambda: epql.connect(folder).close(), lambda: check(folder)):
        try:
            doing()
        except Error as error:
            assert error.code in (
                "files.too_large",
                "index.open",
                "index.corrupt",
                "journal.damaged",
            )


def test_words_behind_the_version_are_copied_as_they_are(folder: Path, tmp_path: Path) -> None:
    (folder / "FORMAT").write_bytes(b"EPQL database\nversion 1\n\xff")
    restore(folder, tmp_path / "new", OPTIONS)
    assert check(tmp_path / "new").is_sound


def test_a_version_is_a_number() -> None:
    for number in ("²", "٣", "1" * 20, ""):
        files = decoders.files_with({"FORMAT": f"EPQL database\nversion {number}\n".encode()})
        assert code_of(lambda files=files: check_format(files)) == "database.format"


def test_rows_that_no_journal_makes_are_told(folder: Path) -> None:
    db = apsw.Connection(str(folder / "index.db"))
    db.execute("UPDATE assertion SET extra='[1]'")
    db.close()
    with epql.connect(folder, read_only=True) as connection:
        doing = connection.execute
        assert code_of(lambda: doing("WHY ('a', 'b')").fetchall()) == "internal.unexpected"
