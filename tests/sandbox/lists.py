"""Hostile statements: SQLite's, as tests/crash/tools/hostile_sql.py lists them, and EPQL's own."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw

import epql
from epql.engine.functions import FUNCTIONS
from epql.engine.vtab.register import RELATIONS

TOOL = Path(__file__).parents[1] / "crash" / "tools" / "hostile_sql.py"
ALLOWED = ("CREATE TEMP TABLE hostile(a)",)
"""The one of SQLite's list that is let through: a scratch table (docs/decisions/0036)."""


def _tool() -> Any:
    spec = importlib.util.spec_from_file_location("hostile_sql", TOOL)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["hostile_sql"] = module
    spec.loader.exec_module(module)
    return module


_TOOL = _tool()
CANARY: str = _TOOL.CANARY


def of_sqlite(box: Path) -> list[str]:
    """What must be refused, of the tool's list."""
    return [text for text in _TOOL.forbidden(str(box)) if text not in ALLOWED]


def heavy_of_sqlite() -> list[str]:
    """What must end in time, of the tool's list."""
    return list(_TOOL.heavy())


# ---------------------------------------------------------------- EPQL's own


def files(box: Path) -> Iterator[str]:
    """Statements about files, by every way to say a path. `box` holds a file called canary."""
    canary = box / "canary"
    paths = [
        str(canary), f"{box}/../{box.name}/canary", f"{box}/./canary", f"file:{canary}",
        "/etc/passwd", "/dev/stdin", "/dev/fd/0", "/proc/self/environ", "-", f"{canary}\x00.csv",
        "~/.ssh/id_rsa", f"{box}/a\n.csv",
    ]  # fmt: skip
    for path in paths:
        yield f"IMPORT FROM '{path}' FORMAT csv"
        yield f"IMPORT FROM '{path}' FORMAT csv NO HEADER COLUMNS (subject, predicate, object)"
        yield f"IMPORT HISTORY FROM '{path}' SKIP BAD"
        yield f"RESTORE FROM '{path}'"
    for name in ("new", "canary", "../kb/FORMAT", "../kb/index.db", "../kb/journal/x.log"):
        yield f"EXPORT TO '{box / name}'"
        yield f"EXPORT TO '{box / name}' OVERWRITE"
        yield f"EXPORT (SELECT * FROM beliefs) TO '{box / name}' FORMAT csv OVERWRITE"
        yield f"BACKUP TO '{box / name}' WITH QUERIES"
    yield f"EXPORT (SELECT * FROM beliefs) TO '{box}' || '/joined'"
    yield f"IMPORT FROM '{box}' || '/canary' FORMAT csv"
    yield f"SELECT * FROM '{canary}'"
    yield f'SELECT * FROM "{canary}"'
    yield f"SELECT readfile('{canary}')"
    yield f"SELECT 1 INTO OUTFILE '{box / 'out'}'"
    yield f"COPY beliefs TO '{box / 'out'}'"
    yield f".read {canary}"
    yield f"\\i {canary}"


def internal(con: epql.Connection) -> Iterator[str]:
    """Reads of every table inside the index, the audit and SQLite, however they are called."""
    session = con.runner.session
    names = [
        name
        for db in (session.db, session.audited())
        for (name,) in db.execute("SELECT name FROM sqlite_schema")
    ]
    names = [name for name in dict.fromkeys(names) if name.lower() not in RELATIONS]
    sqlite = apsw.Connection(":memory:")
    names += [name for (name,) in sqlite.execute("SELECT name FROM pragma_module_list")]
    names += ["sqlite_schema", "sqlite_master", "sqlite_temp_master", "sqlite_sequence"]
    names += ["sqlite_stmt", "bytecode", "tables_used", "dbstat", "sqlite_dbpage", "fts5vocab"]
    names += ["generate_series", "completion", "fsdir", "csv", "information_schema.tables"]
    pragmas = [f"pragma_{name}" for (name,) in sqlite.execute("PRAGMA pragma_list")]
    for name in names:
        yield f"SELECT * FROM {name}"
        yield f'SELECT count(*) FROM main."{name}"'
        yield f"SELECT 1 WHERE 1 IN (SELECT 1 FROM [{name}])"
    for name in names[:12]:
        yield f"SELECT * FROM temp.{name}"
        yield f"SELECT * FROM `{name.upper()}`"
        yield f"SELECT * FROM 'main'.{name}"
        yield f"SELECT 1 IN {name}"
        yield f"SELECT * FROM {name}(1)"
        yield f"WITH x AS (SELECT * FROM {name}) SELECT * FROM x"
        yield f"WITH beliefs AS (SELECT * FROM {name}) SELECT * FROM main.beliefs, beliefs"
        yield f"CREATE TEMP TABLE h AS SELECT * FROM {name}"
        yield f"SELECT (SELECT count(*) FROM {name} WHERE beliefs.tx = 1) FROM beliefs"
        yield f"CHECK (SELECT * FROM {name})"
        yield f"BISECT (SELECT 1 FROM {name}) BETWEEN '-24h' AND NOW"
        yield f"EXPLAIN QUERY PLAN SELECT * FROM {name}"
        yield f"DESCRIBE {name}"
        yield f"SELECT * FROM beliefs b JOIN {name} USING (subject)"
    for name in pragmas:
        yield f"SELECT * FROM {name}"
    for relation in RELATIONS:
        yield f"SELECT epql_scope FROM {relation}"
        yield f"SELECT epql_seen FROM {relation}"
        yield f"SELECT * FROM {relation} WHERE epql_scope = 0"
    for name in ("epql_sides", "epql_rows", "epql_marked", "epql_left"):
        yield f"SELECT * FROM {name}"


