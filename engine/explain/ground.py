"""What stands behind a fact: who approved it, voted, corrected it; what it comes from; rules.

Each gives plain dicts, which a table function shows as JSON; an empty list is told as nothing.
"""

from __future__ import annotations

from typing import Any

from epql.engine.explain.slot import Fact, Index, Slot, landed_in, moves, recorded_at
from epql.engine.index import rules as rules_of
from epql.engine.index.ask import first, only
from epql.engine.lifecycle import CODE, LANDING, NAME
from epql.engine.store.objects import seq_of, tx_of
from epql.engine.vtab.show import address, instant

Told = dict[str, Any]


def approvals(index: Index, fact: Fact, tx: int) -> list[Told]:
    """Who approved it, the latest first, since it was last revived; ASSERT may land there."""
    told: list[Told] = []
    for move in moves(index, fact.assertion, tx):
        if move.state == CODE["approved"]:
            told.append(_event(move.agent, move.at, via=move.via, reason=move.reason))
        if move.via == "REVIVE":
            return told
    if NAME[landed_in(index, fact.assertion)] in LANDING[2:]:
        at = recorded_at(index, fact.assertion)
        told.append(_event(fact.agent, at, via=_landed_by(index, fact)))
    return told


def _landed_by(index: Index, fact: Fact) -> str:
    """The statement that recorded it: a replacement takes the state of what it replaces."""
    tx = tx_of(fact.assertion)
    sql = "SELECT via FROM transition WHERE id>? AND id<? AND successor=?"
    row = first(index.db, sql, (seq_of(tx, 0), seq_of(tx + 1, 0), fact.digest))
    return "ASSERT" if row is None else str(row[0])


def votes(index: Index, assertion: int, tx: int) -> list[Told]:
    """The vote of each agent that counts: its latest."""
    sql = (
        "SELECT g.name, c.recorded_at, v.is_for, v.weight, v.reason FROM vote v"
        " JOIN agent g ON g.id=v.agent JOIN txn c ON c.tx=(v.id >> 20) WHERE v.id IN"
        " (SELECT max(id) FROM vote WHERE assertion=? AND id<? GROUP BY agent) ORDER BY v.id"
    )
    return [
        _event(agent, at, vote="for" if is_for else "against", weight=weight, reason=reason)
        for agent, at, is_for, weight, reason in index.db.execute(
            sql, (assertion, seq_of(tx + 1, 0))
        )
    ]


def parents(index: Index, fact: Fact, tx: int) -> list[Told]:
    """The assertions it comes from, each with its state and its flag then."""
    told: list[Told] = []
    for name in fact.parents:
        number = index.objects.find(b"H:" + bytes.fromhex(name[2:]))
        if number is not None and number < seq_of(tx + 1, 0):
            told.append(_parent(index, name, number, tx))
        else:
            told.append({"id": name})
    return told


def _parent(index: Index, name: str, number: int, tx: int) -> Told:
    sql = (
        "SELECT s.subject, s.predicate, a.object, g.name, (SELECT x.state FROM span x"
        " WHERE x.slot=a.slot AND x.assertion=a.id AND x.from_tx<=:t AND x.to_tx>:t"
        " ORDER BY x.valid_from DESC LIMIT 1) FROM assertion a"
        " JOIN slot s ON s.id=a.slot JOIN agent g ON g.id=a.agent WHERE a.id=:a"
    )
    row = first(index.db, sql, {"t": tx, "a": number})
    assert row is not None, name
    subject, predicate, obj, agent, state = row
    told = {
        "id": name, "subject": subject, "predicate": predicate, "object": obj,
        "agent": agent, "lifecycle": NAME[state],
    }  # fmt: skip
    reason = flag(index, number, tx)
    return told if reason is None else {**told, "flagged": reason}


def flag(index: Index, assertion: int, tx: int) -> str | None:
    """Why it lost its ground, if it was flagged since it was last confirmed."""
    sql = (
        "SELECT reason FROM flag WHERE assertion=:a AND id<:end AND id>(SELECT ifnull(max(id), 0)"
        " FROM used WHERE what='assertion' AND target=:a AND id<:end) ORDER BY id DESC LIMIT 1"
    )
    row = first(index.db, sql, {"a": assertion, "end": seq_of(tx + 1, 0)})
    return None if row is None else row[0]


def corrections(index: Index, assertion: int, tx: int) -> list[Told]:
    """The corrections of it, the latest first."""
    sql = (
        "SELECT g.name, c.recorded_at, x.reason, x.successor FROM correction x"
        " JOIN agent g ON g.id=x.agent JOIN txn c ON c.tx=(x.id >> 20)"
        " WHERE x.assertion=? AND x.id<? ORDER BY x.id DESC"
    )
    rows = index.db.execute(sql, (assertion, seq_of(tx + 1, 0)))
    return [
        _event(agent, at, reason=reason, successor=address(successor))
        for agent, at, reason, successor in rows
    ]


def rules(index: Index, slot: Slot, obj: Any, tx: int) -> list[Told]:
    """The rules in force that forbid a triple, the earliest first.

    A rule with WHEN is told with its condition: whether it holds depends on the asserted row.
    """
    sql = (
        "SELECT r.digest, g.name, c.recorded_at, r.severity, r.prefer, r.reason"
        " FROM rule r JOIN agent g ON g.id=r.agent JOIN txn c ON c.tx=(r.id >> 20) WHERE r.id=?"
    )
    told: list[Told] = []
    met = [(slot.subject, slot.predicate, obj)]
    for match in rules_of.matches(index.db, met, seq_of(tx + 1, 0)):
        digest, agent, at, severity, prefer, reason = only(index.db, sql, (match.rule,))
        name = "c:" + bytes(digest).hex()
        told.append(
            _event(
                agent, at, id=name, severity=severity, when=match.condition, prefer=prefer,
                reason=reason,
            )
        )  # fmt: skip
    return told


def _event(agent: str, at: int, **more: Any) -> Told:
    told = {"agent": agent, "at": instant(at), **more}
    return {name: value for name, value in told.items() if value is not None}
