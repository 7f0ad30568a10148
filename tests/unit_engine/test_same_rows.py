"""Every relation answers any SELECT as a plain table with the same rows does (bar C1, rule Q3)."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest

import epql
from epql.engine.index.problems import set_aside
from epql.engine.journal import Pending
from epql.engine.records import CommitInfo, encode
from epql.engine.store.objects import seq_of
from epql.engine.vtab.register import RELATIONS
from tests.rows import Row
from tests.tools.sqldiff import Table, run
from tests.unit_engine import everything
from tests.unit_engine.audits import answered, asked
from tests.unit_engine.everything import AGENTS

SAMPLES = 20


@pytest.fixture(scope="module")
def connection() -> epql.Connection:
    made, clock = everything.made()
    _read(made)
    for number in range(1, 12):  # as if a newer program had written them
        kind, reason = "Z1p"[number % 3], ("unknown kind", "1", "p")[number % 2]
        set_aside(made.runner.database.db, seq_of(number, number % 4), kind, reason)
    clock.move(days=2)
    return made


def _set_aside(made: epql.Connection) -> None:
    """A commit of which this program understands little."""
    with made.runner.database.writing() as writer:
        info = ("M", 0, encode(CommitInfo(writer.last_tx + 1, "newer")))
        odd = [("Z", 0, b"of a newer kind"), ("H", 1, b"garbage"), ("H", 99, b"1")]
        writer.append([Pending(writer.last_recorded_at + 1, [info, *odd])])


def _read(made: epql.Connection) -> None:
    """Audited reads, as records."""
    log = made.runner.database.audit
    ids = made.execute("SELECT id FROM assertions ORDER BY id").fetchall()
    log.mode = "lazy"
    for number, (name,) in enumerate(ids):
        digest = bytes.fromhex(name[2:])
        at, purpose = 1_704_067_200_000_000 + number, (None, "1", "p")[number % 3]
        more = {"unfiltered": number % 2 == 0, "purpose": purpose, "params": (number,)}
        query = log.ask(asked(log, at, agent=AGENTS[number % 4], **more))
        if number % 5:
            log.answer(
                answered(query, [(digest, 1 + number % 3, ("exact", "scanned")[number % 2])])
            )
    log.mode = "off"


ARGUMENTS = {
    "blame": "x'', 's/1', 'p', x'', 40",
    "why_not": "x'', 's/1', 'p', '1'",
    "checked": "x'', 'z', 'p', '1'",
    "changes": "x'', 118",
    "assertion_changes": "x'', 118",
}
"""What a relation is asked with, where that is not a subject and a predicate."""
MORE = {
    "beliefs_past": "beliefs(x'', 40, 'any')",
    "assertions_past": "assertions(x'', 40, 'any')",
    "history_past": "history(x'', 40, 'any')",
    "beliefs_none": "beliefs(x'', x'', 'any', 'anytime', 'none')",
    "assertions_any": "assertions(x'', x'', 'any', 'anytime')",
}
"""What stands in the past, or in other scopes."""


def _source(name: str) -> str:
    """A relation as a query names it."""
    arguments = ARGUMENTS.get(name) or "x'', 's/1', 'p'" * bool(RELATIONS[name].arguments)
    return f"{name}({arguments})" if arguments else name


ASKED_AS = {**{name: _source(name) for name in RELATIONS}, **MORE}
"""Every relation of the catalog by name, and more ways to ask some."""
KEYS = list(ASKED_AS)


@pytest.fixture(scope="module")
def tables(connection: epql.Connection) -> dict[str, Table]:
    """Each of them with its twin."""
    session = connection.runner.session
    with session.guard.ours():
        return {key: _with_twin(session.sql, key, it) for key, it in ASKED_AS.items()}


def _with_twin(db: Any, key: str, source: str) -> Table:
    twin = "twin_" + key
    db.execute(f"CREATE TEMP TABLE {twin} AS SELECT * FROM {source}")
    columns: dict[str, list[Any]] = {}
    for _, name, *_ in db.execute(f"PRAGMA table_info({twin})").fetchall():
        values = [row[0] for row in db.execute(f'SELECT DISTINCT "{name}" FROM {twin} ORDER BY 1')]
        random.Random(1).shuffle(values)
        columns[name] = [*values[:SAMPLES], "1", "p"]
    (rows,) = db.execute(f"SELECT count(*) FROM {twin}").fetchone()
    return Table(source, twin, columns, rows)


def test_every_relation_has_rows(tables: dict[str, Table]) -> None:
    assert set(RELATIONS) <= set(tables)
    assert [key for key, table in tables.items() if not table.rows] == []


@pytest.mark.parametrize("key", KEYS)
def test_random_queries_give_the_rows_of_a_plain_table(
    connection: epql.Connection, tables: dict[str, Table], key: str
) -> None:
    _compare(connection, tables, key, count=60, seed=7)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("key", KEYS)
def test_many_random_queries_give_the_rows_of_a_plain_table(
    connection: epql.Connection, tables: dict[str, Table], key: str, seed: int
) -> None:
    _compare(connection, tables, key, count=1500, seed=seed)


BELIEVED = [key for key in KEYS if key.startswith(("beliefs", "assertions", "history"))]
LARGE = [key for key in KEYS if key in ("commits", "journal", "trust_changes", "changes", "uses")]
OTHERS = [key for key in KEYS if key not in BELIEVED and key not in LARGE]
PAIRS_MAX = 300
"""Of a join with every submission. A night joins all with all."""


@pytest.mark.row("C1", "what is believed")
def test_what_is_believed(row: Row, connection: epql.Connection, tables: dict[str, Table]) -> None:
    _run_row(row, connection, tables, BELIEVED)


@pytest.mark.row("C1", "the large relations")
def test_the_large(row: Row, connection: epql.Connection, tables: dict[str, Table]) -> None:
    _run_row(row, connection, tables, LARGE)


@pytest.mark.row("C1", "the other relations")
def test_the_others(row: Row, connection: epql.Connection, tables: dict[str, Table]) -> None:
    _run_row(row, connection, tables, OTHERS)


def _run_row(
    row: Row, connection: epql.Connection, tables: dict[str, Table], keys: Sequence[str]
) -> None:
    """Batches of a hundred queries of each table in turn, so that all get the same."""
    batch, total, found = 100, 0, []
    pairs_max = PAIRS_MAX if row.count < 10_000 else None
    db, every = connection.runner.session.sql, list(tables.values())
    for number in range(-(-row.count // batch)):
        seed = row.seed * 1_000_000 + number
        for key in keys:
            report = run(db, every, first=tables[key], count=batch, seed=seed, pairs_max=pairs_max)
            total += report.queries
            found += [
                f"{key}, seed {seed}, {batch} queries, pairs {pairs_max}: {one}"
                for one in report.failures
            ]
            if row.is_over():
                break
        else:
            row.ran = (number + 1) * batch
            continue
        break
    row.tell("tables", len(keys))
    row.tell("queries", total)
    row.tell("wrong", len(found))
    assert not found, "\n".join(found[:5])


def _compare(
    connection: epql.Connection, tables: dict[str, Table], key: str, *, count: int, seed: int
) -> None:
    db = connection.runner.session.sql
    report = run(db, list(tables.values()), first=tables[key], count=count, seed=seed)
    assert not report.failures, "\n".join(report.failures[:5])
    assert report.errors < count / 10 and report.empty < count * 0.9