def functions() -> Iterator[str]:
    """Calls of every function that SQLite has and a person has not, and of some that others have."""
    sqlite = apsw.Connection(":memory:")
    found = {name for (name,) in sqlite.execute("SELECT name FROM pragma_function_list")}
    others = [
        "readfile",
        "writefile",
        "edit",
        "lsmode",
        "fsdir",
        "eval",
        "shell_add_schema",
        "sha3",
        "load_extension",
    ]
    for name in sorted({*(name for name in found if name.isidentifier()), *others} - FUNCTIONS):
        for arguments in ("", "1", "'x', 'y'", "'x', x'00', 1"):
            yield f"SELECT {name}({arguments})"
            yield f"SELECT * FROM beliefs WHERE {name}({arguments}) IS NULL"


def settings() -> Iterator[str]:
    """Settings and transactions that are not the session's own."""
    sqlite = apsw.Connection(":memory:")
    for (name,) in sqlite.execute("PRAGMA pragma_list"):
        yield f"PRAGMA {name}"
        yield f"PRAGMA {name} = 1"
        yield f"PRAGMA main.{name}(1)"
    yield from """
        BEGIN IMMEDIATE
        BEGIN EXCLUSIVE TRANSACTION
        SAVEPOINT a
        RELEASE a
        ROLLBACK TO a
        ATTACH DATABASE ':memory:' AS a
        ATTACH ? AS a
        DETACH temp
        REINDEX beliefs
        ANALYZE temp
        VACUUM temp
        SET read_only = 0
        SET limits = 0
        SET SESSION AUTHORIZATION root
        SET journal_mode = off
        SET AGENT (SELECT * FROM kv)
        CREATE TABLE x (a)
        CREATE TEMPORARY VIEW x AS SELECT 1
        CREATE VIRTUAL TABLE temp.x USING dbstat
        CREATE VIRTUAL TABLE x USING csv(filename='/etc/passwd')
        CREATE TEMP TRIGGER x AFTER INSERT ON beliefs BEGIN SELECT 1; END
        CREATE TEMP TABLE main.x (a)
        CREATE TEMP TABLE sqlite_x (a)
        CREATE TEMP TABLE beliefs (a)
        CREATE INDEX x ON beliefs (subject)
        ALTER TABLE beliefs ADD COLUMN x
        DROP TABLE temp.sqlite_schema
        INSERT INTO sqlite_temp_schema VALUES (1, 2, 3, 4, 5)
        UPDATE temp.sqlite_master SET sql = ''
        DELETE FROM sqlite_schema
        LOAD 'libc.so.6'
        SELECT load_extension(?)
    """.strip().split("\n")  # fmt: skip


