"""A point read that comes again says what the general way says: rows, basis, notices, audit."""

from __future__ import annotations

import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest

import epql
from epql.ready import Ready
from tests.clock import TestClock

NOW = "SELECT object, confidence, agent FROM beliefs WHERE subject = ? AND predicate = ?"
STARRED = "SELECT * FROM beliefs WHERE predicate = 'p' AND ? = subject"
APPROVED = NOW + " LIFECYCLE APPROVED"
PAST = NOW + " AS OF TX ?"
FIRST = NOW + " AS OF TX 1"
QUESTIONS = ((NOW, ("a", "p")), (STARRED, ("b",)), (APPROVED, ("a", "p")), (NOW, ("none", "p")))


class Nothing(dict[str, Ready]):
    """Keeps nothing ready."""

    def __setitem__(self, name: str, ready: Ready) -> None:
        """Let go of it."""


class Twins:
    """Two databases that are told the same, one of which keeps nothing ready."""

    def __init__(self) -> None:
        self.clocks = [TestClock(), TestClock()]
        self.pair = [
            epql.connect(":memory:", clock=clock, agent="ann", autocommit=True)
            for clock in self.clocks
        ]
        self.pair[1].runner._ready = Nothing()

    def say(self, text: str, params: tuple[Any, ...] = ()) -> None:
        codes = []
        for clock, connection in zip(self.clocks, self.pair, strict=True):
            clock.move(seconds=1)
            try:
                connection.execute(text, params).close()
                codes.append("")
            except epql.Error as error:
                codes.append(error.code)
        assert codes[0] == codes[1], text

    def ask(self, text: str, params: tuple[Any, ...], how: str = "fetchall") -> None:
        here, there = (_answer(connection, text, params, how) for connection in self.pair)
        assert here == there, text

    @property
    def ready(self) -> dict[str, Ready]:
        return self.pair[0].runner._ready


def _answer(
    connection: epql.Connection, text: str, params: tuple[Any, ...], how: str
) -> tuple[Any, ...]:
    try:
        cursor = connection.execute(text, params)
        rows = None if how == "close" else getattr(cursor, how)()
        cursor.close()
        return rows, cursor.basis, cursor.notices, cursor.description
    except epql.Error as error:
        return error.code, str(error)


AUDITED = (
    "SELECT recorded_at, agent, text, params, purpose, kind, relations, tx, clock, zone, findings,"
    " rows, complete FROM queries ORDER BY recorded_at, text, tx, params, complete, rows"
)
READ = "SELECT id, lifecycle, via, count(*) FROM reads GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"

SAYINGS = (
    "ASSERT ('a', 'p', 'o{n}') CONFIDENCE 0.{n}",
    "ASSERT ('b', 'p', {n})",
    "ASSERT ('a', 'p', 'approved {n}') LIFECYCLE APPROVED",
    "DEFINE PREDICATE 'p' CARDINALITY MANY",
    "DEFINE PREDICATE 'p' CARDINALITY ONE",
    "DEFINE POLICY lifecycle = LIVE",
    "DEFINE QUERY q{n} AS SELECT 1",
    "SET AGENT 'agent {n}'",
    "SET PURPOSE 'purpose {n}'",
    "SET LIFECYCLE APPROVED",
    "SET LIFECYCLE LIVE",
    "SET TIME ZONE '+0{n}:00'",
    "SET NOTICES OFF",
    "SET NOTICES ON",
    "SET VALID ANYTIME",
    "SET VALID AT NOW",
    "SET AS OF TX 1",
    "SET AS OF NOW",
    "SET FUSE OFF",
    "SET FUSE ON",
    "CREATE TEMP TABLE IF NOT EXISTS scratch (x)",
    "RETRACT (SELECT id FROM assertions WHERE subject = 'b')",
)


@pytest.mark.parametrize("seed", range(6))
def test_random_lives(seed: int) -> None:
    twins, random = Twins(), Random(seed)
    for number in range(60):
        twins.say(random.choice(SAYINGS).format(n=1 + number % 9))
        for text, params in (*QUESTIONS, (PAST, ("a", "p", random.randrange(1, 9)))):
            twins.ask(text, params, random.choice(("fetchall", "close")))
        twins.ask(FIRST, ("a", "p"))
    twins.say("SET AS OF NOW")
    assert twins.ready
    for text in (AUDITED, READ):
        here, there = (connection.execute(text).fetchall() for connection in twins.pair)
        assert here == there


