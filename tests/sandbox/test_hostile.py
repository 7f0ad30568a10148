"""Row S1: what nobody vouches for cannot write, load, read a file, set, or see inside.

On a read-only connection, and on one that writes, for what must not be possible there either.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import epql
from tests.rows import Row
from tests.sandbox import lists

OPENED: list[str] = []
"""Files that Python opened while somebody listens."""
_LISTENS = [False]


def _hook(event: str, given: tuple[Any, ...]) -> None:
    if _LISTENS[0] and event in ("open", "os.rename", "os.remove", "os.mkdir", "os.symlink"):
        OPENED.append(str(given[0]))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("hostile") / "kb"
    with epql.connect(path, autocommit=True) as con:
        con.executemany("ASSERT (?, 'p', ?)", [(f"s{n}", n) for n in range(100)])
        con.execute("ASSERT ('a', 'b', 'c') LIFECYCLE APPROVED")
        con.execute("DEFINE QUERY v AS SELECT subject FROM beliefs")
        con.execute("DEFINE QUERY t AS SELECT tx AS a, subject AS b FROM beliefs")
        con.close()
    box = path.parent / "box"
    box.mkdir()
    (box / "canary").write_text(lists.CANARY)
    return path


def tree(folder: Path) -> dict[str, str]:
    """Every file below, but the audit's and what SQLite keeps beside an open database."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and "audit" not in path.parts and not path.name.endswith(("-wal", "-shm"))
    }


def state(con: epql.Connection) -> dict[str, Any]:
    """The settings of a connection, SQLite's and its session's."""
    runner = con.runner
    found: dict[str, Any] = {"state": vars(runner.state).copy(), "limits": runner.limits}
    with runner.session.guard.ours():
        for name, db in (("sql", runner.session.sql), ("db", runner.session.db)):
            for (pragma,) in db.execute("PRAGMA pragma_list").fetchall():
                if pragma in _READ_ONLY_PRAGMAS:
                    found[f"{name}.{pragma}"] = db.execute(f"PRAGMA {pragma}").fetchall()
            found[f"{name}.limits"] = [db.limit(number) for number in range(12)]
    found["tables"] = runner.session.scratch.tables()
    found["heap"] = apsw.hard_heap_limit(-1)
    return found


_READ_ONLY_PRAGMAS = (
    "query_only", "user_version", "journal_mode", "synchronous", "trusted_schema", "temp_store",
    "writable_schema", "foreign_keys", "cache_size", "mmap_size", "locking_mode", "threads",
    "database_list", "recursive_triggers", "defer_foreign_keys", "secure_delete", "auto_vacuum",
)  # fmt: skip


def let_through(con: epql.Connection, texts: list[str], commits: int) -> Iterator[str]:
    """The statements that are not refused, or give something away, or do something."""
    before, inside = state(con), str(con.runner.database.path)
    for text in texts:
        OPENED.clear()
        _LISTENS[0] = True
        try:
            cursor = con.execute(text)
            rows = cursor.fetchall() if cursor.description else []
            yield f"ran: {text!r:.200} → {rows!r:.200}"
        except epql.Error as error:
            if lists.CANARY in str(error):
                yield f"shows the file: {text!r:.200}: {error}"
            if error.code in ("internal.unexpected", "sqlgen.node", "sqlgen.argument"):
                yield f"{error.code}: {text!r:.200}"
        finally:
            _LISTENS[0] = False
        if not all(name.endswith((".py", ".pyc")) or name.startswith(inside) for name in OPENED):
            yield f"opened {OPENED}: {text!r:.200}"
        if con.in_transaction:
            yield f"left a transaction open: {text!r:.200}"
            con.rollback()
    if state(con) != before:
        now = state(con)
        yield f"settings changed: { {k: (before[k], now[k]) for k in now if now[k] != before[k]} }"
    if con.execute("SELECT max(tx) FROM commits").fetchone() != (commits,):
        yield "something was written"


sys.addaudithook(_hook)


@pytest.mark.row("S1", "read-only")
def test_a_read_only_connection_lets_nothing_through(
    row: Row, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # modules are loaded on the way
    box = folder.parent / "box"
    con = epql.connect(folder, read_only=True, autocommit=True, limits=epql.Limits.untrusted())
    (commits,) = con.execute("SELECT max(tx) FROM commits").fetchone() or (0,)
    sqlite = lists.of_sqlite(box)
    own = lists.own(con, box)
    texts = [*sqlite, *own]
    before = tree(folder.parent)
    failures = list(let_through(con, texts, commits))
    failures += [f"changed: {name}" for name in _different(before, tree(folder.parent))]
    _scratch_tables_work(con)
    heavy = _heavy(con)
    con.close()
    row.ran = len(texts) + len(heavy)
    row.tell("of SQLite's list", len(sqlite) + len(heavy) + len(lists.ALLOWED))
    row.tell("of our own", len(own))
    row.tell("let through", len(failures))
    assert len(sqlite) + len(heavy) + len(lists.ALLOWED) == 106
    assert len(own) >= 100
    assert not failures, "\n".join(failures[:20])


def _heavy(con: epql.Connection) -> list[str]:
    """Run what is heavy: it ends, with an answer or one of our errors."""
    heavy = lists.heavy_of_sqlite()
    con.limits = epql.Limits(0.05, 10_000, 1_000_000, 100_000, 64_000_000, 100, files=False)
    for text in heavy:
        try:
            con.execute(text).fetchall()
        except epql.Error:
            continue
    return heavy


def _scratch_tables_work(con: epql.Connection) -> None:
    con.execute(lists.ALLOWED[0])
    con.execute("INSERT INTO hostile SELECT subject FROM beliefs")
    assert con.execute("SELECT count(*) FROM hostile").fetchone() == (101,)
    con.execute("DROP TABLE hostile")


def _different(before: dict[str, str], after: dict[str, str]) -> list[str]:
    return [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]


@pytest.mark.row("S1", "with limits")
def test_a_writing_connection_with_limits_reads_no_file_and_nothing_inside(
    row: Row, folder: Path
) -> None:
    box = folder.parent / "box"
    con = epql.connect(folder, autocommit=True, limits=epql.Limits.untrusted())
    (commits,) = con.execute("SELECT max(tx) FROM commits").fetchone() or (0,)
    texts = [*lists.of_sqlite(box), *lists.own_of_a_writer(con, box)]
    before = tree(folder.parent)
    failures = list(let_through(con, texts, commits))
    after = tree(folder.parent)
    failures += [
        f"changed: {name}"
        for name in _different(before, after)
        if not name.endswith(("/LOCK", "/ASKED"))
    ]
    con.close()
    row.ran = len(texts)
    row.tell("let through", len(failures))
    assert not failures, "\n".join(failures[:20])
