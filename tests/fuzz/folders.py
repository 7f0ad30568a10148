"""Whole folders that somebody sends: they are opened, asked, written to, verified, rebuilt, copied
(row S11). Each step ends in an answer or in a documented error.

    journals   a journal with right hashes and anything in it (crafted.py)
    indexes    index.db with another schema, other rows, another's -wal
    damage     any file of a database changed, cut, replaced, or made something that is no file
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import apsw

import epql
from epql import nodes
from epql.engine import backup
from epql.engine.check import check
from epql.engine.errors import Error
from epql.engine.opening import Options
from epql.engine.rebuild import rebuild
from epql.parse import parse
from tests.clock import TestClock
from tests.fuzz import decoders, sources
from tests.fuzz.checks import FACTS, FILES, Finding, check_documented, guard, only_documented
from tests.fuzz.choices import Choices
from tests.fuzz.crafted import Crafted

_NOW = "2026-08-01T00:00:00+00:00"
UNEXPECTED = "internal.unexpected"
_LIMITS = epql.Limits(time=2.0, rows=500, length=2_000_000)
FIXED = (
    "SELECT * FROM beliefs LIFECYCLE ANY VALID ANYTIME",
    "SELECT * FROM assertions LIFECYCLE ANY VALID ANYTIME",
    "SELECT * FROM history LIFECYCLE ANY", "SELECT * FROM constraints", "SELECT * FROM trust",
    "SELECT * FROM v0", "SELECT * FROM v1 LIMIT 3", "SELECT * FROM v2 AS OF '-1d'",
    "SELECT * FROM commits", "SELECT * FROM changes", "SELECT * FROM beliefs DIFF SINCE TX 1",
    "WHY ('a', 'b')", "WHY NOT ('s', 'p', 1)", "IMPACT ('a', 'b')", "TRACE ('a', 'b')",
    "CHECK ('x1', 'library', 'requests')", "SHOW QUERIES", "SHOW POLICIES",
    "ASSERT ('x1', 'library', 'requests')", "ASSERT ('s', 'p', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
    "RETRACT ('a', 'b')", "SUPERSEDE ('s', 'p') WITH 1", "CORRECT ('s', 'p') TO 7 FORBID",
    "PROMOTE ('s', 'tag', 'x')", "CONFIRM ('a', 'b')", "DEFINE QUERY v9 AS SELECT * FROM v0",
    "SELECT * FROM beliefs RESOLVE BY CREDENCE", "SELECT * FROM beliefs RESOLVE BY CONSENSUS",
    "SELECT * FROM queries", "SELECT * FROM reads", "SELECT * FROM journal",
    "SELECT count(*), max(credence) FROM beliefs GROUP BY predicate", "EXPLAIN SELECT * FROM v0",
)  # fmt: skip
"""Statements that see each part of a database; others come from the manual and the tests."""


# ---------------------------------------------------------------- the folder to begin with


@cache
def template() -> dict[str, bytes]:
    """The files of a small database: journal, index, reads, a backup's manifest."""
    root = Path(_new())
    clock = TestClock("2026-01-05T10:00:00+00:00")
    made = epql.connect(root / "kb", agent="fuzz", clock=clock, audit="sync")
    for statement in (*made_of(FACTS), "SELECT * FROM beliefs", "SELECT count(*) FROM history"):
        made.execute(statement).fetchall() if statement[:6] == "SELECT" else made.execute(statement)
        clock.move(seconds=7)
        made.commit()
    made.execute("SELECT count(*) FROM queries").fetchall()
    made.close()
    found = {
        str(file.relative_to(root / "kb")): file.read_bytes()
        for file in sorted((root / "kb").rglob("*"))
        if file.is_file()
    }
    shutil.rmtree(root)
    assert {"FORMAT", "LOCK", "index.db"} < set(found)
    return found


def made_of(script: str) -> list[str]:
    """The statements of a script."""
    return [one for one in script.split(";\n") if one.strip()]


def _new() -> str:
    root = "/dev/shm" if os.path.isdir("/dev/shm") else None
    return tempfile.mkdtemp(prefix="epql-fuzz-", dir=root)


