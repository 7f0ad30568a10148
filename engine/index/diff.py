"""DIFF: what changed between the answers at two snapshots. What led to it: causes.py.

One SQL statement finds the candidates, resolves them at both ends and compares, so the cost grows
with the change. A slot's answer can change because a commit touched it, because a valid time starts
or ends between the two clocks, because its predicate was declared anew, or, where candidates are
weighed, because the trust in one of its agents changed. The result is net: what came and went
inside the window does not appear.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import apsw

from epql.engine.index import resolve, topics
from epql.engine.index.ask import first
from epql.engine.index.declarations import Declarations
from epql.engine.index.resolve import Shape
from epql.engine.index.snapshot import WEIGHED, Snapshot, Window
from epql.engine.store.objects import seq_of

BEFORE, AFTER = "before", "after"
_COMPARED = ("assertion", "state", "valid_from", "valid_to")
"""Columns of a span that make two answers differ; the rest follows from the assertion."""


class Answer(NamedTuple):
    """One side of a change: what is compared."""

    assertion: int
    state: int
    valid_from: int
    valid_to: int


class Key(NamedTuple):
    """What tells changes apart: the slot, and where it has several answers, which of them:
    a digest, or an object after its type.
    """

    slot: int
    kind: str | None
    value: Any


class Differ:
    """Compares the answers of `beliefs` (or the states of `assertions`) over a window."""

    def __init__(
        self, db: apsw.Connection, declarations: Declarations, window: Window, relation: str
    ) -> None:
        self._db = db
        self._declarations = declarations
        self.window = window
        self._relation = relation
        self._is_weighed = relation != "assertions" and window.until.strategy in WEIGHED

    def changes(self, slot_where: Sequence[str], *, of_few: bool) -> tuple[str, dict[str, Any]]:
        """A table s with a row for each change of the slots that meet the conditions, and its
        bindings.

        Its columns: id, subject and predicate of the slot, the rest of the key as kind and value,
        and what is compared of both sides: before_assertion, before_state, …, NULL without one.
        `of_few`: the conditions name so few slots that all of them are resolved.
        """
        condition, params = ("1", {}) if of_few else self._candidates()
        where = [condition, *slot_where]
        shapes: dict[str, Shape] = {}
        for name, snapshot in ((BEFORE, self.window.since), (AFTER, self.window.until)):
            shapes[name], bindings, _ = resolve.bound(self._db, self._declarations, snapshot)
            params |= {f"{name}_{key}": value for key, value in bindings.items()}
        slots = None if self._relation == "assertions" else resolve.at_each(shapes, where)
        if slots is None:
            return self._by_key(shapes, where), params
        told = {name: resolve.told_of(name) for name in shapes}
        sides = ", ".join(
            f"{resolve.apart(told[name][column], name)} AS {name}_{column}"
            for name in shapes
            for column in _COMPARED
        )
        pairs = f"SELECT s.id, s.subject, s.predicate, NULL AS kind, NULL AS value, {sides}"
        differs = _differs(f"s.{name}_" for name in shapes)
        return f"(SELECT * FROM ({pairs} FROM {slots}) s WHERE {differs}) s", params

    def answers(self, slot: int, snapshot: Snapshot) -> dict[Key, Answer]:
        """The answers of a slot at another snapshot, by the keys of changes."""
        shape, params, _ = resolve.bound(self._db, self._declarations, snapshot)
        params["slot"] = slot
        found: dict[Key, Answer] = {}
        for row in self._db.execute(self._answers(shape, ["s.id=:slot"]), params):
            found.setdefault(Key(*row[:3]), Answer(*row[3:]))
        return found

    # ------------------------------------------------------------ candidates

    def _candidates(self) -> tuple[str, dict[str, Any]]:
        """A condition on s.id with its parameters: the slots whose answer can differ.

        The window is bound, so that the SQL stays the same while the clock moves.
        """
        since, until = self.window.since, self.window.until
        if since.states != until.states or since.strategy != until.strategy:
            return "1", {}
        if self._is_weighed and self._weights(since.tx) != self._weights(until.tx):
            return "1", {}
        parts = ["SELECT slot FROM touched WHERE tx>:diff_after AND tx<=:diff_upto"]
        bounds: dict[str, Any] = {"diff_after": since.tx, "diff_upto": until.tx}
        if (since.valid_low, since.valid_high) != (until.valid_low, until.valid_high):
            bounds["diff_low"], bounds["diff_high"] = self._valid_range()
            parts.append("SELECT slot FROM bound WHERE at>=:diff_low AND at<=:diff_high")
        predicates = self._declarations.changed(since.tx, until.tx)
        if predicates:
            bounds["diff_declared"] = json.dumps(sorted(predicates))
            names = "(SELECT value FROM json_each(:diff_declared))"
            parts.append(f"SELECT id FROM slot WHERE predicate IN {names}")
        if self._is_weighed and self._has_trust:
            bounds["diff_first"], bounds["diff_last"] = seqs_of(since.tx, until.tx)
            declared = self._declarations.at(until.tx).topics
            bounds |= topics.bindings(declared)
            parts.append(_trusted_anew(topics.expression(declared)))
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
        since, until = self.window.since, self.window.until
        return (
            min(since.valid_low, until.valid_low),
            max(since.valid_high, until.valid_high),
        )

    # ------------------------------------------------------------ answers

    def _by_key(self, shapes: dict[str, Shape], where: Sequence[str]) -> str:
        """The table of changes where a slot may have several answers, or they are weighed."""
        answers = " UNION ALL ".join(
            f"SELECT {number} AS side, * FROM"
            f" ({resolve.apart(self._answers(shape, ['s.id IN near']), name)})"
            for number, (name, shape) in enumerate(shapes.items())
        )
        sides = ", ".join(
            f"max(iif(side={number}, {column}, NULL)) AS {name}_{column}"
            for number, name in enumerate(shapes)
            for column in _COMPARED
        )
        pairs = f"SELECT slot, kind, value, {sides} FROM ({answers}) GROUP BY slot, kind, value"
        differs = _differs(f"p.{name}_" for name in shapes)
        return (
            f"(WITH near(id) AS MATERIALIZED (SELECT s.id FROM slot s WHERE {' AND '.join(where)})"
            f" SELECT s.id, s.subject, s.predicate, p.* FROM ({pairs}) p"
            f" CROSS JOIN slot s ON s.id=p.slot WHERE {differs}) s"
        )

    def _answers(self, shape: Shape, where: Sequence[str]) -> str:
        """SQL for the answers at a snapshot: the key, and what is compared."""
        if self._relation == "assertions":
            sources = [resolve.candidates(shape, where)]
        else:
            sources = resolve.winners(shape, where)
        key, joined = "NULL AS kind, NULL AS value", ""
        if self._relation == "assertions" or shape.strategy == "none":
            key = "'id' AS kind, a.digest AS value"
        elif shape.many:
            is_many = "s.predicate IN (SELECT value FROM json_each(:many))"
            key = f"iif({is_many}, {_KIND}, NULL) AS kind, iif({is_many}, a.object, NULL) AS value"
        if "a." in key:
            joined = " JOIN assertion a ON a.id=w.assertion"
        columns = ", ".join(f"w.{column} AS {column}" for column in _COMPARED)
        return " UNION ALL ".join(
            f"SELECT s.id AS slot, {key}, {columns} FROM {source.tables}{joined}"
            f" WHERE {' AND '.join(source.where)}"
            for source in sources
        )


_KIND = "replace(typeof(a.object), 'real', 'float')"
"""The type of an object, by its name; numbers with a point stand first."""


def _differs(sides: Iterable[str]) -> str:
    """The condition that two sides differ; `sides`: what stands before their columns."""
    before, after = sides
    return f"({' OR '.join(f'{before}{c} IS NOT {after}{c}' for c in _COMPARED)})"


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