@pytest.mark.parametrize(
    "params",
    [(), ("a",), ("a", "p", 1, 2), ["a", "p", 1], {"x": 1}, ("a", "p", 99), ("a", "p", True),
     ("a", "p", "x"), ("a", "p", -1), ("a", 2**70, 1), ("a\ud800", "p", 1), ("a", object(), 1)],
)  # fmt: skip
def test_what_is_wrong_is_told_as_ever(params: Any) -> None:
    twins = Twins()
    twins.say("ASSERT ('a', 'p', 'o')")
    twins.ask(PAST, ("a", "p", 1))
    assert PAST in twins.ready
    twins.ask(PAST, params)


def test_a_transaction_reads_what_it_wrote() -> None:
    twins = Twins()
    twins.say("ASSERT ('a', 'p', 'old')")
    twins.ask(NOW, ("a", "p"))
    twins.say("BEGIN")
    twins.say("ASSERT ('a', 'p', 'new')")
    twins.ask(NOW, ("a", "p"))
    twins.say("ROLLBACK")
    twins.ask(NOW, ("a", "p"))
    assert twins.pair[0].execute(NOW, ("a", "p")).fetchall()[0][0] == "old"


def test_a_commit_of_another_connection_is_seen_at_once(tmp_path: Path) -> None:
    path = tmp_path / "kb.epql"
    with epql.connect(path, autocommit=True) as writer, epql.connect(path) as reader:
        for number in range(20):
            writer.execute("ASSERT ('a', 'p', ?)", (number,))
            assert reader.execute(NOW, ("a", "p")).fetchall()[0][0] == number
            assert reader.execute(NOW, ("a", "p")).basis.tx == number + 1  # type: ignore[union-attr]
        assert reader.runner._ready
        writer.close()
        reader.close()


def test_names_of_questions_are_those_of_the_audit() -> None:
    twins = Twins()
    twins.say("ASSERT ('a', 'p', 'o')")
    connection = twins.pair[0]
    named = []
    for _ in range(3):
        cursor = connection.execute(NOW, ("a", "p"))
        named.append(cursor.query_id)
        cursor.fetchall()
    found = connection.execute("SELECT id FROM queries WHERE text = ? ORDER BY recorded_at", (NOW,))
    assert sorted(named) == sorted(row[0] for row in found.fetchall())


def test_rows_that_are_fetched_late_are_recorded(tmp_path: Path) -> None:
    path = tmp_path / "kb.epql"
    with epql.connect(path, autocommit=True) as connection:
        connection.execute("ASSERT ('a', 'p', 'o')")
        cursors = [connection.execute(NOW, ("a", "p")) for _ in range(3)]
        connection.runner.database.audit.flush()
        count = "SELECT complete, rows FROM queries WHERE text = ? ORDER BY recorded_at"
        assert cursors[1].fetchall() and cursors[2].fetchall()
        cursors[0].close()
        found = sorted(connection.execute(count, (NOW,)).fetchall())
        assert found == [(0, 0), (1, 1), (1, 1)]
        connection.close()


def test_threads_lose_no_record() -> None:
    connection = epql.connect(":memory:", autocommit=True)
    connection.execute("ASSERT ('a', 'p', 'o')")
    log = connection.runner.database.audit
    stop = threading.Event()

    def flush() -> None:
        while not stop.is_set():
            log.flush()

    thread = threading.Thread(target=flush)
    thread.start()
    for _ in range(2_000):
        connection.execute(NOW, ("a", "p")).fetchone()
    stop.set()
    thread.join()
    found = connection.execute("SELECT count(*), sum(complete) FROM queries WHERE text = ?", (NOW,))
    assert found.fetchall() == [(2_000, 1_999)]  # the first went the general way


def test_a_limit_holds_for_what_is_ready() -> None:
    connection = epql.connect(":memory:", autocommit=True)
    for _ in range(2):
        connection.execute(NOW, ("a", "p")).fetchall()
    assert connection.runner._ready
    connection.limits = epql.Limits(statement=20)
    with pytest.raises(epql.Error) as caught:
        connection.execute(NOW, ("a", "p"))
    assert caught.value.code == "parse.too_long"
