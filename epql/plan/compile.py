"""A Query to a Plan: the SQL text, the scopes it reads, how its answer is compared.

A Plan holds no instants and no parameters, so one text is planned once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from msgspec import structs
from sqlglot import exp

from epql.engine.errors import Span
from epql.engine.fused import scope_name
from epql.engine.reading import UnknownName
from epql.nodes import (
    NO_CLAUSES,
    Bind,
    Clauses,
    Diff,
    Expression,
    Lifecycle,
    Parsed,
    Query,
    Words,
    copied,
    every,
)
from epql.plan import catalog, columns, fusing
from epql.plan.carried import NOTHING, Carried, carry
from epql.plan.columns import ColumnsOf, Mentioned
from epql.plan.fusing import Fusion
from epql.plan.relations import Relations, Use
from epql.plan.unfiltered import chosen, unchosen
from epql.plan.views import Catalog, View


class Reads(NamedTuple):
    """What an audited plan reads: names of relations, and of scratch tables as temp.name.

    `unfiltered`: whether some table surely chose no lifecycle states; `asks`: the clauses that say
    so only at each execution, None standing for those of the session.
    """

    names: tuple[str, ...] = ()
    unfiltered: bool = False
    asks: tuple[Lifecycle | None, ...] = ()


NO_READS = Reads()


@dataclass(frozen=True)
class Plan:
    """What runs for a query.

    `scope_names[i]` is the parameter of SQL that takes the number of the scope of `uses[i]`.
    `compared`: the DIFF at the statement's end, where it compares two answers.
    """

    sql: str
    uses: tuple[Use, ...]
    binds: tuple[int | str, ...]
    parsed: Parsed
    catalog: Catalog
    scope_names: tuple[str, ...]
    mentioned: Mentioned
    compared: Compared | None = None
    carried: Carried = NOTHING
    reads: Reads = NO_READS
    fusion: Fusion | None = None


@dataclass(frozen=True)
class Compared:
    """A DIFF of two whole answers: its clauses, and the columns that tell rows apart."""

    diff: Diff
    clauses: Clauses
    key: tuple[str, ...] | None


def parameter(bind: int | str) -> str:
    """What SQL calls a parameter of the person's."""
    return f"p{bind}" if isinstance(bind, int) else f"n_{bind}"


def compile_query(
    parsed: Parsed, query: Query, known: Catalog, ask: ColumnsOf, *, audited: bool = False
) -> Plan:
    """Plan a query; `ask` has SQLite tell the columns of SQL. `audited`: rows carry what they show.

    Raises: ProgrammingError with a span for names and misplaced clauses.
    """
    select = copied(query.select)
    catalog.check_names(node for node in every(select) if isinstance(node, exp.Identifier))
    clauses = structs.replace(query.clauses, purpose=None)
    _name_results(select)
    relations = Relations(known, ask)
    try:
        select = relations.rewrite(select, clauses)
    except UnknownName as error:
        reads = [use.relation for use in relations.uses]
        raise columns.explained(error, columns.mentioned(every(select), reads)) from error.__cause__
    compared = _compared(relations, clauses)
    if not audited:
        return _planned(parsed, select, relations, known, compared)
    clauses_of = [use.clauses.lifecycle for use in relations.uses]
    open_uses, surely = unchosen(select, clauses_of), chosen(select, clauses_of)
    carried = carry(select).beside(surely)
    plan = _planned(parsed, select, relations, known, compared, carried)
    scratch = [f"temp.{name}" for name in plan.mentioned.plain if name in known.scratch]
    names = (*dict.fromkeys(plan.mentioned.relations), *scratch)
    return replace(plan, reads=Reads(names, *open_uses))


def _planned(
    parsed: Parsed,
    tree: exp.Expr,
    relations: Relations,
    known: Catalog,
    compared: Compared | None = None,
    carried: Carried = NOTHING,
) -> Plan:
    found = every(tree)
    binds = (node.this for node in found if isinstance(node, Bind) and _is_own(node))
    mentioned = columns.mentioned(found, [use.relation for use in relations.uses])
    chooses = any(place.name == "lifecycle_in" for place in mentioned.places)
    uses = [replace(use, may_choose_states=True) if chooses else use for use in relations.uses]
    given = tuple(dict.fromkeys(binds))
    sql, fusion = fusing.written(tree, found, carried, len(uses), list(map(parameter, given)))
    return Plan(
        sql,
        tuple(uses),
        given,
        parsed,
        known,
        tuple(scope_name(number) for number in range(len(relations.uses))),
        mentioned,
        compared,
        carried,
        fusion=fusion,
    )


