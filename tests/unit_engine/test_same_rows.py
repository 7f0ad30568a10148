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
from tests.clock import TestClock
from tests.rows import Row
from tests.tools.sqldiff import Table, run
from tests.unit_engine.audits import answered, asked

OBJECTS = [
    1, 1.0, "1", "text", "TEXT", "", 2**63 - 1, -(2**63), 0, "0", 1e300, 0.5, "0.5", "é", "a%b",
    9007199254740993, float(2**53), "approved", "[x]",
]  # fmt: skip
AGENTS = ["ann", "Ann", "1", "bob"]
SOURCES = [None, "1", "src", "Src"]
SAMPLES = 20


@pytest.fixture(scope="module")
def connection() -> epql.Connection:
    """NULLs, mixed types, case variants, 64-bit edges, MANY predicates, superseded tails."""
    clock = TestClock()
    made = epql.connect(":memory:", agent="Ann", clock=clock, autocommit=True)

    def say(text: str, params: tuple[Any, ...] = ()) -> None:
        clock.move(hours=1)
        made.execute(text, params)

    say("DEFINE PREDICATE 'tag' CARDINALITY MANY")
    for number, obj in enumerate(OBJECTS):
        subject, doubt = f"s/{number % 7}", (1, 0.5, 0.25, 0)[number % 4]
        say("ASSERT (?, 'p', ?) CONFIDENCE ?", (subject, obj, doubt))
        who, source = AGENTS[number % 4], SOURCES[number % 4]
        subject = "s/0" if number % 2 else "S/0"
        say("ASSERT (?, 'tag', ?) AGENT ? SOURCE ?", (subject, obj, who, source))
    say("ASSERT ('1', '1', '1') LIFECYCLE APPROVED KEY 'k'")
    say("ASSERT ('1', 'q', 'old') LIFECYCLE APPROVED VALID FROM '2023-01-01' TO '2025-01-01'")
    say("SUPERSEDE ('1', 'q') WITH 'new' REASON 'moved on'")
    say("SUPERSEDE ('1', 'q') WITH 'newer' FROM '2024-06-01'")
    say("ASSERT ('t/x', 'p', 'a') REASON 'why'")
    say("PROMOTE ('t/x', 'p') REASON 'Why'")
    say("RETRACT ('t/x', 'p') REASON 'gone'")
    say("ASSERT ('t/y', 'p', 'a') QUALIFIED (a = 1, b = 'x')")
    say("REJECT ('t/y', 'p')")
    say("ASSERT ('t/z', 'p', 'z') LIFECYCLE REVIEW")
    say("ASSERT ('t/z', 'p', 'z2') LIFECYCLE APPROVED CONFIDENCE 0.5")
    for epoch in ("e1", "E1", "1"):
        say(f"MARK EPOCH '{epoch}'")
    say("DEFINE PREDICATE 'p' HALF LIFE '30d'")
    say("DEFINE PREDICATE 'unused' TYPE text")
    say("DEFINE QUERY v (a) AS SELECT 1")
    say("DEFINE QUERY V2 AS SELECT * FROM beliefs")
    for agent, number in (("ann", 1), ("bob", 2), ("1", 3)):
        say(f"SET AGENT '{agent}'")
        say("VOTE FOR (SELECT id FROM assertions) WEIGHT 0.5 REASON 'why'")
        say(f"VOTE AGAINST ('s/{number}', 'p')")
        say("CONFIRM (SELECT id FROM assertions) SOURCE 'src'")
        say(f"DEFINE AGENT 'agent {number}' (kind = 'p', level = {number})")
        say(f"DEFINE TOPIC 't{number}' (subjects = 's/{number}*, {number}/*')")
        say(f"DEFINE POLICY trust_strength = {number}")
        say(f"FORBID ('x/{number}*', 'p', {number}) PREFER 'p'")
        say(f"FORBID ('z{'*' * (number % 3)}', *, *) PREFER {number} REASON 'r{number}'")
        say(f"FORBID (*, 'p', '{number}*') WHEN agent = 'a' SEVERITY SOFT REASON 'why'")
    say("REPEAL (SELECT id FROM constraints LIMIT 3) REASON 'why'")
    say("DEFINE POLICY lifecycle = LIVE")
    for (name,) in made.execute(
        "SELECT id FROM assertions WHERE subject GLOB 's/[0-2]'"
    ).fetchall():
        say("ASSERT (?, 'derived', 1) BECAUSE ?", (name, name))
        say("RETRACT ?", (name,))
    for number, (name,) in enumerate(made.execute("SELECT id FROM assertions").fetchall()):
        to, forbid = " TO 'x'" * (number % 2), " FORBID" * (number % 3)
        say(f"CORRECT ?{to}{forbid[:7]} REASON 'why'", (name,))
    say("CONFIRM (SELECT id FROM assertions WHERE flagged NOT NULL LIMIT 3)")
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
    "changes": "x'', 10",
    "assertion_changes": "x'', 10",
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
PAIRS_MAX = 2_000
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
