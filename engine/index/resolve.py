"""Snapshot + strategy → the SQL that finds candidates and winners.

One rule stands here and nowhere else: what counts as a candidate (`piece`) and which one wins.
The SQL names :t :vl :vh (Snapshot.params), :many (JSON array of predicates declared MANY) and
whatever its caller's conditions name. Aliases: s slot, w the chosen span, a assertion.

    fast     LATEST: per state one descending seek on span's key, the highest seq wins; where all
             slots are read, and in DIFF, it tells the winner so that its span is not sought again
    ranked   CONFIDENCE, MANY, overlapping valid times: a window over the slot's candidates
    plain    every candidate, where no two pieces of one assertion can both match
    weighed  CREDENCE, CONSENSUS: weighed.py
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import apsw

from epql.engine.index import credence, weighed
from epql.engine.index.credence import Weighing
from epql.engine.index.declarations import Declarations, Declared
from epql.engine.index.snapshot import WEIGHED, Snapshot


class Shape(NamedTuple):
    """What of a snapshot decides the text of its SQL."""

    strategy: str
    states: tuple[int, ...]
    split: bool
    """Whether two pieces of one assertion may match: only under a valid range. An assertion has
    several where a part of its valid time was superseded, and again where that part was revived."""
    many: bool
    """Whether some predicate is declared CARDINALITY MANY."""
    weighing: Weighing | None = None
    """What decides credence; None where the strategy does not ask for it."""


class Source(NamedTuple):
    """Rows to select from: `FROM` text with aliases s and w, and its `WHERE` conditions.

    `told`: what stands for columns of w where no span is read (`told_of`).
    """

    tables: str
    where: tuple[str, ...]
    told: Mapping[str, str] = {}


class Bound(NamedTuple):
    """The shape of a snapshot's SQL, what all that it names is bound to, what is declared."""

    shape: Shape
    params: dict[str, Any]
    declared: Declared


def bound(db: apsw.Connection, declarations: Declarations, snapshot: Snapshot) -> Bound:
    """How a snapshot is read from an index."""
    declared = declarations.at(snapshot.tx)
    params: dict[str, Any] = dict(snapshot.params())
    if declared.many:
        params |= many_bound(declared.many)
    weighing = None
    if snapshot.strategy in WEIGHED:
        weighing = credence.weighing(db, declared)
        params |= credence.bindings(declared, snapshot.clock)
    return Bound(shape_of(snapshot, declared.many, weighing), params, declared)


def many_bound(many: Sequence[str]) -> dict[str, str]:
    """What :many stands for."""
    return {"many": json.dumps(many)}


def shape_of(snapshot: Snapshot, many: Sequence[str], weighing: Weighing | None = None) -> Shape:
    """The shape of a snapshot's SQL."""
    is_split = not snapshot.at_one_instant
    return Shape(snapshot.strategy, snapshot.states, is_split, bool(many), weighing)


def piece(alias: str) -> str:
    """The condition under which a span is a candidate of the snapshot, its state apart."""
    return (
        f"{alias}.from_tx<=:t AND {alias}.to_tx>:t"
        f" AND {alias}.valid_from<=:vh AND {alias}.valid_to>:vl"
    )


def in_states(alias: str, states: Sequence[int]) -> str:
    """The condition that a span's state is one of `states`."""
    if len(states) == 1:
        return f"{alias}.state={states[0]}"
    return f"{alias}.state IN ({','.join(map(str, states))})"


def winners(shape: Shape, slot_where: Sequence[str]) -> list[Source]:
    """Where the winners of each slot come from; several sources are united with UNION ALL."""
    if shape.strategy == "none":
        return [candidates(shape, slot_where)]
    if not shape.many:
        return [_one(shape, slot_where)]
    one = [*slot_where, "s.predicate NOT IN (SELECT value FROM json_each(:many))"]
    many = [*slot_where, "s.predicate IN (SELECT value FROM json_each(:many))"]
    return [_one(shape, one), _by_object(shape, many)]


