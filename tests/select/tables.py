"""The tables that random statements read, in a plain SQLite connection of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

import apsw

SETUP = """
CREATE TABLE t1(id INTEGER PRIMARY KEY, a INT, b TEXT, c REAL, d BLOB);
CREATE TABLE t2(a INTEGER, b TEXT COLLATE NOCASE, x, "odd name" NUMERIC);
CREATE TABLE t3(k TEXT COLLATE RTRIM PRIMARY KEY, a, v REAL) WITHOUT ROWID;
CREATE TABLE t4(key, "order" INT, row TEXT, offset, "end" VARCHAR(10));
CREATE TABLE one(n);
INSERT INTO one VALUES (1), ('two'), (2.5);
CREATE INDEX i1 ON t1(a);
CREATE INDEX i2 ON t2(b, a);
INSERT INTO t1 VALUES (1, 1, 'one', 1.5, x'0041'), (2, 2, 'Two', -2.5, NULL),
    (3, 2, NULL, 2.0, x''), (5, NULL, 'it''s', 1e300, x'616263'), (8, -7, '12abc', NULL, x'31');
INSERT INTO t2 VALUES (1, 'ONE', 1, 1), (2, 'two', '2', '2.50'), (2, 'tWo', 2.0, 'x'),
    (NULL, NULL, x'32', 1e3), (3, '{"a":[1,2,{"b":null}]}', '[3,"x"]', NULL);
INSERT INTO t3 VALUES ('one', 1, 0.5), ('one x', '1', -0.5), ('Two', NULL, 9.0), ('', 2.0, NULL);
INSERT INTO t4 VALUES ('k', 1, '%o%', 0, 'e'), ('K', 2, 't_o', '0', NULL), (NULL, 2, '', -1, '1');
"""
NAMES = frozenset({"t1", "t2", "t3", "t4", "one"})


@dataclass(frozen=True)
class Column:
    """A column as a statement may write it, and what it mostly holds: n(umber), t(ext), j(son)."""

    text: str
    kind: str


COLUMNS = {
    "t1": (
        Column("id", "n"),
        Column("a", "n"),
        Column("b", "t"),
        Column("c", "n"),
        Column("d", "b"),
    ),
    "t2": (Column("a", "n"), Column("b", "t"), Column("x", "j"), Column('"odd name"', "n")),
    "t3": (Column("k", "t"), Column("a", "n"), Column("v", "n")),
    "t4": (
        Column("key", "t"),
        Column('"order"', "n"),
        Column("row", "t"),
        Column("offset", "n"),
        Column("[end]", "t"),
    ),
}


def connect() -> apsw.Connection:
    """A connection with the tables; a text in double quotes is a name, as it is in EPQL."""
    connection = apsw.Connection(":memory:")
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.execute(SETUP)
    for name, function in FUNCTIONS.items():
        connection.create_scalar_function(name, function, 2, deterministic=True)
    return connection


def _regexp(pattern: object, value: object) -> int | None:
    if not isinstance(pattern, str) or not isinstance(value, str):
        return None
    return int(re.search(re.escape(pattern), value) is not None)


def _match(wanted: object, value: object) -> int:
    return int(str(wanted) in str(value))


FUNCTIONS = {"regexp": _regexp, "match": _match}
"""What SQLite asks the program for."""
