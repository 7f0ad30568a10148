"""DIFF: what changed between the answers at two snapshots. What led to it: causes.py.

The cost grows with the change: only candidates are resolved, at both ends. A slot's answer can
change because a commit touched it, because a valid time starts or ends between the two clocks,
because its predicate was declared anew, or, where candidates are weighed, because the trust in one
of its agents changed. The result is net: what came and went inside the window does not appear.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import apsw

from epql.engine.index import resolve, topics
from epql.engine.index.ask import first
from epql.engine.index.declarations import Declarations
from epql.engine.index.snapshot import WEIGHED, Snapshot, Window
from epql.engine.store.objects import seq_of


class Side(NamedTuple):
    """One side of a change: what is compared, after what names the slot."""

    object: Any
    confidence: float
    state: int
    agent: str
    valid_from: int
    valid_to: int
    digest: bytes


class Change(NamedTuple):
    """One difference. `key` is (slot, object or digest where these tell rows apart)."""

    key: tuple[Any, ...]
    subject: str
    predicate: str
    before: Side | None
    after: Side | None

    @property
    def kind(self) -> str:
        """ADDED, REMOVED or CHANGED."""
        if self.before is None:
            return "ADDED"
        return "REMOVED" if self.after is None else "CHANGED"


class Differ:
    """Compares the answers of `beliefs` (or the states of `assertions`) over a window."""

    def __init__(
        self, db: apsw.Connection, declarations: Declarations, window: Window, relation: str
    ) -> None:
        self._db = db
        self._declarations = declarations
        self._window = window
        self._relation = relation
        self._is_weighed = relation != "assertions" and window.until.strategy in WEIGHED

    def changes(
        self, slot_where: Sequence[str] = (), params: dict[str, Any] | None = None
    ) -> Iterator[Change]:
        """The changes of the slots that meet the conditions, in order of their slots."""
        condition, bounds = self._candidates()
        where = [condition, *slot_where]
        before = self._answers(self._window.since, where, {**bounds, **(params or {})})
        after = self._answers(self._window.until, where, {**bounds, **(params or {})})
        for key in sorted({**before, **after}):
            old, new = before.get(key), after.get(key)
            if old != new:
                subject, predicate, _ = new or old  # type: ignore[misc]
                yield Change(key, subject, predicate, old and old[2], new and new[2])

    def answer(self, key: tuple[Any, ...], snapshot: Snapshot) -> Side | None:
        """The answer for the key of a change at another snapshot."""
        found = self._answers(snapshot, ["s.id=:slot"], {"slot": key[0]}).get(key)
        return None if found is None else found[2]

    # ------------------------------------------------------------ candidates

    def _candidates(self) -> tuple[str, dict[str, Any]]:
        """A condition on s.id with its parameters: the slots whose answer can differ.

        The window is bound, so that the SQL stays the same while the clock moves.
        """
        since, until = self._window.since, self._window.until
        if since.states != until.states or since.strategy != until.strategy:
            return "1", {}
        if self._is_weighed and self._weights(since.tx) != self._weights(until.tx):
            return "1", {}
        parts = ["SELECT slot FROM touched WHERE tx>:diff_after AND tx<=:diff_upto"]
        bounds: dict[str, Any] = {"diff_after": since.tx, "diff_upto": until.tx}
        if (since.valid_low, since.valid_high) != (until.valid_low, until.valid_high):
            bounds["diff_low"], bounds["diff_high"] = self._valid_range()
            parts.append("SELECT slot FROM bound WHERE at>=:diff_low AND at<=:diff_high")
        declared = self._declarations.changed(since.tx, until.tx)
        if declared:
            bounds["diff_declared"] = json.dumps(sorted(declared))
            names = "(SELECT value FROM json_each(:diff_declared))"
            parts.append(f"SELECT id FROM slot WHERE predicate IN {names}")
        if self._is_weighed and self._has_trust:
            bounds["diff_first"], bounds["diff_last"] = seqs_of(since.tx, until.tx)
            parts.append(_trusted_anew(topics.expression(self._declarations.at(until.tx).topics)))
        return f"s.id IN ({' UNION '.join(parts)})", bounds

    @property
    def _has_trust(self) -> bool:
        return first(self._db, "SELECT 1 FROM trust LIMIT 1") is not None

    def _weights(self, tx: int) -> tuple[Any, ...]:
        """What is declared that weighs every slot: where it changed, all of them can differ."""
        declared = self._declarations.at(tx)
        is_pooled = declared.value("newcomers") == "pooled"
        return (
            declared.value("trust_prior"),
            declared.value("trust_strength"),
            (declared.value("newcomer_weight"), declared.agents.keys()) if is_pooled else None,
            declared.topics if self._has_trust else None,
        )

    def _valid_range(self) -> tuple[int, int]:
        since, until = self._window.since, self._window.until
        return (
            min(since.valid_low, until.valid_low),
            max(since.valid_high, until.valid_high),
        )

    # ------------------------------------------------------------ answers

    def _answers(
        self, snapshot: Snapshot, where: list[str], params: dict[str, Any]
    ) -> dict[tuple[Any, ...], tuple[str, str, Side]]:
        shape, bindings, declared = resolve.bound(self._db, self._declarations, snapshot)
        if self._relation == "assertions":
            sources = [resolve.candidates(shape, where)]
        else:
            sources = resolve.winners(shape, where)
        sql = " UNION ALL ".join(
            "SELECT s.id, s.subject, s.predicate, a.object, a.confidence, w.state, g.name,"
            f" w.valid_from, w.valid_to, a.digest FROM {source.tables}"
            " JOIN assertion a ON a.id=w.assertion JOIN agent g ON g.id=a.agent"
            f" WHERE {' AND '.join(source.where)}"
            for source in sources
        )
        by_id = self._relation == "assertions" or snapshot.strategy == "none"
        answers: dict[tuple[Any, ...], tuple[str, str, Side]] = {}
        for slot, subject, predicate, *rest in self._db.execute(sql, {**bindings, **params}):
            side = Side(*rest)
            key: tuple[Any, ...] = (slot,)
            if by_id:
                key = (slot, side.digest)
            elif predicate in declared.many:
                key = (slot, type(side.object).__name__, side.object)
            answers[key] = (subject, predicate, side)
        return answers


def seqs_of(after: int, upto: int) -> tuple[int, int]:
    """(first, last) such that the records of the commits (after, upto] have first <= seq < last."""
    return seq_of(after + 1, 0), seq_of(upto + 1, 0)


def _trusted_anew(topic: str) -> str:
    """The slots with an assertion or a vote of an agent whose trust on their topic changed."""
    changed = "t.id>=:diff_first AND t.id<:diff_last"
    by = (
        "EXISTS (SELECT 1 FROM span x {} JOIN trust t"
        f" ON t.agent=y.agent AND t.topic={topic} AND {changed} WHERE x.slot=s.id)"
    )
    author = by.format("JOIN assertion y ON y.id=x.assertion")
    voter = by.format("JOIN vote y ON y.assertion=x.assertion")
    return (
        f"SELECT s.id FROM slot s WHERE {topic} IN (SELECT t.topic FROM trust t WHERE {changed})"
        f" AND ({author} OR {voter})"
    )
