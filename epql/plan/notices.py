"""Notices about a query and its answer, looked for only when somebody reads the messages.

One looks at the instants, one at the text alone: tables read at different times, a comparison
with NULL. Two look at data, both about an answer that
is not what was meant (language.md §4): a slot whose answer is not approved while an approved
belief exists, and a WHERE on lifecycle that took the winner of a slot away while another
candidate meets it. These look at the snapshot of the answer, so they say the same whenever they
are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlglot import exp

from epql import instants
from epql.engine.database import Database
from epql.engine.index.snapshot import Snapshot, Window
from epql.engine.lifecycle import CODE, STATES
from epql.engine.lookup import Found, believed, disputed_slots
from epql.engine.vtab.context import Scope
from epql.nodes import Bind, Expression, Query
from epql.plan.compile import Plan
from epql.plan.diff import Side, conjuncts
from epql.plan.relations import Use
from epql.plan.scope import Resolver
from epql.plan.unfiltered import chooses
from epql.plan.values import value

_SHOWN = 3


class Asked(NamedTuple):
    """What a query over beliefs alone compares with constants."""

    subject: str | None
    predicate: str | None
    lifecycle: str | None


def about_answer(plan: Plan, resolver: Resolver, scopes: Sequence[Scope]) -> list[str]:
    """The notices about a query and its answer, read at these scopes."""
    return [
        *mixed_times(plan, resolver),
        *never_true(plan),
        *_only_checked(plan),
        *dict.fromkeys(_about_rivals(plan, resolver, scopes)),
    ]


def mixed_times(plan: Plan, resolver: Resolver) -> list[str]:
    """A table in the past beside one at now (R6)."""
    pinned = [_is_pinned(use) for use in plan.uses]
    if resolver.standing.as_of is not None or True not in pinned or False not in pinned:
        return []
    read = [
        f"{use.name} {'AS OF ' + _moment(resolver.scope(use)) if is_pinned else 'at now'}"
        for use, is_pinned in zip(plan.uses, pinned, strict=True)
        if is_pinned is not None
    ]
    return ["mixed times: " + ", ".join(read)]


def _is_pinned(use: Use) -> bool | None:
    """Whether a relation is read in the past; None for a side of a DIFF that is not now."""
    as_of = use.clauses.as_of
    if isinstance(as_of, Side):
        return False if as_of.is_now else None
    return as_of is not None


def _moment(scope: Scope) -> str:
    snapshot = scope.until if isinstance(scope, Window) else scope
    return f"{instants.format_instant(snapshot.clock)} (TX {snapshot.tx})"


def never_true(plan: Plan) -> Iterator[str]:
    """Comparisons with NULL, which are true for no row."""
    statement = plan.parsed.statement
    if not isinstance(statement, Query):
        return
    for node in statement.select.find_all(exp.EQ, exp.NEQ):
        if not any(isinstance(side, exp.Null) for side in (node.this, node.expression)):
            continue
        other = node.this if isinstance(node.expression, exp.Null) else node.expression
        span = other.meta.get("span")
        shown = "x" if span is None else plan.parsed.text[span.start : span.end]
        is_equal = isinstance(node, exp.EQ)
        sign, right = ("=", "IS NULL") if is_equal else ("<>", "IS NOT NULL")
        yield f"{shown} {sign} NULL is never true: write {shown} {right}"


def _only_checked(plan: Plan) -> Iterator[str]:
    """The table function of CHECK writes nothing."""
    if any(use.relation == "checked" for use in plan.uses):
        yield "checked only answers: CHECK also records that its rules were used"


def is_countable(plan: Plan) -> bool:
    """Whether each row of the answer is a row of its one relation, so that they can be counted."""
    query = plan.parsed.statement
    if plan.compared is not None or not isinstance(query, Query):
        return False
    if len(plan.uses) != 1 or plan.uses[0].relation not in _COUNTED:
        return False
    select = query.select
    if not isinstance(select, exp.Select) or plan.uses[0].clauses.diff is not None:
        return False
    if any(select.args.get(name) for name in _CHANGING):
        return False
    return not any(item.find(exp.AggFunc, exp.Anonymous) for item in select.expressions)


def is_narrow(plan: Plan) -> bool:
    """Whether the conditions of a query give a subject or an id."""
    query = plan.parsed.statement
    where = query.select.args.get("where") if isinstance(query, Query) else None
    return where is not None and any(
        isinstance(part, exp.EQ)
        and any(
            isinstance(column, exp.Column)
            and column.name.lower() in ("subject", "id")
            and isinstance(other, (exp.Literal, Bind))
            for column, other in ((part.this, part.expression), (part.expression, part.this))
        )
        for part in conjuncts(where.this)
    )


_COUNTED = ("beliefs", "assertions", "history")
_CHANGING = ("joins", "group", "having", "distinct", "limit", "offset", "with_")


def _about_rivals(plan: Plan, resolver: Resolver, scopes: Sequence[Scope]) -> Iterator[str]:
    if [use.relation for use in plan.uses] != ["beliefs"] or plan.compared is not None:
        return
    (snapshot,) = scopes
    if not isinstance(snapshot, Snapshot) or snapshot.strategy == "none":
        return
    asked = None
    if not chooses(plan.uses[0].clauses.lifecycle or resolver.standing.lifecycle, resolver):
        asked = _asked(plan, resolver)
    if asked is not None:
        yield from _notices(resolver.database, snapshot, asked)


def _asked(plan: Plan, resolver: Resolver) -> Asked | None:
    statement = plan.parsed.statement
    if not isinstance(statement, Query) or not isinstance(statement.select, exp.Select):
        return None
    where = statement.select.args.get("where")
    if where is None:
        return None
    found: dict[str, str] = {}
    for part in conjuncts(where.this):
        if isinstance(part, exp.EQ):
            for column, other in ((part.this, part.expression), (part.expression, part.this)):
                if isinstance(column, exp.Column) and isinstance(other, (exp.Literal, Bind)):
                    _keep(found, column.name.lower(), other, resolver)
    asked = Asked(found.get("subject"), found.get("predicate"), found.get("lifecycle"))
    is_slot = asked.subject is not None and asked.predicate is not None
    return asked if is_slot or asked.lifecycle in STATES else None


def _keep(found: dict[str, str], name: str, other: Expression, resolver: Resolver) -> None:
    if name in Asked._fields:
        constant = value(other, resolver.params, resolver.evaluate)
        if isinstance(constant, str):
            found[name] = constant


def _notices(database: Database, snapshot: Snapshot, asked: Asked) -> Iterator[str]:
    wanted = asked.lifecycle if asked.lifecycle in STATES else "approved"
    other = replace(snapshot, states=(CODE[wanted],))
    if asked.subject is not None and asked.predicate is not None:
        slots = [(asked.subject, asked.predicate)]
    else:
        slots = disputed_slots(database, snapshot, CODE[wanted], asked.subject, _SHOWN)
    for subject, predicate in slots:
        winners = believed(database, snapshot, subject, predicate)
        chosen = believed(database, other, subject, predicate)
        if len(winners) != 1 or len(chosen) != 1 or winners[0].digest == chosen[0].digest:
            continue
        yield _sentence(subject, predicate, winners[0], chosen[0], asked.lifecycle is not None)


def _sentence(subject: str, predicate: str, winner: Found, chosen: Found, is_filtered: bool) -> str:
    clause = f"LIFECYCLE {chosen.state.upper()}"
    slot = f"({subject!r}, {predicate!r})"
    if is_filtered:
        return (
            f"WHERE lifecycle took the answer {winner.object!r} ({winner.state}) of {slot} away;"
            f" {chosen.object!r} is {chosen.state}: {clause} asks for it"
        )
    return (
        f"the answer {winner.object!r} of {slot} is {winner.state}, while {chosen.object!r} is"
        f" {chosen.state}: {clause} asks for it"
    )
