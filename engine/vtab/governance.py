"""votes, uses, corrections, flags: what agents did to each other's assertions, event by event."""

from __future__ import annotations

from epql.engine.vtab.base import Column
from epql.engine.vtab.ledger import Listing
from epql.engine.vtab.show import address, instant, rule_address

_ABOUT = (
    Column("id", "TEXT", "a.digest", show=address, push="id", doc="of which assertion"),
    Column("subject", "TEXT", "s.subject", push="text", doc="of that assertion"),
    Column("predicate", "TEXT", "s.predicate", push="text", doc="of that assertion"),
    Column("object", "", "a.object", doc="of that assertion"),
)
_ASSERTION = " JOIN assertion a ON a.id={} JOIN slot s ON s.id=a.slot"
_COMMIT = " JOIN txn c ON c.tx=({}.id >> 20)"


def _when(alias: str) -> tuple[Column, ...]:
    return (
        Column("tx", "INTEGER", f"{alias}.id >> 20", push="integer", doc="in which commit"),
        Column("recorded_at", "TEXT", "c.recorded_at", show=instant, doc="when"),
    )


class Votes(Listing):
    name = "votes"
    doc = "one row per vote for or against an assertion"
    tables = "vote v" + _ASSERTION.format("v.assertion") + _COMMIT.format("v")
    tables += " JOIN agent g ON g.id=v.agent"
    where = "v.id<((:t+1)<<20)"
    identity = "v.id"
    columns = (
        *_when("v"),
        *_ABOUT,
        Column("agent", "TEXT", "g.name", push="text", doc="who voted"),
        Column("vote", "TEXT", "iif(v.is_for, 'for', 'against')", push="text", doc="for, against"),
        Column("weight", "REAL", "v.weight", doc="more than 0, 1 at most"),
        Column("reason", "TEXT", "v.reason", doc="and why"),
        Column(
            "counts", "INTEGER",
            "v.id=(SELECT max(o.id) FROM vote o WHERE o.assertion=v.assertion AND o.agent=v.agent"
            " AND o.id<((:t+1)<<20))",
            doc="1 if it is the agent's latest on that assertion",
        ),
    )  # fmt: skip


class Uses(Listing):
    name = "uses"
    doc = "one row per confirmation of an assertion and per use of a rule"
    tables = (
        "used u JOIN txn c ON c.tx=(u.id >> 20) JOIN agent g ON g.id=u.agent"
        " LEFT JOIN assertion a ON u.what='assertion' AND a.id=u.target"
        " LEFT JOIN rule r ON u.what='rule' AND r.id=u.target"
    )
    where = "u.id<((:t+1)<<20)"
    identity = "u.id"
    columns = (
        *_when("u"),
        Column("what", "TEXT", "u.what", push="text", doc="assertion (CONFIRM), or rule"),
        Column(
            "id", "TEXT",
            "iif(u.what='rule', 'c:' || lower(hex(r.digest)), 'a:' || lower(hex(a.digest)))",
            push="text", doc="of that assertion or rule",
        ),
        Column("agent", "TEXT", "g.name", push="text", doc="who confirmed or used it"),
        Column("source", "TEXT", "u.source", push="text", doc="the new evidence"),
        Column("reason", "TEXT", "u.reason", doc="and why"),
    )  # fmt: skip


class Corrections(Listing):
    name = "corrections"
    doc = "one row per assertion that CORRECT found wrong"
    tables = "correction x" + _ASSERTION.format("x.assertion") + _COMMIT.format("x")
    tables += " JOIN agent g ON g.id=x.agent"
    where = "x.id<((:t+1)<<20)"
    identity = "x.id"
    columns = (
        Column("correction", "TEXT", "'x:' || lower(hex(x.digest))", push="text", doc="its own id"),
        *_when("x"),
        *_ABOUT,
        Column("agent", "TEXT", "g.name", push="text", doc="who corrected it"),
        Column("reason", "TEXT", "x.reason", doc="what was wrong"),
        Column("replacement", "TEXT", "x.successor", show=address, doc="the id put in its place"),
        Column("rule", "TEXT", "x.rule", show=rule_address, doc="that FORBID made"),
        Column(
            "tended", "INTEGER",
            "EXISTS (SELECT 1 FROM tended e WHERE e.correction=x.id AND e.id<((:t+1)<<20))",
            doc="1 once its effects on trust and dependents are recorded",
        ),
    )  # fmt: skip


class Flags(Listing):
    name = "flags"
    doc = "one row per derived assertion that lost a ground"
    tables = "flag f" + _ASSERTION.format("f.assertion") + _COMMIT.format("f")
    where = "f.id<((:t+1)<<20)"
    identity = "f.id"
    columns = (
        *_when("f"),
        *_ABOUT,
        Column("reason", "TEXT", "f.reason", doc="what became of its ground, and why, in short"),
        Column("cause", "TEXT", "lower(hex(f.cause))", push="text", doc="digest of that event"),
        Column(
            "answered", "INTEGER",
            "EXISTS (SELECT 1 FROM used u WHERE u.what='assertion' AND u.target=f.assertion"
            " AND u.id>f.id AND u.id<((:t+1)<<20))",
            doc="1 if a CONFIRM came after it",
        ),
    )  # fmt: skip
