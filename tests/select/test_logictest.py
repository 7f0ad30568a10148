"""Row C8: what sqllogictest's files ask gives the same on our connection as on plain SQLite.

The public files are not in this repository. Those here are made from a seed in the manner of its
select1 to select5; what must come is what another SQLite says, the one of Python's own sqlite3.
`EPQL_SQLLOGICTEST=FOLDER` runs the public ones.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

import epql
from tests.rows import Row
from tests.select import logictest
from tests.select.logictest import Record

QUERIES = 300
THRESHOLD = 8
FOLDER = os.environ.get("EPQL_SQLLOGICTEST", "")
TABLE = re.compile(r"\bCREATE\s+TABLE\b", re.IGNORECASE)


def ours(con: epql.Connection) -> logictest.Ask:
    """Our connection; tables are scratch tables."""

    def ask(sql: str) -> Sequence[Sequence[Any]]:
        cursor = con.execute(TABLE.sub("CREATE TEMP TABLE", sql, count=1))
        return cursor.fetchall() if cursor.description else []

    return ask


class Files:
    """Makes files from a seed: kind 1 to 5, as select1 to select5."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.columns = "abcde"
        self.is_full = True
        """Whether there are no NULLs."""

    def statements(self, kind: int) -> list[str]:
        """The tables."""
        self.is_full = kind == 1
        if kind <= 3:
            made = ["CREATE TABLE t1(a INTEGER, b INTEGER, c INTEGER, d INTEGER, e INTEGER)"]
            return made + [self._row("t1", self.columns, 100 + 5 * n) for n in range(30)]
        made = []
        for number in range(1, 10):
            columns = [f"{letter}{number}" for letter in "abcde"]
            kinds = ("INTEGER", "INTEGER", "INTEGER", "INTEGER", "VARCHAR(30)")
            both = ", ".join(f"{c} {k}" for c, k in zip(columns, kinds, strict=True))
            made.append(f"CREATE TABLE t{number}({both})")
            if number % 2:
                made.append(f"CREATE INDEX i{number} ON t{number}(a{number})")
            for _ in range(10):
                values = [str(self.random.randrange(12)) for _ in range(4)]
                values.append(f"'table t{number} row {self.random.randrange(12)}'")
                made.append(f"INSERT INTO t{number} VALUES({', '.join(values)})")
        return made

    def _row(self, table: str, columns: str, low: int) -> str:
        values = [str(low + n) for n in range(5)]
        self.random.shuffle(values)
        if not self.is_full:
            values = ["NULL" if self.random.random() < 0.1 else value for value in values]
        order = self.random.sample(columns, 5)
        return f"INSERT INTO {table}({','.join(order)}) VALUES({','.join(values)})"

    def query(self, kind: int) -> tuple[str, str, str]:
        """Types, how to sort, text."""
        make = (self._of_one, self._of_one, self._of_one, self._compound, self._joins)[kind - 1]
        return make()

    def _of_one(self) -> tuple[str, str, str]:
        items = [self._item() for _ in range(self.random.randrange(1, 7))]
        kinds = "".join(kind for kind, _ in items)
        text = "SELECT " + ",\n       ".join(item for _, item in items) + "\n  FROM t1"
        tests = [self._test() for _ in range(self.random.randrange(4))]
        text += "\n WHERE " * bool(tests) + self.random.choice(("\n   AND ", "\n    OR ")).join(
            tests
        )
        if self.random.random() < 0.5:
            return kinds, "rowsort", text
        order = ",".join(map(str, self.random.sample(range(1, len(items) + 1), len(items))))
        return kinds, "nosort", f"{text}\n ORDER BY {order}"

    def _item(self) -> tuple[str, str]:
        x, y, z = (self.random.choice(self.columns) for _ in range(3))
        return self.random.choice(
            [
                ("I", x), ("I", f"{x}-{y}"), ("I", f"{x}+{y}*2+{z}*3"), ("I", f"abs({x}-{y})"),
                ("R", f"({x}+{y}+{z})/3.0"), ("I", f"({x}+{y})/2"), ("I", f"coalesce({x},{y},{z})"),
                ("I", f"CASE WHEN {x}<{y}-3 THEN 111 WHEN {x}<={y} THEN 222 ELSE 555 END"),
                ("I", f"CASE WHEN {x}>(SELECT avg({x}) FROM t1) THEN {y}*2 ELSE {z}*10 END"),
                ("I", f"CASE {x}+1 WHEN {y} THEN 111 WHEN {z} THEN 222 ELSE 333 END"),
                ("I", f"(SELECT count(*) FROM t1 AS x WHERE x.{x}<t1.{y})"),
                ("T", f"{x}||'-'||{y}"),
            ]
        )  # fmt: skip

    def _test(self) -> str:
        x, y, z = (self.random.choice(self.columns) for _ in range(3))
        n = self.random.randrange(100, 250)
        return self.random.choice(
            [
                f"{x}>{y}", f"({x}<={y}-2 OR {x}>={z}+2)", f"{x} BETWEEN {n} AND {n + 60}",
                f"EXISTS(SELECT 1 FROM t1 AS x WHERE x.{x}<t1.{y})",
                f"{x} NOT BETWEEN {n} AND {n + 9}",
                f"coalesce({x},{y},{z})<>0", f"{x} IS NOT NULL", f"({x}>{y}-2 AND {x}<{y}+2)",
                f"{x} IN (SELECT {y}+1 FROM t1)", f"{x} IS NULL",
                f"NOT {x} IN ({n}, {n + 1}, NULL)",
            ]
        )  # fmt: skip

    def _compound(self) -> tuple[str, str, str]:
        def part() -> str:
            n = self.random.randrange(1, 10)
            x, y, z = (f"{self.random.choice('abcd')}{n}" for _ in range(3))
            some = ", ".join(map(str, self.random.sample(range(12), 4)))
            either = f"({y}=1 OR {z}=5 OR {self.random.randrange(12)}={x})"
            test = self.random.choice((f"{y} in ({some})", either, f"NOT ({y}>{z})"))
            return f"SELECT {x} FROM t{n} WHERE {test}"

        text = part()
        for _ in range(self.random.randrange(1, 6)):
            word = self.random.choice(("UNION", "UNION ALL", "EXCEPT", "INTERSECT"))
            text += f"\n{word}\n{part()}"
        return "I", self.random.choice(("rowsort", "valuesort")), text

    def _joins(self) -> tuple[str, str, str]:
        used = self.random.sample(range(1, 10), self.random.randrange(2, 7))
        tests = [
            f"{self.random.choice('abcd')}{a}={self.random.choice('abcd')}{b}"
            for a, b in itertools.pairwise(used)
        ]
        tests += [f"{self.random.choice('abcd')}{n}={self.random.randrange(12)}" for n in used[::2]]
        self.random.shuffle(tests)
        tables = ",".join(f"t{n}" for n in self.random.sample(used, len(used)))
        items = ",".join(f"e{n}" for n in used)
        where = "\n   AND ".join(tests)
        return "T" * len(used), "rowsort", f"SELECT {items}\n  FROM {tables}\n WHERE {where}"


