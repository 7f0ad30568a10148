"""Which reads chose no lifecycle states: the audit calls them unfiltered.

A LIFECYCLE clause chooses, unless it says LIVE or ANY; so does a condition on the column lifecycle,
and the parameter lifecycle_in, in WHERE or as an argument. A policy does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from epql.engine.vtab.register import RELATIONS
from epql.nodes import Lifecycle, every
from epql.plan.carried import is_seen, number_of
from epql.plan.diff import conjuncts
from epql.plan.scope import Resolver
from epql.plan.values import value

_COLUMNS = ("lifecycle", "before_lifecycle", "after_lifecycle")
_HIDDEN = "lifecycle_in"
_NO_CHOICE = ("live", "any")


Clause = Lifecycle | None


def unchosen(query: exp.Query, clauses: Sequence[Clause]) -> tuple[bool, tuple[Clause, ...]]:
    """Whether some table of a rewritten query surely chose no states; else what says so later.

    `clauses`: the LIFECYCLE clause of each use. A clause with parameters says so at each execution,
    and without one (None) those do that stand in the session.
    """
    asks: list[Clause] = []
    for table in every(query):
        if isinstance(table, exp.Table) and is_seen(table) and not _has_condition(table):
            clause = clauses[number_of(table)]
            if clause is not None and not clause.negated and _is_literal(clause):
                if _says_live_or_any(clause):
                    return True, ()
            elif (clause is None or not clause.negated) and clause not in asks:
                asks.append(clause)
    return False, tuple(asks)


def chosen(query: exp.Query, clauses: Sequence[Clause]) -> frozenset[int]:
    """The numbers of the uses that surely chose states."""
    tables = (table for table in every(query) if isinstance(table, exp.Table) and is_seen(table))
    return frozenset(
        number_of(table)
        for table in tables
        if _has_condition(table) or _surely_chooses(clauses[number_of(table)])
    )


def _surely_chooses(clause: Clause) -> bool:
    if clause is None:
        return False
    if clause.negated:
        return True
    return _is_literal(clause) and not _says_live_or_any(clause)


def _says_live_or_any(clause: Lifecycle) -> bool:
    return all(str(state.this).lower() in _NO_CHOICE for state in clause.states)


def chooses(clause: Clause, resolver: Resolver) -> bool:
    """Whether a LIFECYCLE clause names states."""
    if clause is None:
        return False
    if clause.negated:
        return True
    states: list[object] = []
    for state in clause.states:
        found = value(state, resolver.params, resolver.evaluate)
        states += found if isinstance(found, (list, tuple)) else [found]
    return not all(str(state).lower() in _NO_CHOICE for state in states)


def _is_literal(clause: Lifecycle) -> bool:
    return all(isinstance(state, exp.Literal) for state in clause.states)


def _has_condition(table: exp.Table) -> bool:
    relation = RELATIONS[table.this.name.lower()]
    if _HIDDEN in relation.hidden:
        given = table.this.expressions[1 + relation.hidden.index(_HIDDEN) :]
        if given and not _says_nothing(given[0]):
            return True
    select = table.find_ancestor(exp.Select)
    if select is None:
        return False
    name = table.alias_or_name.lower()
    return any(_is_about(part, name) for part in _conditions(select))


def _conditions(select: exp.Select) -> Iterator[exp.Expr]:
    """What WHERE and ON say, joined by AND."""
    where = select.args.get("where")
    if where is not None:
        yield from conjuncts(where.this)
    for join in select.args.get("joins") or ():
        if join.args.get("on") is not None and not join.side:
            yield from conjuncts(join.args["on"])


def _is_about(condition: exp.Expr, table: str) -> bool:
    """Whether a condition compares the table's lifecycle with something."""
    while isinstance(condition, (exp.Paren, exp.Not)):
        condition = condition.this
    if isinstance(condition, exp.In):
        return _is_lifecycle(condition.this, table, _COLUMNS)
    if not isinstance(condition, (exp.EQ, exp.NEQ, exp.Is)):
        return False
    for column, other in (
        (condition.this, condition.expression),
        (condition.expression, condition.this),
    ):
        if _is_lifecycle(column, table, _COLUMNS):
            return True
        if _is_lifecycle(column, table, (_HIDDEN,)) and not _says_nothing(other):
            return True
    return False


def _is_lifecycle(node: exp.Expr, table: str, names: tuple[str, ...]) -> bool:
    if not isinstance(node, exp.Column) or node.name.lower() not in names:
        return False
    return not node.table or node.table.lower() == table


def _says_nothing(given: exp.Expr) -> bool:
    """LIVE, ANY or NULL, as an argument may be wrapped (relations.py)."""
    if isinstance(given, exp.Anonymous) and given.name == "ifnull" and given.expressions:
        given = given.expressions[0]
    if isinstance(given, exp.Null):
        return True
    return isinstance(given, exp.Literal) and str(given.this).lower() in _NO_CHOICE