def write(root: Path, contents: dict[str, bytes]) -> None:
    """Put files into a folder."""
    for name, data in contents.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)


# ---------------------------------------------------------------- what is done with it


def visit(path: Path, choices: Choices, *, is_whole: bool) -> None:
    """Everything that can be done with a database's folder. `is_whole`: nothing but the journal
    was made by others, so that nothing unexpected may happen, and once it could be opened for
    writing, index and journal must agree. Raises: Finding."""
    if choices.below(4) == 0:
        with only_documented():
            backup.check_backup(path)
    _ask(path, choices, read_only=True, is_whole=is_whole)
    is_open = _ask(path, choices, read_only=False, is_whole=is_whole)
    with only_documented():
        verdict = check(path)
        if is_open and is_whole:
            wrong = [fault for fault in verdict.faults if fault.code.startswith("index.")]
            if any(not fault.is_harmless for fault in wrong):
                raise Finding(f"opened for writing, and then {wrong}")
    if choices.below(3) == 0:
        with only_documented():
            rebuild(str(path), _options())
            wrong = [f for f in check(path).faults if f.code.startswith("index.")]
            if wrong:
                raise Finding(f"rebuilt, and then {wrong}")
    if choices.below(3) == 0:
        with only_documented():
            backup.restore(path, path.with_name("restored"), _options())


def _options() -> Options:
    return Options(TestClock(_NOW), timeout_s=0.2)


def _ask(path: Path, choices: Choices, *, read_only: bool, is_whole: bool) -> bool:
    """Open it and run some statements; whether it could be opened."""
    with guard():
        try:
            connection = epql.connect(
                path, agent="fuzz", clock=TestClock(_NOW), timeout=0.2, read_only=read_only,
                limits=_LIMITS, audit="sync" if choices.below(2) else "lazy",
            )  # fmt: skip
        except Error as error:
            _check(error, is_whole)
            return False
    try:
        for _ in range(3):
            _execute(connection, choices.pick(FIXED), is_whole)
        _execute(connection, choices.pick(_written()), is_whole)
        if choices.below(4) == 0:
            with only_documented():
                connection.verify()
        if choices.below(3) == 0:
            with only_documented():
                connection.export_all(path.with_name("export"), overwrite=True)
    finally:
        with only_documented():
            connection.close()
    return True


@cache
def _written() -> tuple[str, ...]:
    return sources.manual()


def _execute(connection: Any, text: str, is_whole: bool) -> None:
    with guard():
        try:
            _run(connection, text)
        except Error as error:
            _check(error, is_whole)


def _check(error: Error, is_whole: bool) -> None:
    """Documented; what cannot be happens only where somebody forged the index. Raises: Finding."""
    check_documented(error)
    if is_whole and error.code in (UNEXPECTED, "index.failed", "index.corrupt", "index.diverged"):
        raise Finding(f"{error.code}: {error!r} of {error.__cause__!r}") from error


def _run(connection: Any, text: str) -> None:
    parsed = parse(text)
    if isinstance(parsed.statement, FILES):
        return
    params: Any = dict.fromkeys(parsed.named, 1) if parsed.named else [1] * parsed.positional
    cursor = connection.execute(text, params)
    if cursor.description is not None:
        cursor.fetchmany(100)
    if isinstance(parsed.statement, nodes.Assert):
        connection.commit()
    else:
        connection.rollback()


# ---------------------------------------------------------------- journals


def journals(data: bytes) -> None:
    """A crafted journal. Raises: Finding."""
    choices = Choices(data)
    contents = {"FORMAT": template()["FORMAT"], **Crafted(choices).files()}
    is_whole = not choices.seldom()
    if not is_whole:
        contents["LOCK"] = decoders.noted(choices.rest())
        choices = Choices(data)
    _with(contents, choices, is_whole=is_whole)


def _with(contents: dict[str, bytes], choices: Choices, *, is_whole: bool) -> None:
    root = Path(_new())
    try:
        write(root / "kb", contents)
        visit(root / "kb", choices, is_whole=is_whole)
    finally:
        shutil.rmtree(root, ignore_errors=True)


# ---------------------------------------------------------------- indexes

