"""A fused plan gives the rows that the virtual tables give (design §5)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import apsw
import pytest

import epql
from epql.engine import reading
from tests.rows import Row
from tests.tools.sqldiff import Generator, Table
from tests.unit_engine import everything

READ_AS = (
    "beliefs", "beliefs LIFECYCLE ANY", "beliefs AS OF TX 44 LIFECYCLE ANY",
    "beliefs LIFECYCLE ANY RESOLVE BY NONE", "beliefs RESOLVE BY CONFIDENCE",
    "beliefs LIFECYCLE APPROVED VALID ANYTIME",
    "assertions", "assertions AS OF TX 40 LIFECYCLE ANY", "assertions LIFECYCLE ANY VALID ANYTIME",
    "history", "history AS OF TX 40 LIFECYCLE ANY", "history LIFECYCLE ANY VALID ANYTIME",
    "beliefs LIFECYCLE ANY DIFF SINCE TX 10 UNTIL TX 44",
    "assertions LIFECYCLE ANY DIFF SINCE TX 10 UNTIL TX 40", "beliefs DIFF SINCE TX 30",
)  # fmt: skip


KINDS = (("lazy", True), ("lazy", False), ("off", False))
"""How reads are audited, and whether a predicate is declared MANY."""


@pytest.fixture(scope="module", params=KINDS, ids=str)
def connection(request: pytest.FixtureRequest) -> epql.Connection:
    audit, many = request.param
    made, _ = everything.made(audit, many=many)
    return made


@pytest.fixture
def fused(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How many plans ran straight over the index."""
    count: Counter[str] = Counter()
    usual = reading.run_fused

    def counted(*given: Any) -> Any:
        count["fused"] += 1
        return usual(*given)

    monkeypatch.setattr(reading, "run_fused", counted)
    return count


@pytest.fixture(scope="module")
def tables(connection: epql.Connection) -> dict[str, Table]:
    return {name: _table(connection, name) for name in READ_AS}


def _table(connection: epql.Connection, name: str) -> Table:
    columns: dict[str, list[Any]] = {}
    rows = connection.execute(f"SELECT * FROM {name}")
    found = rows.fetchall()
    for place, (column, *_) in enumerate(rows.description or ()):
        values = sorted({row[place] for row in found}, key=repr)
        random.Random(1).shuffle(values)
        columns[column] = [*values[:20], "1", "p"]
    return Table(name, name, columns, len(found))


def both(connection: epql.Connection, text: str) -> tuple[Any, Any]:
    """What a query gives fused, and through the virtual tables."""
    here = _answer(connection, text)
    connection.execute("SET FUSE OFF")
    there = _answer(connection, text)
    connection.execute("SET FUSE ON")
    return here, there


def _answer(connection: epql.Connection, text: str) -> Any:
    try:
        rows = connection.execute(text).fetchall()
    except epql.Error as error:
        return error.code
    if " LIMIT " in text:
        return len(rows)  # which ones, SQL leaves open where rows are equal
    return Counter(tuple(map(_shown, row)) for row in rows)


def _shown(value: Any) -> str:
    """1 and 1.0 are one group, and SQL leaves open which of them stands for it."""
    return repr(int(value) if isinstance(value, float) and value.is_integer() else value)


def differences(
    connection: epql.Connection, tables: dict[str, Table], name: str, count: int, seed: int
) -> Iterator[str]:
    generator = Generator(list(tables.values()), random.Random(seed), 2_000)
    for _ in range(count):
        text = generator.query(tables[name]).text()
        here, there = both(connection, text)
        if here != there:
            yield f"{text}\n  fused {here!r:.300}\n  not   {there!r:.300}"


@pytest.mark.parametrize("name", READ_AS)
def test_random_queries_give_the_same(
    connection: epql.Connection, tables: dict[str, Table], name: str
) -> None:
    found = list(differences(connection, tables, name, 15, seed=3))
    assert not found, "\n".join(found[:3])