def tricks() -> Iterator[str]:
    """Several statements in one, comments, look-alikes, bytes that end a text."""
    second = "ASSERT ('hostile', 'p', 1)"
    for between in (";", ";;", "; --\n", "\x00;", "\n;\n", "; ", "；", "\u037e", "--;\n"):
        yield f"SELECT 1{between}{second}"
        yield f"SELECT 1 {between} PRAGMA query_only=0"
        yield f"SELECT 1 {between} ATTACH ':memory:' AS h"
    yield from (
        f"/* */{second};SELECT 1", f"--\n{second};SELECT 1", f"SELECT 1 /*/ */;{second}",
        f"EXPLAIN {second}", f"EXPLAIN QUERY PLAN {second}", f"WITH x AS ({second}) SELECT 1",
        f"SELECT * FROM ({second})", f"DESCRIBE {second}", f"CHECK ({second})",
        f"BISECT ({second}) BETWEEN '-24h' AND NOW", f"DEFINE QUERY h AS {second}",
        f"DEFINE QUERY h AS SELECT 1; {second}", f"EXPORT ({second}) TO '-'",
        "SEL\u200bECT * FROM kv", "SELECT * FROM ｓqlite_schema", "SELECT * FROM sqlite\u2010schema",
        "ѕelect 1", "PRAGMA\u00a0user_version", "SELECT * FROM kv\x00", "SELECT\x00* FROM kv",
        "SELECT * FROM \"kv\x00\"", "SELECT '\x00' FROM kv", "SELECT * FROM main.kv--",
        "SELECT * FROM main . kv", "SELECT * FROM main/**/./**/kv", "SELECT kv.* FROM kv",
        "SELECT * FROM beliefs, main.kv", "SELECT * FROM (kv)", "SELECT * FROM ((SELECT * FROM kv))",
        "TABLE kv", "VALUES ((SELECT 1 FROM kv))", "SELECT EXISTS (SELECT 1 FROM kv)",
        "SELECT * FROM beliefs WHERE subject IN kv", "SELECT * FROM beliefs WHERE subject IN main.kv",
        "SELECT * FROM beliefs ORDER BY (SELECT 1 FROM kv)", "SELECT * FROM beliefs LIMIT (SELECT 1 FROM kv)",
        "SELECT sum(tx) OVER (ORDER BY (SELECT 1 FROM kv)) FROM beliefs",
        "SELECT * FROM beliefs AS OF (SELECT v FROM kv)", "SELECT * FROM why((SELECT v FROM kv))",
        "SELECT count(*) FILTER (WHERE (SELECT 1 FROM kv)) FROM beliefs",
    )  # fmt: skip


def writes() -> Iterator[str]:
    """What writes, in forms that hide it."""
    yield from """
        DEFINE VIEW h AS SELECT 1
        CREATE VIEW h AS SELECT 1
        DEFINE QUERY h AS SELECT load_extension('x')
        DEFINE QUERY h AS SELECT * FROM kv
        DEFINE QUERY h (a) AS SELECT hex(zeroblob(900000000))
        DROP QUERY v
        DROP VIEW v
        INSERT INTO v VALUES (1)
        INSERT INTO beliefs SELECT * FROM beliefs
        INSERT OR REPLACE INTO assertions (subject, predicate, object) VALUES ('a', 'b', 'c')
        INSERT INTO assertions (subject, predicate, object) SELECT 'a', 'b', 'c' RETURNING *
        UPDATE beliefs SET object = 1
        UPDATE v SET subject = 1
        DELETE FROM beliefs WHERE 1
        WITH x AS (SELECT 1) INSERT INTO assertions (subject, predicate, object) SELECT 'a', 'b', 1
        WITH x AS (SELECT 1) DELETE FROM assertions
        ASSERT (SELECT subject, predicate, object FROM beliefs) DRY RUN
        RETRACT (SELECT id FROM assertions)
        CORRECT (SELECT id FROM assertions) REASON 'h'
        CONFIRM (SELECT id FROM assertions)
        VOTE AGAINST (SELECT id FROM assertions)
        REVIVE (SELECT id FROM assertions)
        REPEAL (SELECT id FROM constraints)
        FORBID (*, *, *) WHEN load_extension('x') REASON 'h'
        FORBID (*, *, *) WHEN fts3_tokenizer('simple') REASON 'h'
        FORBID (*, *, *) WHEN (SELECT 1 FROM kv) REASON 'h'
        DEFINE POLICY lifecycle = 'live'
        DEFINE AGENT root (kind = 'human')
        DEFINE TOPIC t (subjects = '*')
        DEFINE PREDICATE p TYPE text
        MARK EPOCH 'h'
        ERASE ('a', 'b')
        GRANT ALL ON beliefs TO public
        TRUNCATE beliefs
        MERGE INTO beliefs USING v ON 1 WHEN MATCHED THEN DELETE
    """.strip().split("\n")


def own(con: epql.Connection, box: Path) -> list[str]:
    """All of them that a read-only connection must refuse."""
    found = [*files(box), *internal(con), *functions(), *settings(), *tricks(), *writes()]
    return list(dict.fromkeys(text.strip() for text in found))


def own_of_a_writer(con: epql.Connection, box: Path) -> list[str]:
    """All of them that a writing connection with limits must refuse, too."""
    found = [*files(box), *internal(con), *functions(), *settings()]
    return list(dict.fromkeys(text.strip() for text in found))
