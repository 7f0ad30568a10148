"""Credence by hand: trust as of the snapshot, freshness, their parts; and DIFF under both weighed
strategies, whose answers change when the trust in an agent does."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

import epql
from epql.engine.index import credence
from epql.engine.index.snapshot import Snapshot
from epql.engine.records import Record, TrustChange, Use
from epql.engine.transaction import Transaction
from tests.clock import TestClock

DAY = 86_400_000_000
WEIGHED = ["CREDENCE", "CONSENSUS"]


@pytest.fixture
def connection(clock: TestClock) -> epql.Connection:
    return epql.connect(":memory:", agent="ann", clock=clock, autocommit=True)


def asserted(connection: epql.Connection, agent: str, obj: str, confidence: float) -> bytes:
    cursor = connection.execute(
        "ASSERT ('auth/jwt', 'p', ?) AGENT ? CONFIDENCE ? RETURNING id", (obj, agent, confidence)
    )
    return bytes.fromhex(cursor.fetchall()[0][0][2:])


def record(connection: epql.Connection, make: Callable[[Transaction], Record]) -> int:
    transaction = connection.runner.database.begin("gardener")
    transaction.append(make(transaction))
    tx = transaction.commit()
    assert tx is not None
    return tx


def blame(
    connection: epql.Connection, agent: str, topic: str, failures: float, successes: float = 0.0
) -> int:
    return record(
        connection,
        lambda t: TrustChange(
            t.tx, t.order, agent, topic, successes, failures, "author", b"c" * 32, b"a" * 32
        ),
    )


def told(connection: epql.Connection, digest: bytes, more: str = "") -> float:
    (row,) = connection.execute(
        f"SELECT credence FROM assertions WHERE id = ? {more}", ("a:" + digest.hex(),)
    )
    return float(row[0])


def factors(connection: epql.Connection, digest: bytes) -> credence.Factors:
    database = connection.runner.database
    snapshot = Snapshot.at(*database.present())
    declared = database.declarations.at(snapshot.tx)
    number = database.objects.find(b"H:" + digest)
    assert number is not None
    found = credence.factors(database.db, declared, snapshot, number)
    assert found is not None
    return found


def test_trust_is_the_mean_of_what_is_recorded_and_the_prior(connection: epql.Connection) -> None:
    one = asserted(connection, "ann", "A", 0.9)
    blame(connection, "ann", "auth", 1.0)
    assert told(connection, one) == 0.9 * (4 / 5)
    tx = blame(connection, "ann", "auth", 0.5, successes=2.0)
    assert told(connection, one) == 0.9 * (6 / 7.5)
    assert told(connection, one, f"AS OF TX {tx - 1}") == 0.9 * (4 / 5)
    assert told(connection, one, "AS OF TX 1") == 0.9
    connection.execute("DEFINE POLICY trust_prior = 0.5")
    connection.execute("DEFINE POLICY trust_strength = 1")
    assert told(connection, one) == 0.9 * (2.5 / 4.5)


def test_trust_on_another_topic_or_of_another_agent_does_not_count(
    connection: epql.Connection,
) -> None:
    one = asserted(connection, "ann", "A", 0.9)
    blame(connection, "ann", "http", 3.0)
    blame(connection, "bob", "auth", 3.0)
    assert told(connection, one) == 0.9
    connection.execute("DEFINE TOPIC 'http' (subjects = 'auth/*')")
    assert told(connection, one) == 0.9 * (4 / 7)


def test_without_a_prior_an_unknown_agent_has_the_prior_mean(connection: epql.Connection) -> None:
    one = asserted(connection, "ann", "A", 0.8)
    connection.execute("DEFINE POLICY trust_strength = 0")
    connection.execute("DEFINE POLICY trust_prior = 0.25")
    assert told(connection, one) == 0.2
    blame(connection, "ann", "auth", 0.0)
    assert told(connection, one) == 0.2
    blame(connection, "ann", "auth", 1.0, successes=3.0)
    assert told(connection, one) == 0.8 * 0.75


def test_the_factors_multiply_to_the_credence(
    connection: epql.Connection, clock: TestClock
) -> None:
    connection.execute("DEFINE PREDICATE 'p' HALF LIFE '10d'")
    clock.move(hours=1)
    one = asserted(connection, "ann", "A", 0.8)
    blame(connection, "ann", "auth", 4.0, successes=1.0)
    clock.move(days=20)
    found = factors(connection, one)
    assert found == (0.8, 5 / 9, 0.25, 0.8 * (5 / 9) * 0.25, 1.0, 4.0)
    assert found.credence == told(connection, one)
    record(connection, lambda t: Use(t.tx, t.order, "assertion", one, "bob"))
    assert factors(connection, one).freshness == 1.0
    connection.execute("RETRACT ('auth/jwt', 'p')")
    assert factors(connection, one).trust == 5 / 9, "in whatever state it is"


def test_a_snapshot_that_does_not_know_an_assertion_has_no_factors(
    connection: epql.Connection,
) -> None:
    asserted(connection, "ann", "A", 0.8)
    one = asserted(connection, "ann", "B", 0.8)
    database = connection.runner.database
    number = database.objects.find(b"H:" + one)
    assert number is not None
    before = Snapshot.at(1, database.now())
    assert credence.factors(database.db, database.declarations.at(1), before, number) is None


def test_what_nothing_can_move_is_not_looked_up(connection: epql.Connection) -> None:
    asserted(connection, "ann", "A", 0.8)
    database = connection.runner.database
    declared = database.declarations.at(1)
    assert credence.weighing(database.db, declared).credence() == "a.confidence"
    blame(connection, "bob", "auth", 1.0)
    assert "FROM trust" in credence.weighing(database.db, declared).credence()


# ---------------------------------------------------------------- DIFF


@pytest.mark.parametrize("strategy", WEIGHED)
def test_a_change_of_trust_changes_the_answer(connection: epql.Connection, strategy: str) -> None:
    asserted(connection, "ann", "A", 0.9)
    asserted(connection, "bob", "B", 0.8)
    connection.execute("ASSERT ('http/x', 'p', 'untouched') AGENT 'ann'")
    blame(connection, "ann", "http", 5.0)
    tx = blame(connection, "ann", "auth", 1.0)
    blame(connection, "cid", "auth", 1.0)
    columns = "subject, change, cause, before_object, after_object, tx, agent, reason"
    query = f"SELECT {columns} FROM beliefs DIFF SINCE TX 3 RESOLVE BY "
    assert connection.execute(query + strategy).fetchall() == [
        ("auth/jwt", "CHANGED", "TRUST", "A", "B", tx, "gardener", "trust in 'ann' on 'auth'")
    ]
    assert connection.execute(query + "LATEST").fetchall() == []


def test_a_voter_losing_trust_changes_a_consensus(connection: epql.Connection) -> None:
    asserted(connection, "ann", "A", 0.9)
    asserted(connection, "bob", "B", 0.5)
    connection.execute("SET AGENT 'cid'")
    connection.execute("VOTE FOR (SELECT id FROM assertions WHERE object = 'B') WEIGHT 0.5")
    tx = blame(connection, "cid", "auth", 4.0)
    query = "SELECT cause, before_object, after_object, tx FROM beliefs DIFF SINCE TX 3 RESOLVE BY "
    assert connection.execute(query + "CONSENSUS").fetchall() == [("TRUST", "B", "A", tx)]
    assert connection.execute(query + "CREDENCE").fetchall() == []


@pytest.mark.parametrize(
    ("statement", "after"),
    [
        ("DEFINE POLICY trust_prior = 0.5", "A"),
        ("DEFINE POLICY trust_strength = 100", "A"),
        ("DEFINE TOPIC 'login' (subjects = 'auth/*')", "A"),
        ("DEFINE POLICY newcomers = pooled", "A"),
        ("DEFINE POLICY stale_after = '1d'", None),
        ("DEFINE AGENT 'ann'", None),
    ],
)
def test_a_declaration_makes_every_slot_it_weighs_a_candidate(
    connection: epql.Connection, statement: str, after: str | None
) -> None:
    asserted(connection, "ann", "A", 0.9)
    asserted(connection, "bob", "B", 0.8)
    blame(connection, "ann", "auth", 1.0)
    if "prior" in statement:  # bob, of whom nothing is known, falls to 0.8 · 0.5
        connection.execute("DEFINE POLICY trust_strength = 0")
        blame(connection, "ann", "auth", 0.0, successes=3.0)
    if "newcomers" in statement:
        connection.execute("DEFINE AGENT 'ann'")
    since = connection.runner.database.last()[0]
    connection.execute(statement)
    found = connection.execute(
        "SELECT cause, before_object, after_object, tx, agent FROM beliefs"
        f" DIFF SINCE TX {since} RESOLVE BY CREDENCE"
    ).fetchall()
    expected = [("DEFINE", "B", after, since + 1, "ann")] if after else []
    assert found == expected


def test_a_vote_and_what_followed_are_told_by_the_last_that_mattered(
    connection: epql.Connection,
) -> None:
    asserted(connection, "ann", "A", 0.9)
    asserted(connection, "bob", "B", 0.5)
    connection.execute("SET AGENT 'cid'")
    connection.execute("VOTE FOR (SELECT id FROM assertions WHERE object = 'B') REASON 'saw it'")
    connection.execute("CONFIRM (SELECT id FROM assertions WHERE object = 'A')")
    (row,) = connection.execute(
        "SELECT cause, agent, reason, tx FROM beliefs DIFF SINCE TX 2 RESOLVE BY CONSENSUS"
    )
    assert row == ("VOTE", "cid", "saw it", 3)


def test_all_of_a_thousand_half_lives_still_have_a_winner(
    connection: epql.Connection, clock: TestClock
) -> None:
    connection.execute("DEFINE PREDICATE 'p' HALF LIFE '1s'")
    asserted(connection, "ann", "A", 0.9)
    asserted(connection, "bob", "B", 0.8)
    clock.move(days=3000)
    for strategy in WEIGHED:
        found = connection.execute(f"SELECT object, credence FROM beliefs RESOLVE BY {strategy}")
        assert found.fetchall() == [("A", 0.0)]


def test_topics_may_be_many(connection: epql.Connection) -> None:
    one = asserted(connection, "ann", "A", 0.9)
    patterns = [f"other-{n}/*" for n in range(2000)]
    transaction = connection.runner.database.begin("ann")
    transaction.define("topic", "other", {"subjects": json.dumps([*patterns, "auth/*"])}, "ann")
    transaction.commit()
    blame(connection, "ann", "other", 1.0)
    assert told(connection, one) == 0.9 * (4 / 5)
