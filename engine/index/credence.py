"""Credence: how much an assertion is worth at a snapshot.

    credence  = confidence × trust(agent, topic) × freshness
    trust     = (s + m·p) / (s + f + m), p where nothing is recorded of the agent on the topic
    freshness = 0.5 ^ ((clock − e) / half-life), 1 where the predicate declares no half-life

s, f: the agent's successes and failures on the topic as of the snapshot; p, m: the policies
trust_prior and trust_strength; e: when it was last asserted or, if later, last confirmed.

Everything is one SQL expression over the aliases s (slot), w (span) and a (assertion), so that a
whole snapshot is one pass. A part that nothing in the index can move off 1 is left out of the
text: a database without half-lives and corrections reads confidence alone.
How candidates are compared by it: weighed.py. The rule in words: docs/language/resolving.md.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import apsw

from epql.engine.index import topics
from epql.engine.index.ask import first, only
from epql.engine.index.declarations import Declared
from epql.engine.index.snapshot import Snapshot


class Factors(NamedTuple):
    """The credence of an assertion at a snapshot, and what it is made of."""

    confidence: float
    trust: float
    freshness: float
    credence: float
    successes: float
    failures: float


class Weighing(NamedTuple):
    """What decides credence, as far as it shows in the text of SQL."""

    topic: str
    """SQL for the topic of slot s."""
    has_prior: bool
    """Whether the trust in an agent nothing is known of is not 1."""
    has_records: bool
    """Whether the trust in some agent has ever changed."""
    half_lives: int
    """How many predicates have a half-life."""
    has_confirmations: bool
    is_pooled: bool
    """Whether agents that nobody named count as one."""

    @property
    def is_plain(self) -> bool:
        """Whether credence is confidence: nothing can move trust or freshness off 1."""
        return not (self.has_prior or self.has_records or self.half_lives)

    def credence(self) -> str:
        """SQL for the credence of the assertion a at the snapshot's clock."""
        parts = ["a.confidence"]
        if self.has_prior or self.has_records:
            parts.append(self.trust("a.agent", self.topic))
        if self.half_lives:
            parts.append(self.freshness(":clock", self.evidence("w.seq", "w.assertion")))
        return "*".join(parts)

    def trust(self, agent: str, topic: str) -> str:
        """SQL for the trust in an agent on a topic."""
        if not self.has_records:
            return ":trust_prior"
        return (
            "ifnull((SELECT (t.successes+:trust_base)/(t.successes+t.failures+:trust_strength)"
            f" FROM trust t WHERE t.agent={agent} AND t.topic={topic} AND t.id<((:t+1)<<20)"
            " ORDER BY t.id DESC LIMIT 1),:trust_prior)"
        )

    def evidence(self, seq: str, assertion: str) -> str:
        """SQL for the instant at which an assertion was last asserted or confirmed; NULL where
        the predicate of slot s does not decay.
        """
        if self.has_confirmations:
            seq = (
                f"max({seq},ifnull((SELECT max(u.id) FROM used u WHERE u.what='assertion'"
                f" AND u.target={assertion} AND u.id<((:t+1)<<20)),0))"
            )
        return f"CASE WHEN {self.half_life()} NOT NULL THEN {recorded_at(seq)} END"

    def freshness(self, until: str, since: str, half_life: str | None = None) -> str:
        """SQL for what is left at `until` of what was fresh at `since`."""
        return f"ifnull(pow(0.5,1.0*({until}-{since})/{half_life or self.half_life()}),1.0)"

    def half_life(self) -> str:
        """SQL for the half-life of the predicate of slot s; NULL: it does not decay."""
        cases = [f"WHEN :decays{n} THEN :half_life{n}" for n in range(self.half_lives)]
        return f"(CASE s.predicate {' '.join(cases)} END)" if cases else "NULL"


def recorded_at(seq: str) -> str:
    """SQL for the instant of the commit of a record."""
    return f"(SELECT e.recorded_at FROM txn e WHERE e.tx=({seq} >> 20))"


def weighing(db: apsw.Connection, declared: Declared) -> Weighing:
    """What decides credence where this is declared."""
    has_half_lives = bool(declared.half_lives)
    confirmed = "SELECT 1 FROM used WHERE what='assertion' LIMIT 1"
    return Weighing(
        topics.expression(declared.topics),
        declared.value("trust_prior") != 1,
        first(db, "SELECT 1 FROM trust LIMIT 1") is not None,
        len(declared.half_lives),
        has_half_lives and first(db, confirmed) is not None,
        declared.value("newcomers") == "pooled",
    )


def bindings(declared: Declared, clock: int) -> dict[str, Any]:
    """What the parameters of a Weighing's SQL stand for, :t apart."""
    prior, strength = float(declared.value("trust_prior")), float(declared.value("trust_strength"))
    found: dict[str, Any] = {
        "clock": clock,
        "trust_prior": prior,
        "trust_base": strength * prior,
        "trust_strength": strength,
        **topics.bindings(declared.topics),
    }
    for number, (predicate, half_life) in enumerate(declared.half_lives.items()):
        found[f"decays{number}"], found[f"half_life{number}"] = predicate, half_life
    if declared.value("newcomers") == "pooled":
        found["newcomer_weight"] = float(declared.value("newcomer_weight"))
        found["known_agents"] = json.dumps(list(declared.agents))
    return found


def factors(
    db: apsw.Connection, declared: Declared, snapshot: Snapshot, assertion: int
) -> Factors | None:
    """The factors of an assertion, given by its number, as of a snapshot; its state and valid
    time do not matter. None if the snapshot does not know it.

    `declared`: what is declared at the snapshot.
    """
    weighs = weighing(db, declared)
    params = {**bindings(declared, snapshot.clock), "t": snapshot.tx, "assertion": assertion}
    fresh = weighs.freshness(":clock", weighs.evidence("w.seq", "a.id"))
    tables = (
        "(SELECT max(x.seq) AS seq FROM assertion o JOIN span x ON x.slot=o.slot"
        " AND x.assertion=o.id WHERE o.id=:assertion AND x.from_tx<=:t) w"
        " JOIN assertion a ON a.id=:assertion JOIN slot s ON s.id=a.slot"
    )
    sql = (
        f"SELECT a.confidence, {weighs.trust('a.agent', weighs.topic)}, {fresh}, a.agent,"
        f" {weighs.topic} FROM {tables} WHERE w.seq NOT NULL"
    )
    row = first(db, sql, params)
    if row is None:
        return None
    confidence, trust, freshness, agent, topic = row
    successes, failures = record_of(db, agent, topic, snapshot.tx)
    worth = confidence * trust * freshness
    return Factors(confidence, trust, freshness, worth, successes, failures)


def record_of(db: apsw.Connection, agent: int, topic: str, tx: int) -> tuple[float, float]:
    """The successes and failures of an agent on a topic just after a transaction."""
    sql = (
        "SELECT ifnull(max(t.successes), 0.0), ifnull(max(t.failures), 0.0) FROM (SELECT"
        " successes, failures FROM trust WHERE agent=:a AND topic=:topic AND id<((:t+1)<<20)"
        " ORDER BY id DESC LIMIT 1) t"
    )
    successes, failures = only(db, sql, {"a": agent, "topic": topic, "t": tx})
    return successes, failures