SCHEMES = (
    "CREATE VIEW x AS SELECT load_extension('x')", "CREATE TABLE extra(a, b)",
    "CREATE TRIGGER t AFTER INSERT ON txn BEGIN DELETE FROM assertion; END",
    "CREATE TRIGGER t AFTER INSERT ON slot BEGIN SELECT load_extension('x'); END",
    "CREATE TRIGGER t BEFORE UPDATE ON meta BEGIN SELECT raise(IGNORE); END",
    "CREATE TRIGGER t AFTER INSERT ON assertion BEGIN INSERT INTO assertion SELECT * FROM assertion; END",
    "CREATE TRIGGER t AFTER INSERT ON kv BEGIN SELECT hex(zeroblob(900000000)); END",
    "CREATE INDEX x ON slot(abs(id))", "CREATE INDEX x ON slot(subject COLLATE nocase)",
    "DROP TABLE {}", "DROP INDEX slot_predicate", "ALTER TABLE {} RENAME TO y",
    "ALTER TABLE {} ADD COLUMN g AS (hex(zeroblob(100000000)))",
    "DROP TABLE {0}; CREATE VIEW {0} AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c) SELECT x FROM c",
    "DROP TABLE {0}; CREATE VIRTUAL TABLE {0} USING fts5(key, value)",
    "DROP TABLE {0}; CREATE TABLE {0}(a)", "CREATE VIRTUAL TABLE r USING rtree(a, b, c)",
    "PRAGMA writable_schema=1; UPDATE sqlite_schema SET sql='CREATE TABLE {0}(' WHERE name='{0}'",
    "PRAGMA writable_schema=1; UPDATE sqlite_schema SET rootpage=2 WHERE name='{0}'",
    "PRAGMA writable_schema=1; UPDATE sqlite_schema SET type='view', rootpage=0 WHERE name='{0}'",
    "PRAGMA writable_schema=1; DELETE FROM sqlite_schema WHERE name='{0}'",
    "PRAGMA user_version={1}", "PRAGMA application_id={1}", "PRAGMA journal_mode=DELETE",
    "PRAGMA journal_mode=DELETE; PRAGMA encoding='UTF-16'; VACUUM",
    "PRAGMA journal_mode=DELETE; PRAGMA auto_vacuum=1; PRAGMA page_size=512; VACUUM",
)  # fmt: skip
VALUES = (
    "NULL", "1", "-1", "'x'", "x'00'", "1.5", "9223372036854775807", "-9223372036854775808",
    "zeroblob(100)", "'[[[['", "''", "hex(randomblob(16))", "9e999", "4611686018427387904",
)  # fmt: skip


def indexes(data: bytes) -> None:
    """index.db changed by somebody who knows SQLite. Raises: Finding."""
    choices = Choices(data)
    contents = dict(template())
    root = Path(_new())
    try:
        write(root / "kb", contents)
        path = root / "kb" / "index.db"
        for _ in range(1 + choices.below(4)):
            _change_index(path, choices)
        visit(root / "kb", choices, is_whole=False)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _change_index(path: Path, choices: Choices) -> None:
    kind = choices.below(8)
    if kind == 7:
        _beside(path, choices)
        return
    try:
        db = apsw.Connection(str(path))
    except apsw.Error:
        return
    try:
        db.execute("PRAGMA synchronous=OFF")
        db.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 0)
        tables = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type='table'")]
        table = choices.pick(tables or ["meta"])
        if kind < 4:
            db.execute(choices.pick(SCHEMES).format(table, choices.number()))
        else:
            _change_rows(db, table, choices)
    except (apsw.Error, OverflowError):
        pass
    finally:
        db.close()


def _change_rows(db: apsw.Connection, table: str, choices: Choices) -> None:
    columns = [row[1] for row in db.execute(f'PRAGMA table_info("{table}")')]
    db.execute("PRAGMA ignore_check_constraints=1")
    column, value = choices.pick(columns), choices.pick(VALUES)
    which = choices.pick(("1", f"rowid%{1 + choices.below(5)}=0", f'"{column}" IS NOT {value}'))
    db.execute(
        choices.pick((
            f'UPDATE OR REPLACE "{table}" SET "{column}"={value} WHERE {which}',
            f'DELETE FROM "{table}" WHERE {which}',
            f'UPDATE OR IGNORE "{table}" SET "{column}"="{choices.pick(columns)}"',
            f'INSERT OR IGNORE INTO "{table}" VALUES({",".join(choices.pick(VALUES) for _ in columns)})',
        ))
    )  # fmt: skip