def candidates(shape: Shape, slot_where: Sequence[str]) -> Source:
    """Every candidate, one row for an assertion."""
    if shape.split:
        return _ranked(shape._replace(strategy="none"), slot_where, "x.assertion")
    tables = "slot s JOIN span w ON w.slot=s.id AND " + in_states("w", shape.states)
    return Source(tables, (piece("w"), *slot_where))


def ranking(shape: Shape, slot_where: Sequence[str], *, by_object: bool = False) -> str:
    """A table of the candidates that CREDENCE or CONSENSUS compares: with `rank`, `place`, and
    `score` where the objects of a slot are compared (weighed.py)."""
    assert shape.weighing is not None
    rivals = _compared(shape, slot_where)
    if shape.strategy == "consensus" and not by_object:
        return weighed.by_consensus(shape.weighing, rivals)
    return weighed.by_credence(shape.weighing, rivals, by_object=by_object)


def whole(shape: Shape) -> Source | None:
    """Where the winners of all slots come from, with no span read but by the seeks; None where
    that is not the fast way. Nothing from outside leads to some of the slots.
    """
    if not _is_fast(shape) or shape.many:
        return None
    return Source(_numbered({"win": shape}, ()), ("s.win NOT NULL",), told_of("win"))


def at_each(shapes: Mapping[str, Shape], slot_where: Sequence[str]) -> str | None:
    """Slots s with the numbers of their winners at several snapshots, called as those are, NULL
    where there is none; None where that is not the fast way. `told_of` tells what they stand for.

    Every parameter bears the name of its snapshot, as `apart` gives it.
    """
    if not all(_is_fast(shape) and not shape.many for shape in shapes.values()):
        return None
    return _numbered(shapes, slot_where, apart)


def told_of(name: str) -> dict[str, str]:
    """Expressions for the columns of a winner's span, by its number in a column of s (`_latest`).

    The first four need no seek, unless the winner was asserted several times.
    """
    number = f"s.{name}"
    return {
        "assertion": f"iif({number} & 16, {_read('assertion', number)}, {number} >> 5)",
        "state": f"({number} & 15)",
        "seq": f"({number} >> 5)",
        "slot": "s.id",
        **{column: _read(column, number) for column in READ},
    }


READ = ("valid_from", "valid_to", "from_tx", "to_tx")
"""Columns of a span that its number does not tell."""


def _read(column: str, number: str) -> str:
    return (
        f"(SELECT x.{column} FROM span x WHERE x.slot=s.id AND x.state={number} & 15"
        f" AND x.seq={number} >> 5 AND {piece('x')})"
    )


def _numbered(
    shapes: Mapping[str, Shape],
    slot_where: Sequence[str],
    named: Callable[[str, str], str] = lambda sql, _: sql,
) -> str:
    """Slots s, each with the numbers of its latest candidates."""
    numbers = ", ".join(f"{named(_latest(x.states), name)} AS {name}" for name, x in shapes.items())
    where = f" WHERE {' AND '.join(slot_where)}" if slot_where else ""
    # LIMIT keeps SQLite from flattening it, which would compute a number wherever it is read
    return f"(SELECT s.*, {numbers} FROM slot s{where} LIMIT -1) s"


def apart(sql: str, name: str) -> str:
    """SQL whose parameters are those of one snapshot, where a statement reads several.

    >>> apart("x.from_tx<=:t", "before")
    'x.from_tx<=:before_t'
    """
    return _PARAMETER.sub(rf":{name}_\1", sql)


_PARAMETER = re.compile(r":(\w+)")


def _one(shape: Shape, slot_where: Sequence[str]) -> Source:
    if _is_fast(shape):
        return _fast(shape, slot_where)
    if shape.weighing is None:
        return _ranked(shape, slot_where, "x.slot")
    return _placed(ranking(shape, slot_where))