def made(seed: int, kind: int, queries: int = QUERIES) -> str:
    """A file, with what Python's SQLite answers."""
    files, con = Files(Random(seed)), sqlite3.connect(":memory:")
    records = [Record(0, "ok", sql) for sql in files.statements(kind)]
    for record in records:
        con.execute(record.sql)
    records.append(Record(0, "error", "SELECT nothing FROM t1"))
    for number in range(queries):
        kinds, sort, sql = files.query(kind)
        lines = logictest.result(con.execute(sql).fetchall(), kinds, sort, THRESHOLD)
        records.append(Record(0, kinds, sql, True, sort, f"label-{number}", lines))
    con.close()
    return f"hash-threshold {THRESHOLD}\n\n" + "\n".join(map(logictest.written, records))


def differences(text: str) -> tuple[int, list[str]]:
    """How many queries ran on a connection of ours, and what came otherwise."""
    with epql.connect(":memory:", autocommit=True) as con:
        report = logictest.run(text, ours(con))
        con.close()
    return report.queries, report.wrong


@pytest.mark.row("C8", "generated files")
def test_generated_files(row: Row) -> None:
    queries, wrong = 0, []
    for number in row.rounds():
        seed, kind = row.seed * 1000 + number, 1 + number % 5
        ran, found = differences(made(seed, kind))
        queries += ran
        wrong += [f"made({seed}, {kind}), {one}" for one in found]
    row.tell("queries", queries)
    row.tell("wrong", len(wrong))
    row.tell("SQLite of Python", sqlite3.sqlite_version)
    assert not wrong, "\n".join(wrong[:5])


@pytest.mark.parametrize("kind", range(1, 6))
def test_a_short_file(kind: int) -> None:
    ran, wrong = differences(made(kind, kind, queries=15))
    assert ran == 15
    assert not wrong, "\n".join(wrong)


@pytest.mark.slow
@pytest.mark.skipif(not FOLDER, reason="the public files are not here: EPQL_SQLLOGICTEST=FOLDER")
def test_public_files() -> None:
    wrong = []
    paths = sorted(Path(FOLDER).rglob("select*.test"))
    assert paths, f"no select*.test below {FOLDER}"
    for path in paths:
        wrong += [f"{path}, {one}" for one in differences(path.read_text())[1]]
    assert not wrong, f"{len(wrong)}:\n" + "\n".join(wrong[:10])


FILE = """# a comment
hash-threshold 3

onlyif mysql
statement ok
NOT SQL AT ALL

skipif sqlite
query I nosort
NOT SQL EITHER
----
1

statement ok
CREATE TABLE t1(a, b)

statement ok
INSERT INTO t1 VALUES (2, 'b c'), (1, '')

statement error
SELECT nothing FROM t1

query IT rowsort x
SELECT a, b FROM t1
----
4 values hashing to {digest}

skipif mysql
query IR valuesort
SELECT a, a / 2.0 FROM t1 WHERE a = 1
----
0.500
1

query T nosort
SELECT NULL
----
NULL

halt

query I nosort
NOT SQL
----
"""


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (lambda text: text, 0),
        (lambda text: text.replace("0.500", "0.501"), 1),
        (lambda text: text.replace("error\nSELECT nothing", "error\nSELECT a"), 1),
        (lambda text: text.replace("4 values", "5 values"), 1),
        (lambda text: text.replace("halt\n", ""), 1),
    ],
)
def test_the_runner_sees_what_is_wrong(change: Callable[[str], str], wrong: int) -> None:
    digest = hashlib.md5(b"1\n(empty)\n2\nb c\n").hexdigest()
    ran, found = differences(change(FILE.format(digest=digest)))
    assert len(found) == wrong, found
    assert ran >= 3
