"""When memory or open files run out: the documented error, nothing half done, work goes on.

What is cut short here at chosen places, tests/crash/test_memory.py cuts short at any allocation.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import apsw
import pytest

import epql
from epql.engine.journal.writer import JournalWriter
from epql.engine.lock import WriterLock


def out_of_memory(*_: object, **__: object) -> NoReturn:
    raise MemoryError


@pytest.fixture
def con(tmp_path: Path) -> Any:
    con = epql.connect(tmp_path / "kb", agent="a", audit="off")
    con.execute("ASSERT ('s', 'p', 'first')")
    con.commit()
    yield con
    con.close()


def objects(con: Any) -> set[str]:
    return {o for (o,) in con.execute("SELECT object FROM assertions").fetchall()}


def goes_on(con: Any, expected: set[str]) -> None:
    """What is seen is this, by others too; and one more commit works."""
    assert objects(con) == expected
    con.execute("ASSERT ('s', 'p', 'last')")
    con.commit()
    with epql.connect(con.runner.database.path, read_only=True, audit="off") as other:
        assert objects(other) == expected | {"last"}
        other.close()
    assert con.verify() == []


def fails(act: Callable[[], object]) -> None:
    with pytest.raises(epql.OperationalError) as caught:
        act()
    assert caught.value.code == "memory.full"


def write(con: Any) -> None:
    con.execute("ASSERT ('s', 'p', 'second')")
    con.commit()


@pytest.mark.parametrize(
    ("where", "name"),
    [
        (WriterLock, "_sign"),
        (WriterLock, "read_note"),
        (JournalWriter, "refresh"),
        (JournalWriter, "_encoded"),
    ],
)
def test_a_statement_without_memory_leaves_nothing(
    con: Any, monkeypatch: pytest.MonkeyPatch, where: Any, name: str
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(where, name, out_of_memory)
        fails(lambda: write(con))
    goes_on(con, {"first"})


def test_what_undoes_a_transaction_has_no_memory_either(
    con: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    con.execute("ASSERT ('s', 'p', 'second')")
    with monkeypatch.context() as patch:
        patch.setattr(con.runner.database, "_roll_back", out_of_memory)
        patch.setattr(con.runner.database.lock, "release", out_of_memory)
        fails(con.rollback)
    goes_on(con, {"first"})


def test_what_undoes_a_statement_has_no_memory_either(
    con: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The transaction is lost: half a statement is never committed."""
    con.execute("ASSERT ('s', 'p', 'second')")
    with monkeypatch.context() as patch:
        patch.setattr(con.runner.database.fold, "apply", out_of_memory)
        patch.setattr(con.runner.database, "forget", out_of_memory)
        fails(lambda: con.execute("ASSERT ('s', 'p', 'third')"))
    con.commit()
    goes_on(con, {"first"})


def test_a_commit_that_is_durable_is_told_as_done(
    con: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(con.runner.database.fold, "finish", out_of_memory)
        write(con)
    goes_on(con, {"first", "second"})


def test_a_sync_without_memory_is_a_failed_sync(con: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    con.execute("ASSERT ('s', 'p', 'second')")
    with monkeypatch.context() as patch:
        patch.setattr(JournalWriter, "_write", out_of_memory)
        patch.setattr(WriterLock, "note", _forgets_failed(WriterLock.note))
        fails(con.commit)
    with pytest.raises(epql.OperationalError) as caught:
        write(con)
    assert caught.value.code == "journal.failed"
    assert objects(con) == {"first"}


def _forgets_failed(note: Callable[..., None]) -> Callable[..., None]:
    def patched(self: WriterLock, state: str, *rest: int) -> None:
        if state == "failed":
            raise MemoryError
        assert state != "clean", "a journal that failed is called clean"
        note(self, state, *rest)

    return patched


def test_sqlite_has_no_memory(con: Any) -> None:
    apsw.hard_heap_limit(apsw.memory_used() + 4096)
    try:
        fails(
            lambda: con.executemany("ASSERT (?, 'p', ?)", [(f"{n}", "x" * 9000) for n in range(99)])
        )
    finally:
        apsw.hard_heap_limit(0)
    con.rollback()
    goes_on(con, {"first"})


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE])
def test_no_file_can_be_opened(con: Any, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A statement may be the first to need a module."""

    def too_many(*_: object) -> NoReturn:
        raise OSError(code, "", "module.py")

    monkeypatch.setattr(con.runner, "_dispatch", too_many)
    with pytest.raises(epql.OperationalError) as caught:
        con.execute("SHOW ALL")
    assert caught.value.code == "files.too_many_open" and caught.value.retryable
