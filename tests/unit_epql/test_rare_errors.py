"""Errors that take a fault, another process or a mistake of ours to be seen; each says its code.

One test for each code that no other test provokes. What is documented as `report it` cannot be
reached by statements; here the engine is called as no code of ours calls it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from sqlglot import exp

import epql
from epql.cli.main import main
from epql.engine import transaction
from epql.engine.audit.cache import remove_cache
from epql.engine.check import check
from epql.engine.digest import digest
from epql.engine.files import MemoryFiles
from epql.engine.index import schema
from epql.engine.journal.format import encode_frame
from epql.engine.journal.recovery import create
from epql.engine.journal.segments import segment_name
from epql.engine.journal.tail import Tail
from epql.engine.journal.verify import verify
from epql.engine.journal.writer import JournalWriter, Pending
from epql.engine.lock import WriterLock
from epql.questions import bisect
from epql.sqlgen.writer import only, sql

COMMIT = Pending(1, [("M", 0, b"m")])


@pytest.fixture
def kb(tmp_path: Path) -> Iterator[epql.Connection]:
    with closing(epql.connect(tmp_path / "kb", autocommit=True, timeout=0.05)) as connection:
        connection.execute("ASSERT ('a', 'b', 'c')")
        yield connection


def code_of(what: Any, *arguments: Any, **options: Any) -> str:
    """The code of the error that a call ends with."""
    with pytest.raises(epql.Error) as caught:
        what(*arguments, **options)
    return caught.value.code


# ---------------------------------------------------------------- others hold it


def test_another_connection_writes_the_index(kb: epql.Connection, tmp_path: Path) -> None:
    with closing(apsw.Connection(str(tmp_path / "kb" / "index.db"))) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(epql.OperationalError) as caught:
            kb.execute("ASSERT ('d', 'e', 'f')")
        assert caught.value.code == "index.busy" and caught.value.retryable
    kb.execute("ASSERT ('d', 'e', 'f')")


def test_others_fill_the_audit(tmp_path: Path) -> None:
    with closing(epql.connect(tmp_path / "kb", autocommit=True, timeout=0.05)) as kb:
        kb.execute("SELECT count(*) FROM queries").fetchall()
        with closing(apsw.Connection(str(tmp_path / "kb" / "audit" / "audit.db"))) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(epql.OperationalError) as caught:
                kb.execute("SELECT count(*) FROM queries").fetchall()
            assert caught.value.code == "audit.busy" and caught.value.retryable


def test_what_verify_says_of_an_index(kb: epql.Connection, tmp_path: Path) -> None:
    kb.close()
    (tmp_path / "kb" / "index.db").rename(tmp_path / "kept.db")
    assert [fault.code for fault in check(tmp_path / "kb").faults] == ["index.missing"]
    with closing(epql.connect(tmp_path / "kb", autocommit=True)) as again:
        again.execute("ASSERT ('d', 'e', 'f')")
    (tmp_path / "kept.db").rename(tmp_path / "kb" / "index.db")
    assert [fault.code for fault in check(tmp_path / "kb").faults] == ["index.behind"]


# ---------------------------------------------------------------- what surrounds it


def test_an_audit_that_cannot_be_removed(tmp_path: Path) -> None:
    (tmp_path / "audit.db" / "full").mkdir(parents=True)
    assert code_of(remove_cache, tmp_path) == "audit.remove"


def test_an_old_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "SQLITE_MIN", 99_000_000)
    assert code_of(epql.connect, ":memory:") == "index.sqlite_version"


# ---------------------------------------------------------------- wrong calls and limits


@pytest.mark.parametrize(
    ("at", "code"), [("2020-01-01", "backfill.order"), ("2999-01-01", "backfill.future")]
)
def test_history_out_of_order(tmp_path: Path, at: str, code: str) -> None:
    lines = [
        f'{{"at": "{when}", "agent": "ann", "facts": [["a", "b", "{when}"]]}}\n'
        for when in ("2021-01-01", at)
    ]
    (tmp_path / "history.jsonl").write_text("".join(lines))
    with closing(epql.connect(":memory:")) as connection, pytest.raises(epql.DataError) as caught:
        connection.import_history(tmp_path / "history.jsonl")
    cause = caught.value.__cause__
    assert caught.value.code == "history.line"
    assert isinstance(cause, epql.Error) and cause.code == code


def test_a_bisect_over_too_many_commits(
    kb: epql.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bisect, "_TRIED_MAX", 0)
    kb.execute("ASSERT ('a', 'b', 'd')")
    text = "BISECT (SELECT object FROM beliefs WHERE subject = 'a') BETWEEN TX 1 AND TX 2"
    assert code_of(kb.execute, text) == "bisect.limit"


def test_calls_that_cannot_be(kb: epql.Connection, tmp_path: Path) -> None:
    assert code_of(kb.execute, 7) == "statement.type"
    assert code_of(kb.export, "RETRACT ('a', 'b')", tmp_path / "x.csv") == "export.query"
    assert code_of(kb.runner.session.scope, 999) == "scope.unknown"


def test_the_demo_does_not_mix_with_other_knowledge(
    kb: epql.Connection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kb.close()
    assert main(["demo", str(tmp_path / "kb")]) == 1
    assert "demo.other" in capsys.readouterr().err


def test_a_transaction_of_too_many_records(
    kb: epql.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "RECORDS_MAX", 3)
    rows = [("s", "p", str(number)) for number in range(5)]
    assert code_of(kb.executemany, "ASSERT (?, ?, ?)", rows) == "transaction.too_large"
    assert kb.execute("SELECT count(*) FROM beliefs").fetchone() == (1,)


# ---------------------------------------------------------------- the engine, wrongly called


@pytest.fixture
def files() -> MemoryFiles:
    return MemoryFiles()


@pytest.fixture
def tail(files: MemoryFiles) -> Tail:
    return create(files, bytes(16))


def test_a_journal_wrongly_used(files: MemoryFiles, tail: Tail) -> None:
    wrong: Any = "always"
    assert code_of(JournalWriter, files, tail=tail, durability=wrong) == "journal.durability"
    jumped = Tail(*(getattr(tail, name) for name in Tail.__slots__[:-4]), peaks=None)
    assert code_of(JournalWriter, files, tail=jumped) == "journal.place"
    assert code_of(create, files, bytes(16)) == "journal.exists"
    nothing: Any = object()
    assert code_of(WriterLock.of, nothing) == "lock.files"


def test_somebody_else_writes_to_the_journal(files: MemoryFiles, tail: Tail) -> None:
    writer = JournalWriter(files, tail=tail)
    files.open(segment_name(1)).write(b"without the lock")
    assert code_of(writer.append, [COMMIT]) == "journal.moved"
    assert code_of(writer.append, [COMMIT]) == "journal.failed"


def test_a_record_that_lies_outside_its_frame(files: MemoryFiles, tail: Tail) -> None:
    """The hash holds, so it was written so: a writer's mistake."""
    data, _ = encode_frame(
        tx=1, offset=tail.offset, recorded_at=1, records=COMMIT.records, synced_up_to=tail.offset,
        previous=tail.last_digest, salt=tail.salt,
    )  # fmt: skip
    spoilt = bytearray(data)
    struct.pack_into("<I", spoilt, 12, 5)
    spoilt[80:88] = digest(tail.salt + bytes(spoilt[:80]))[:8]
    spoilt[-32:] = digest(tail.salt + bytes(spoilt[:-32]))
    files.open(segment_name(1)).write(bytes(spoilt))
    assert [finding.code for finding in verify(files).findings] == ["journal.record"]


@pytest.mark.parametrize(
    ("node", "code"),
    [
        (exp.Literal(this="x", is_string=False), "sqlgen.number"),
        (exp.HexString(this="zz"), "sqlgen.blob"),
        (exp.Command(this="x"), "sqlgen.node"),
    ],
)
def test_sql_that_cannot_be_written(node: exp.Expr, code: str) -> None:
    assert code_of(sql, node) == code


def test_an_argument_that_would_be_dropped() -> None:
    assert code_of(only, exp.Paren(this=exp.Null(), odd=1), "this") == "sqlgen.argument"
