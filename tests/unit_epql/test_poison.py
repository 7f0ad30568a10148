"""Poisoned memory: who asserts loudly, often, or under many names does not win.

docs/language/resolving.md says what is defended, and what is not.
"""

from __future__ import annotations

import pytest

import epql
from tests.clock import TestClock

SLOT = "subject = 'auth/jwt' AND predicate = 'algorithm'"
PUPPETS = 200


@pytest.fixture
def connection(clock: TestClock) -> epql.Connection:
    """Two agents that are known say RS256; strangers count as newcomers, pooled."""
    opened = epql.connect(":memory:", agent="admin", clock=clock, autocommit=True)
    opened.execute("DEFINE POLICY newcomers = pooled")
    for agent in ("ann", "bob"):
        opened.execute("DEFINE AGENT ?", (agent,))
        speak(opened, agent, "RS256", confidence=0.5)
    clock.move(hours=1)
    return opened


def speak(connection: epql.Connection, agent: str, obj: str, **options: object) -> None:
    clauses = " ".join(f"{name} :{name}" for name in options)
    connection.execute(
        f"ASSERT ('auth/jwt', 'algorithm', :obj) AGENT :agent {clauses}",
        {"obj": obj, "agent": agent, **options},
    )


def vote(connection: epql.Connection, agent: str, way: str, obj: str) -> None:
    connection.execute(f"SET AGENT '{agent}'")
    connection.execute(f"VOTE {way} (SELECT id FROM assertions WHERE object = ? LIMIT 1)", (obj,))


def answer(connection: epql.Connection, strategy: str) -> object:
    (row,) = connection.execute(f"SELECT object FROM beliefs WHERE {SLOT} RESOLVE BY {strategy}")
    return row[0]


WEIGHED = ["CREDENCE", "CONSENSUS"]


@pytest.mark.parametrize("strategy", WEIGHED)
def test_a_loud_stranger_does_not_win(connection: epql.Connection, strategy: str) -> None:
    speak(connection, "mallory", "none", confidence=1.0)
    assert answer(connection, "LATEST") == "none"
    assert answer(connection, "CONFIDENCE") == "none"
    assert answer(connection, strategy) == "RS256"


@pytest.mark.parametrize("strategy", WEIGHED)
def test_a_thousand_repetitions_count_once(connection: epql.Connection, strategy: str) -> None:
    text = "ASSERT ('auth/jwt', 'algorithm', 'none') AGENT 'mallory' CONFIDENCE 1.0"
    text += " SOURCE :source KEY :key"
    rows = [{"source": f"https://{n}.example", "key": f"k{n}"} for n in range(1000)]
    connection.cursor().executemany(text, rows)
    assert connection.execute("SELECT count(*) FROM assertions").fetchone() == (1002,)
    assert answer(connection, strategy) == "RS256"


@pytest.mark.parametrize("strategy", WEIGHED)
def test_two_hundred_sock_puppets_are_one_voice(connection: epql.Connection, strategy: str) -> None:
    for number in range(PUPPETS):
        speak(connection, f"puppet-{number}", "none", confidence=1.0)
    assert answer(connection, strategy) == "RS256"
    connection.execute("DEFINE POLICY newcomers = equal")
    assert answer(connection, strategy) == "none", "what the policy is for"


def test_votes_of_sock_puppets_are_one_voice(connection: epql.Connection) -> None:
    speak(connection, "mallory", "none", confidence=1.0)
    for number in range(PUPPETS):
        vote(connection, f"puppet-{number}", "FOR", "none")
        vote(connection, f"shill-{number}", "AGAINST", "RS256")
    assert answer(connection, "CONSENSUS") == "RS256"
    connection.execute("DEFINE POLICY newcomers = equal")
    assert answer(connection, "CONSENSUS") == "none", "what the policy is for"


def test_an_author_who_votes_for_itself_adds_nothing(connection: epql.Connection) -> None:
    connection.execute("DEFINE AGENT 'mallory'")
    speak(connection, "mallory", "none", confidence=0.99)
    assert answer(connection, "CONSENSUS") == "RS256"  # 0.5 + 0.5 > 0.99
    connection.execute("SET AGENT 'mallory'")
    connection.execute(
        "VOTE FOR (SELECT id FROM assertions WHERE object = 'none') WEIGHT 0.99 REASON 'me too'"
    )
    assert answer(connection, "CONSENSUS") == "RS256"


@pytest.mark.parametrize("strategy", WEIGHED)
def test_age_does_not_help_a_stranger(
    connection: epql.Connection, clock: TestClock, strategy: str
) -> None:
    connection.execute("DEFINE PREDICATE 'algorithm' HALF LIFE '30d'")
    speak(connection, "mallory", "none", confidence=1.0)
    for _ in range(20):
        clock.move(days=365)
        assert answer(connection, strategy) == "RS256"


@pytest.mark.parametrize("strategy", WEIGHED)
def test_a_newcomer_alone_is_heard(connection: epql.Connection, strategy: str) -> None:
    connection.execute("ASSERT ('auth/new', 'algorithm', 'x') AGENT 'newcomer' CONFIDENCE 0.4")
    found = connection.execute(
        f"SELECT object, credence FROM beliefs WHERE subject = 'auth/new' RESOLVE BY {strategy}"
    )
    assert found.fetchall() == [("x", 0.4)]
