"""Statements that a read-only connection must refuse, and such as want more than their share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

SECRET = "canary-7f3a91"


def forbidden(box: Path) -> Iterator[str]:
    """What SQLite would do to files, settings and schemas. `box` holds a file called canary."""
    canary = box / "canary"
    yield from """
        CREATE TABLE hostile(a)
        CREATE VIEW hostile AS SELECT 1
        CREATE TEMP VIEW hostile AS SELECT 1
        CREATE TRIGGER hostile AFTER INSERT ON t BEGIN SELECT 1; END
        CREATE VIRTUAL TABLE hostile USING fts5(a)
        CREATE INDEX hostile ON t(a)
        DROP TABLE t
        ALTER TABLE t RENAME TO u
        INSERT INTO t VALUES(1,2)
        UPDATE t SET a=1
        DELETE FROM t
        REPLACE INTO t VALUES(1,2)
        ATTACH ':memory:' AS h
        VACUUM
        DETACH main
        SELECT load_extension('libc.so.6')
        SELECT load_extension('libc.so.6', 'main')
        SELECT edit('x')
        SELECT fts3_tokenizer('simple')
        SELECT fts3_tokenizer('simple', x'0000000000000000')
        SELECT * FROM sqlite_dbpage
        SELECT * FROM sqlite_master
        SELECT * FROM sqlite_schema
        SELECT * FROM temp.sqlite_schema
        SELECT * FROM pragma_database_list
        SELECT * FROM pragma_table_info('beliefs')
        SELECT * FROM dbstat
        SELECT * FROM sqlite_stmt
        PRAGMA writable_schema=1
        PRAGMA journal_mode=off
        PRAGMA journal_mode=delete
        PRAGMA synchronous=off
        PRAGMA query_only=0
        PRAGMA trusted_schema=1
        PRAGMA mmap_size=1099511627776
        PRAGMA cache_size=100000000
        PRAGMA hard_heap_limit=0
        PRAGMA threads=64
        PRAGMA locking_mode=exclusive
        PRAGMA wal_checkpoint(truncate)
        PRAGMA user_version=7
        PRAGMA schema_version=7
        PRAGMA foreign_keys=0
        PRAGMA key='x'
        BEGIN IMMEDIATE
        BEGIN EXCLUSIVE
        SAVEPOINT h
        ANALYZE
        REINDEX
        SELECT 1; DELETE FROM t
        SELECT 1; ATTACH ':memory:' AS h
        EXPLAIN DELETE FROM t
        SELECT * FROM sqlite_master; DROP TABLE t
        INSERT INTO t SELECT 1,2 RETURNING *
        WITH x AS (SELECT 1) DELETE FROM t
        INSERT INTO beliefs VALUES (1)
        INSERT INTO main.beliefs VALUES (1)
        DELETE FROM history
        UPDATE assertions SET agent='me'
        DROP TABLE beliefs
        SELECT * FROM slot
        SELECT * FROM main.slot
        SELECT * FROM kv
        SELECT * FROM index.slot
    """.strip().split("\n")
    yield from (
        f"ATTACH '{box / 'new.db'}' AS h",
        f"ATTACH 'file:{box / 'new2.db'}?mode=rwc' AS h",
        f"ATTACH '{canary}' AS h",
        f"VACUUM INTO '{box / 'vac.db'}'",
        f"SELECT load_extension('{box / 'x'}')",
        f"SELECT readfile('{canary}')",
        f"SELECT writefile('{box / 'w'}','x')",
        f"SELECT * FROM fsdir('{box}')",
        f"SELECT * FROM csv('{canary}')",
        f"PRAGMA temp_store_directory='{box}'",
        f"PRAGMA data_store_directory='{box}'",
        f"IMPORT FROM '{canary}' FORMAT csv",
        f"IMPORT HISTORY FROM '{canary}'",
        f"EXPORT TO '{box / 'history'}'",
        f"EXPORT (SELECT * FROM beliefs) TO '{box / 'rows'}'",
        f"BACKUP TO '{box / 'backup'}'",
        f"RESTORE FROM '{canary}'",
    )


def writes() -> Iterator[str]:
    """Every statement of the language that writes."""
    yield from """
        ASSERT ('a', 'b', 'd')
        ASSERT SELECT 'a', 'b', 'd'
        ASSERT ('a', 'b', 'd') DRY RUN
        INSERT INTO assertions (subject, predicate, object) VALUES ('a', 'b', 'd')
        PROMOTE ('a', 'b')
        REJECT ('a', 'b')
        TRANSITION ('a', 'b') TO deprecated
        RETRACT ('a', 'b')
        REVIVE ('a', 'b', 'c')
        SUPERSEDE ('a', 'b') WITH 'd'
        CONFIRM ('a', 'b')
        CORRECT ('a', 'b') TO 'd' REASON 'r'
        VOTE FOR ('a', 'b')
        VOTE AGAINST ('a', 'b')
        FORBID ('a', 'b', '*') REASON 'r'
        REPEAL 'c:0000'
        DEFINE AGENT a (kind = 'human')
        DEFINE POLICY lifecycle = 'required'
        DEFINE PREDICATE b CARDINALITY MANY
        DEFINE TOPIC t (subjects = 'a/*')
        DEFINE QUERY q AS SELECT 1
        DROP QUERY v
        MARK EPOCH 'e'
        ERASE ('a', 'b')
    """.strip().split("\n")


def reads() -> Iterator[str]:
    """Every statement that only reads, or changes no more than the session."""
    yield from """
        SELECT * FROM beliefs
        SELECT * FROM v
        SELECT * FROM beliefs DIFF SINCE '-24h'
        WITH x AS (SELECT 1 AS n) SELECT n FROM x
        EXPLAIN SELECT * FROM beliefs
        EXPLAIN QUERY PLAN SELECT * FROM beliefs
        DESCRIBE beliefs
        SHOW TABLES
        SHOW ALL
        CHECK ('a', 'b', 'd')
        WHY ('a', 'b')
        WHY NOT ('a', 'b', 'd')
        BLAME ('a', 'b')
        HISTORY OF ('a', 'b')
        BISECT (SELECT object FROM beliefs) BETWEEN '-24h' AND NOW
        TRACE QUERIES
        IMPACT OF ('a', 'b')
        REPLAY QUERY ?
        SET AGENT 'reader'
        SET TIME ZONE 'Europe/Berlin'
        SET PURPOSE 'audit'
        SET NOTICES off
        SET AS OF NOW
        BEGIN READ ONLY
        COMMIT
        BEGIN
        ROLLBACK
        CREATE TEMP TABLE own (a)
        INSERT INTO own VALUES (1)
        CREATE INDEX own_a ON own (a)
        UPDATE own SET a = 2
        DELETE FROM own
        DROP INDEX own_a
        DROP TABLE own
    """.strip().split("\n")


_SERIES = "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM r{}) "


def heavy() -> Iterator[str]:
    """What would run or grow without end."""
    endless, some = _SERIES.format(""), _SERIES.format(" LIMIT 5000")
    yield from (
        endless + "SELECT count(*) FROM r",
        endless + "SELECT x FROM r",
        some + "SELECT count(*) FROM r a, r b, r c",
        "SELECT count(*) FROM beliefs a, beliefs b, beliefs c, beliefs d",
        "SELECT length(zeroblob(2000000000))",
        "SELECT hex(zeroblob(900000000))",
        "SELECT printf('%999999999d',1)",
        "SELECT printf('%.*c',900000000,'x')",
        "SELECT length(randomblob(900000000))",
        "SELECT replace(hex(zeroblob(400000)),'0',hex(zeroblob(5000)))",
        "SELECT " + "(" * 20000 + "1" + ")" * 20000,
        "SELECT " + "NOT " * 20000 + "1",
        "SELECT " + ",".join(["1"] * 5000),
        "SELECT * FROM " + ",".join(f"beliefs a{number}" for number in range(60)) + " LIMIT 1",
        "SELECT '" + "a" * 40000 + "' REGEXP '(a+)+b'",
    )