@pytest.mark.row("C1", "fused plans")
def test_many_random_queries(
    row: Row, connection: epql.Connection, tables: dict[str, Table], fused: Counter[str]
) -> None:
    found: list[str] = []
    for number in row.rounds():
        for name in READ_AS:
            found += differences(connection, tables, name, 1, seed=row.seed * 1_000_000 + number)
    row.tell("queries", number * len(READ_AS))
    row.tell("fused", fused["fused"])
    row.tell("wrong", len(found))
    assert not found, "\n".join(found[:3])
    assert fused["fused"] > number


FUSED = (
    "SELECT * FROM beliefs",
    "SELECT object FROM beliefs WHERE subject = 's/1' AND predicate = 'p'",
    "SELECT object FROM beliefs WHERE subject = ? AND predicate = ? LIFECYCLE APPROVED AS OF TX 40",
    "SELECT topic, count(*) FROM beliefs LIFECYCLE ANY GROUP BY topic ORDER BY 2 DESC",
    "SELECT * FROM history LIFECYCLE ANY VALID ANYTIME",
    "SELECT a.object, b.object FROM beliefs a JOIN beliefs AS OF TX 40 b ON b.subject = a.subject",
    "WITH RECURSIVE r(s) AS (SELECT 's/1' UNION SELECT b.object FROM beliefs b JOIN r ON"
    " b.subject = r.s) SELECT * FROM r",
    "SELECT subject, before_object, after_id FROM beliefs LIFECYCLE ANY DIFF SINCE TX 10"
    " WHERE before_object IS NOT after_object",
)
NOT_FUSED = (
    "SELECT subject, cause FROM beliefs DIFF SINCE TX 10",
    "SELECT before_object FROM beliefs DIFF SINCE TX 10 WHERE subject = 's/1'",
    "SELECT object FROM beliefs WHERE id = 'a:00'",
    "SELECT object FROM beliefs WHERE subject GLOB 's/*'",
    "SELECT object FROM beliefs WHERE as_of = 40",
    "SELECT rowid FROM beliefs",
    "SELECT object FROM beliefs VALID ANYTIME",
    "SELECT object FROM beliefs RESOLVE BY CREDENCE",
    "SELECT b.object FROM commits c LEFT JOIN beliefs b ON b.subject = c.agent",
    "SELECT b.object FROM (VALUES (1)) LEFT JOIN beliefs b ON b.subject = 's/1'",
    "SELECT b.object FROM beliefs b JOIN changes(10) c ON c.subject = b.subject",
    "WITH span AS (SELECT 1 AS slot) SELECT b.object FROM beliefs b JOIN span",
)


@pytest.fixture(scope="module")
def plain() -> epql.Connection:
    made, _ = everything.made("off", many=False)
    return made


@pytest.mark.parametrize("text", FUSED)
def test_what_is_fused(plain: epql.Connection, fused: Counter[str], text: str) -> None:
    given = ("s/1", "p") if "?" in text else ()
    plain.execute(text, given).fetchall()
    assert fused["fused"] == 1


@pytest.mark.parametrize("text", NOT_FUSED)
def test_what_is_not(plain: epql.Connection, fused: Counter[str], text: str) -> None:
    plain.execute(text).fetchall()
    assert fused["fused"] == 0


def test_nothing_is_fused_where_limits_hold(plain: epql.Connection, fused: Counter[str]) -> None:
    plain.limits = epql.Limits(time=10.0)
    plain.execute("SELECT object FROM beliefs").fetchall()
    plain.limits = epql.Limits()
    assert fused["fused"] == 0


def test_fuse_off_is_off(plain: epql.Connection, fused: Counter[str]) -> None:
    plain.execute("SET FUSE OFF")
    plain.execute("SELECT object FROM beliefs").fetchall()
    assert plain.execute("SHOW FUSE").fetchall() == [("fuse", "off", "session")]
    plain.execute("SET FUSE ON")
    assert fused["fused"] == 0


def test_a_fused_plan_may_read_no_other_table(plain: epql.Connection) -> None:
    session = plain.runner.session
    for sql in (
        "SELECT * FROM kv",
        "SELECT count(*) FROM kv",
        "SELECT 1 FROM sqlite_schema",
        "SELECT * FROM meta",
        "SELECT load_extension('x')",
    ):
        with session.index_guard.person(), pytest.raises(apsw.Error):
            session.db.execute(sql + " -- not kept").fetchall()
