"""why, why_not, blame, history_of: the questions of the same names, as table functions.

    SELECT role, object, why FROM why('auth/jwt', 'algorithm')
    SELECT w.why FROM beliefs b JOIN why(b.id) w WHERE b.disputed

What is asked about is given as arguments, or by = on subject and predicate. How the answers are
found stands in engine/explain.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from operator import attrgetter
from typing import Any

from epql.engine.errors import ProgrammingError
from epql.engine.explain import blame, events, ground, why_not
from epql.engine.explain.slot import Asked, Fact, recorded_at, said_at, slot_named, slot_of
from epql.engine.explain.why import Contest
from epql.engine.index.snapshot import Snapshot
from epql.engine.store.objects import seq_of, tx_of
from epql.engine.vtab.base import Column, Condition, Relation, SqlValue, snapshot_of
from epql.engine.vtab.context import Context, Scope
from epql.engine.vtab.show import address, instant

ARGUMENTS = ("target", "of_predicate", "of_object")
_CLAUSES = ("as_of", "lifecycle_in", "valid_at", "resolve_by")
_SUBJECT = Column("subject", "TEXT", "", push="slot", doc="of the slot")
_PREDICATE = Column("predicate", "TEXT", "", push="slot", doc="of the slot")

Given = dict[str, SqlValue]


class _Question(Relation):
    """What the four share: arguments, and columns read off one object a row."""

    hidden: tuple[str, ...] = (*ARGUMENTS, *_CLAUSES)
    arguments = ARGUMENTS
    readers: dict[str, Callable[[Any], SqlValue]]

    def rows(
        self,
        context: Context,
        scope: Scope,
        wanted: Sequence[Column],
        conditions: Sequence[Condition],
    ) -> Iterator[tuple[SqlValue, ...]]:
        snapshot = snapshot_of(scope, self.name)
        given = {one.column.name: one.value for one in conditions if one.op == "="}
        read = [self.readers[column.name] for column in wanted]
        for number, row in enumerate(self.answer(context, snapshot, given)):
            yield (*(reader(row) for reader in read), number)

    def answer(self, context: Context, snapshot: Snapshot, given: Given) -> Iterator[Any]:
        """One object for each row."""
        raise NotImplementedError

    def asked(self, context: Context, snapshot: Snapshot, given: Given) -> Asked | None:
        """What the arguments name, or None if it was not there by then.

        Raises: ProgrammingError `question.target`, `id.*`.
        """
        subject = given.get("target", given.get("subject"))
        predicate = given.get("of_predicate", given.get("predicate"))
        if subject is None or (predicate is None and "target" not in given):
            raise ProgrammingError(
                f"{self.name} needs to know what is asked about",
                code="question.target",
                hint=f"{self.name}('auth/jwt', 'algorithm'), or {self.name}('a:1f3c9e')",
            )
        if predicate is None:
            number = context.objects.resolve(str(subject))[1]
            if number >= seq_of(snapshot.tx + 1, 0):
                return None
            return Asked(slot_of(context, number), number)
        slot = slot_named(context, str(subject), str(predicate), snapshot.tx)
        return None if slot is None else Asked(slot, object=given.get("of_object"))

    def cost(self, given: set[str]) -> tuple[float, int]:
        return 100.0, 10


# ---------------------------------------------------------------- why

Row = tuple[Contest, Fact]


def _listed(found: Callable[[Contest, Fact], list[ground.Told]]) -> Callable[[Row], SqlValue]:
    """A reader of a list, as JSON; NULL when it is empty."""
    return lambda row: json.dumps(found(*row), ensure_ascii=False) if found(*row) else None


def _factor(name: str) -> Callable[[Row], SqlValue]:
    def read(row: Row) -> SqlValue:
        return getattr(row[0].factors(row[1]), name)

    return read


def _last_reason(contest: Contest, fact: Fact) -> str | None:
    move = contest.last_move(fact)
    if move is not None:
        return move.reason
    return said_at(contest.index, fact.assertion, fact.assertion)


_WHY: tuple[tuple[Column, Callable[[Row], SqlValue]], ...] = (
    (Column("role", "TEXT", "", doc="winner, loser or excluded"), lambda r: r[0].role(r[1])),
    (Column("object", "", "", doc="what it says"), lambda r: r[1].object),
    (Column("lifecycle", "TEXT", "", doc="its state"), lambda r: r[1].state),
    (Column("step", "TEXT", "", doc="the step that decided about it"), lambda r: r[0].step(r[1])),
    (Column("why", "TEXT", "", doc="the same in a sentence"), lambda r: r[0].why(r[1])),
    (Column("confidence", "REAL", "", doc="as the writer stated it"), lambda r: r[1].confidence),
    (Column("trust", "REAL", "", doc="in its agent on the topic"), _factor("trust")),
    (Column("freshness", "REAL", "", doc="what age has left of it"), _factor("freshness")),
    (Column("credence", "REAL", "", doc="confidence × trust × freshness"), _factor("credence")),
    (
        Column("score", "REAL", "", doc="what its object has under CONSENSUS; else NULL"),
        lambda r: r[0].score(r[1]),
    ),
    (Column("agent", "TEXT", "", doc="who asserted it"), lambda r: r[1].agent),
    (
        Column("recorded_at", "TEXT", "", doc="when last asserted"),
        lambda r: instant(recorded_at(r[0].index, r[1].piece.seq)),
    ),
    (Column("source", "TEXT", "", doc="where it was taken from"), lambda r: r[1].source),
    (Column("reason", "TEXT", "", doc="of its last move"), lambda r: _last_reason(*r)),
    (
        Column("approved_by", "TEXT", "", doc="JSON list: agent, at, via, reason"),
        _listed(lambda c, f: ground.approvals(c.index, f, c.snapshot.tx)),
    ),
    (
        Column("votes", "TEXT", "", doc="JSON list: agent, at, vote, weight, reason"),
        _listed(lambda c, f: ground.votes(c.index, f.assertion, c.snapshot.tx)),
    ),
    (
        Column("parents", "TEXT", "", doc="JSON list: id, what it says, lifecycle, flagged"),
        _listed(lambda c, f: ground.parents(c.index, f, c.snapshot.tx)),
    ),
    (
        Column("flagged", "TEXT", "", doc="why it lost its ground"),
        lambda r: ground.flag(r[0].index, r[1].assertion, r[0].snapshot.tx),
    ),
    (
        Column("corrections", "TEXT", "", doc="JSON list: agent, at, reason, successor"),
        _listed(lambda c, f: ground.corrections(c.index, f.assertion, c.snapshot.tx)),
    ),
    (
        Column("rules", "TEXT", "", doc="JSON list of rules against it: id, agent, reason, …"),
        _listed(lambda c, f: ground.rules(c.index, c.asked.slot, f.object, c.snapshot.tx)),
    ),
    (
        Column("valid_from", "TEXT", "", doc="world time: from; NULL open"),
        lambda r: instant(r[1].piece.valid_from),
    ),
    (
        Column("valid_to", "TEXT", "", doc="world time: up to; NULL open"),
        lambda r: instant(r[1].piece.valid_to),
    ),
    (_SUBJECT, lambda r: r[0].asked.slot.subject),
    (_PREDICATE, lambda r: r[0].asked.slot.predicate),
    (
        Column("tx", "INTEGER", "", doc="the commit in which it was last asserted"),
        lambda r: tx_of(r[1].piece.seq),
    ),
    (Column("id", "TEXT", "", doc="a: and its content's hash"), lambda r: address(r[1].digest)),
)


class Why(_Question):
    name = "why"
    doc = "WHY as a table function: one row per assertion of a slot, and what decided about it"
    columns = tuple(column for column, _ in _WHY)
    readers = {column.name: read for column, read in _WHY}  # noqa: RUF012

    def answer(self, context: Context, snapshot: Snapshot, given: Given) -> Iterator[Row]:
        asked = self.asked(context, snapshot, given)
        if asked is not None:
            contest = Contest(context, asked, snapshot)
            yield from ((contest, fact) for fact in contest.told())


# ---------------------------------------------------------------- why_not

_WHY_NOT: tuple[tuple[Column, str], ...] = (
    (Column("reason", "TEXT", "", doc="in one word; never changes"), "reason"),
    (Column("sentence", "TEXT", "", doc="the same for people"), "sentence"),
    (Column("at", "TEXT", "", doc="since when"), "at"),
    (Column("agent", "TEXT", "", doc="by whom"), "agent"),
    (Column("by", "TEXT", "", doc="the id of what is in its way"), "by"),
    (Column("clause", "TEXT", "", doc="what to ask, or to state, instead"), "clause"),
    (Column("id", "TEXT", "", doc="the assertion it is about"), "id"),
)


class WhyNot(_Question):
    name = "why_not"
    doc = "WHY NOT as a table function: one row per reason why a triple is not the answer"
    columns = tuple(column for column, _ in _WHY_NOT)
    readers = {column.name: attrgetter(field) for column, field in _WHY_NOT}  # noqa: RUF012

    def answer(
        self, context: Context, snapshot: Snapshot, given: Given
    ) -> Iterator[why_not.Reason | why_not.Never]:
        if not set(ARGUMENTS) <= given.keys():
            raise ProgrammingError(
                "why_not needs a subject, a predicate and an object",
                code="question.target",
                hint="why_not('auth/jwt', 'algorithm', 'ES256')",
            )
        subject, predicate, obj = (given[name] for name in ARGUMENTS)
        return why_not.reasons(context, str(subject), str(predicate), obj, snapshot)


# ---------------------------------------------------------------- blame

_BLAME: tuple[tuple[Column, Callable[[blame.Line], SqlValue]], ...] = (
    (Column("part", "TEXT", "", doc="which part of the answer"), lambda r: r.part),
    (Column("value", "", "", doc="what it is"), lambda r: r.value),
    (Column("event", "TEXT", "", doc="what made it so"), lambda r: r.event),
    (Column("agent", "TEXT", "", doc="who did it"), lambda r: r.agent),
    (Column("at", "TEXT", "", doc="when"), lambda r: instant(r.at)),
    (Column("tx", "INTEGER", "", doc="in which commit; NULL: none, time passed"), lambda r: r.tx),
    (Column("reason", "TEXT", "", doc="and why"), lambda r: r.reason),
    (Column("object", "", "", doc="of the assertion"), lambda r: r.subject.object),
    (Column("id", "TEXT", "", doc="of the assertion"), lambda r: address(r.subject.digest)),
)


class Blame(_Question):
    name = "blame"
    doc = "BLAME as a table function: who brought each part of an answer to where it is"
    columns = tuple(column for column, _ in _BLAME)
    readers = {column.name: read for column, read in _BLAME}  # noqa: RUF012

    def answer(self, context: Context, snapshot: Snapshot, given: Given) -> Iterator[blame.Line]:
        asked = self.asked(context, snapshot, given)
        return iter(()) if asked is None else blame.lines(context, asked, snapshot)


# ---------------------------------------------------------------- history_of

_HISTORY: tuple[tuple[Column, Callable[[events.Event], SqlValue]], ...] = (
    (Column("at", "TEXT", "", doc="when"), lambda r: instant(r.at)),
    (Column("tx", "INTEGER", "", doc="in which commit"), lambda r: r.tx),
    (Column("event", "TEXT", "", doc="what happened: ASSERT, TRANSITION …"), lambda r: r.event),
    (Column("object", "", "", doc="of the assertion"), lambda r: r.subject.object),
    (Column("from_state", "TEXT", "", doc="before a move"), lambda r: events.state(r.was)),
    (Column("to_state", "TEXT", "", doc="after it, or landed in"), lambda r: events.state(r.state)),
    (Column("agent", "TEXT", "", doc="who did it"), lambda r: r.agent),
    (Column("reason", "TEXT", "", doc="and why"), lambda r: r.reason),
    (Column("by", "TEXT", "", doc="the id that took its place"), lambda r: r.by),
    (
        Column("valid_from", "TEXT", "", doc="ASSERT: holds from; SUPERSEDE: ends there"),
        lambda r: instant(r.valid_from),
    ),
    (
        Column("valid_to", "TEXT", "", doc="ASSERT: holds up to"),
        lambda r: instant(r.valid_to),
    ),
    (Column("detail", "TEXT", "", doc="what else was said: source, vote"), lambda r: r.detail),
    (Column("id", "TEXT", "", doc="of the assertion"), lambda r: address(r.subject.digest)),
)


class HistoryOf(_Question):
    name = "history_of"
    doc = "HISTORY OF as a table function: one row per event, in the order of belief time"
    columns = tuple(column for column, _ in _HISTORY)
    readers = {column.name: read for column, read in _HISTORY}  # noqa: RUF012
    hidden = (*ARGUMENTS, "as_of")

    def answer(self, context: Context, snapshot: Snapshot, given: Given) -> Iterator[events.Event]:
        asked = self.asked(context, snapshot, given)
        return iter(() if asked is None else events.events(context, asked, snapshot.tx))