def _beside(path: Path, choices: Choices) -> None:
    """What SQLite takes for its own beside a database: a -wal, a -journal, a -shm."""
    suffix = choices.pick(("-wal", "-journal", "-shm", "-wal", "-wal"))
    beside = path.with_name(path.name + suffix)
    kind = choices.below(4)
    if kind == 0:
        beside.write_bytes(_other_wal())
    elif kind == 1:
        beside.write_bytes(choices.rest())
    elif kind == 2:
        beside.write_bytes(changed(_other_wal(), choices))
    else:
        beside.unlink(missing_ok=True) if beside.is_file() else None
        beside.mkdir(exist_ok=True)


@cache
def _other_wal() -> bytes:
    """The -wal of another database with the same tables."""
    root = Path(_new())
    write(root, {"index.db": template()["index.db"]})
    db = apsw.Connection(str(root / "index.db"))
    db.execute("DELETE FROM assertion; UPDATE agent SET name=name||'x'; CREATE TABLE other(a)")
    data = (root / "index.db-wal").read_bytes()
    db.close()
    shutil.rmtree(root)
    return data


# ---------------------------------------------------------------- damage


def changed(data: bytes, choices: Choices) -> bytes:
    """The bytes with a few of them changed."""
    for _ in range(1 + choices.below(4)):
        at = choices.below(len(data) + 1) if len(data) < 2**24 else 0
        kind = choices.below(7)
        if kind == 0:
            data = (
                data[:at]
                + bytes([data[at] ^ 1 << choices.below(8)] if at < len(data) else [1])
                + data[at + 1 :]
            )
        elif kind == 1:
            data = data[:at]
        elif kind == 2:
            data += choices.blob(choices.below(64))
        elif kind == 3:
            size = 1 << choices.below(12)
            data = data[:at] + bytes(min(size, len(data) - at)) + data[at + size :]
        elif kind == 4:
            put = choices.blob(choices.pick((1, 2, 4, 8)))
            data = data[:at] + put + data[at + len(put) :]
        elif kind == 5:
            data = data[:at] + data[at + (1 << choices.below(12)) :]
        else:
            size, other = 1 << choices.below(12), choices.below(len(data) + 1)
            data = data[:at] + data[other : other + size] + data[at + size :]
    return data


def damage(data: bytes) -> None:
    """Files of a database changed without care for hashes, or made something else. Raises: Finding."""
    choices = Choices(data)
    contents = dict(template())
    root = Path(_new())
    try:
        write(root / "kb", contents)
        for _ in range(1 + choices.below(3)):
            _damage(root / "kb", choices)
        visit(root / "kb", choices, is_whole=False)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _damage(root: Path, choices: Choices) -> None:
    names = sorted(str(one.relative_to(root)) for one in root.rglob("*") if one.is_file())
    if not names:
        return
    path = root / choices.pick(names)
    kind = choices.below(16)
    if kind < 9:
        path.write_bytes(changed(_beginning(path), choices))
    elif kind == 9:
        path.unlink()
    elif kind == 10:
        path.write_bytes(_beginning(root / choices.pick(names)))
    elif kind == 11:
        path.write_bytes(b"")
    elif kind == 12:
        with path.open("r+b") as file:
            file.truncate(choices.pick((2**33, 2**40, 2**20)))
    else:
        path.unlink()
        if kind == 13:
            path.mkdir()
        elif kind == 14:
            os.mkfifo(path)
        else:
            path.symlink_to(choices.pick(("/dev/zero", "/dev/null", "nothing", ".", "/etc/passwd")))


def _beginning(path: Path) -> bytes:
    """A file's bytes; of one that was made terabytes long, its first megabyte."""
    with path.open("rb") as file:
        return file.read(2**20)


def plans() -> Iterator[bytes]:
    """A few choices to begin with."""
    from random import Random

    for seed in range(20):
        yield Random(seed).randbytes(200)