def _by_object(shape: Shape, slot_where: Sequence[str]) -> Source:
    """The winners where MANY is declared: one for each object."""
    if shape.weighing is None:
        return _ranked(shape, slot_where, "x.slot, typeof(o.object), o.object")
    return _placed(ranking(shape, slot_where, by_object=True))


def _is_fast(shape: Shape) -> bool:
    return shape.strategy == "latest" and not shape.split


def _fast(shape: Shape, slot_where: Sequence[str]) -> Source:
    tables = f"slot s CROSS JOIN span w ON w.slot=s.id AND {_is_latest(shape.states, 'w')}"
    return Source(tables, (piece("w"), *slot_where))


def _is_latest(states: Sequence[int], alias: str) -> str:
    """The condition that a span is the latest candidate of slot s, or another piece of it."""
    if len(states) == 1:
        return f"{alias}.state={states[0]} AND {alias}.seq=({_seek(states[0])} >> 5)"
    # LIMIT keeps SQLite from flattening the subquery, which would compute win twice
    win = f"SELECT {_latest(states)} AS win LIMIT 1"
    return f"({alias}.state, {alias}.seq)=(SELECT win & 15, win >> 5 FROM ({win}))"


def _latest(states: Sequence[int]) -> str:
    """An expression for the number of slot s's latest candidate, NULL without one.

    The number is seq * 32 + 16 + state where the assertion was asserted before, too; else
    seq * 32 + state, and the assertion's own number is seq.
    """
    if len(states) < 2:
        return _seek(states[0]) if states else "NULL"
    seeks = ", ".join(f"ifnull({_seek(state)}, 0)" for state in states)
    return f"nullif(max({seeks}), 0)"


def _seek(state: int) -> str:
    """An expression for the same of the candidates in one state."""
    return (
        f"(SELECT x.seq*32+(x.seq<>x.assertion)*16+{state} FROM span x"
        f" WHERE x.slot=s.id AND x.state={state}"
        f" AND {piece('x')} AND x.seq<((:t+1)<<20) ORDER BY x.seq DESC LIMIT 1)"
    )


_RANK = {
    "latest": "x.seq DESC, x.valid_from DESC",
    "confidence": "o.confidence DESC, x.seq DESC, x.valid_from DESC",
    "none": "x.seq DESC, x.valid_from DESC",
}


def _ranked(shape: Shape, slot_where: Sequence[str], partition: str) -> Source:
    return _placed(
        "(SELECT x.*, row_number() OVER"
        f" (PARTITION BY {partition} ORDER BY {_RANK[shape.strategy]}) AS place"
        f" {_compared(shape, slot_where)})"
    )


def _compared(shape: Shape, slot_where: Sequence[str]) -> str:
    """FROM and WHERE of the candidates that are compared: x is the span, o its assertion."""
    return (
        f"FROM slot s JOIN span x ON x.slot=s.id AND {in_states('x', shape.states)}"
        f" JOIN assertion o ON o.id=x.assertion WHERE {' AND '.join([piece('x'), *slot_where])}"
    )


def _placed(table: str) -> Source:
    """The first of each place in a table of spans."""
    return Source(f"{table} w CROSS JOIN slot s ON s.id=w.slot", ("w.place=1",))


def support(shape: Shape) -> str:
    """An expression: how many distinct agents assert the winning object."""
    return f"(SELECT count(DISTINCT o.agent) {_rivals(shape)} AND {_same_object})"


def disputed(shape: Shape) -> str:
    """An expression: 1 when another candidate of the slot has another object."""
    rivals = f"EXISTS (SELECT 1 {_rivals(shape)} AND NOT ({_same_object}))"
    if not shape.many:
        return rivals
    return f"(s.predicate NOT IN (SELECT value FROM json_each(:many)) AND {rivals})"


_same_object = "o.object=a.object AND typeof(o.object)=typeof(a.object)"


def _rivals(shape: Shape) -> str:
    return (
        f"FROM span x JOIN assertion o ON o.id=x.assertion WHERE x.slot=w.slot"
        f" AND {in_states('x', shape.states)} AND {piece('x')}"
    )