def _compared(relations: Relations, clauses: Clauses) -> Compared | None:
    for wanted, key in relations.comparisons:
        if wanted is clauses.diff:
            return Compared(wanted, structs.replace(clauses, diff=None), key)
    return None


def compile_words(
    parsed: Parsed, words: Words, level: Clauses, known: Catalog, ask: ColumnsOf
) -> Plan:
    """Plan a statement about a scratch table; `level`: what its subqueries are read at."""
    words = copied(words)
    catalog.check_names(node for node in every(words) if isinstance(node, exp.Identifier))
    _name_results(words)
    for part in words.find_all(Words):
        if "returned" in part.meta:
            part.set("expressions", [_named(item, True) for item in part.expressions])
    relations = Relations(known, ask)
    relations.rewrite_words(words, structs.replace(level, purpose=None))
    return _planned(parsed, words, relations, known)


def compile_inner(query: exp.Query, known: Catalog, ask: ColumnsOf) -> Plan:
    """Plan a query that stands inside another statement."""
    return _compile_alone(query, query.meta.get("clauses", NO_CLAUSES), known, ask)


def compile_value(expression: Expression, known: Catalog, ask: ColumnsOf) -> Plan:
    """Plan the computation of one value."""
    return _compile_alone(exp.Select(expressions=[copied(expression)]), NO_CLAUSES, known, ask)


def _compile_alone(select: exp.Query, clauses: Clauses, known: Catalog, ask: ColumnsOf) -> Plan:
    query = Query(select, clauses, Span(0, 0))
    return compile_query(Parsed(query, ""), query, known, ask)


def view_of(name: str, query: Query, columns: tuple[str, ...] = ()) -> View:
    """A view, from its parsed query."""
    select = copied(query.select)
    _name_results(select)
    return View(name, structs.replace(query, select=select), columns)


def _is_own(bind: Bind) -> bool:
    """Whether a parameter is the person's, not a scope's."""
    return isinstance(bind.this, int) or not bind.this.startswith("0")


def _name_results(select: exp.Expr) -> None:
    """A column that is an expression is called what was written, as SQLite does."""
    top: exp.Expr | None = None if _is_wrapped(select) else select
    while isinstance(top, exp.SetOperation):
        top = top.this
    for one in every(select):
        if isinstance(one, exp.Select):
            one.set("expressions", [_named(item, one is top) for item in one.expressions])


def _is_wrapped(select: exp.Expr) -> bool:
    """Whether SQLite makes an inner query of a compound: to sort it by another collation."""
    order = select.args.get("order")
    if order is None or not any(item.find(exp.Collate) for item in order.expressions):
        return False
    while isinstance(select, exp.SetOperation):
        if not (isinstance(select, exp.Union) and select.args.get("distinct") is False):
            return True
        select = select.this
    return False


def _named(item: exp.Expr, is_top: bool) -> exp.Expr:
    text = item.meta.get("text")
    if text is None or isinstance(item, (exp.Alias, exp.Star)) or _is_column(item, is_top):
        return item
    name = text.replace("\x00", "\ufffd")  # SQL text cannot hold a NUL
    return exp.Alias(this=item, alias=exp.Identifier(this=name, quoted=True))


def _is_column(item: exp.Expr, is_top: bool) -> bool:
    """Whether SQLite calls it what the column is called; inside a query it sees through more."""
    while True:
        if isinstance(item, exp.Paren) or (isinstance(item, exp.Collate) and not is_top):
            item = item.this
        elif isinstance(item, exp.Anonymous) and not is_top and item.name.lower() in _LIKELY:
            if not item.expressions:
                return False
            item = item.expressions[0]
        else:
            return isinstance(item, exp.Column)


_LIKELY = ("likely", "unlikely", "likelihood")
