"""A DIFF at the end of a query: over a relation itself, or over any answer.

`SELECT * FROM beliefs WHERE topic = 'auth' DIFF SINCE t` gives the rows of the relation's own
changes, with WHERE filtering both sides before they are compared: a belief that stops meeting
the condition is REMOVED. Any other query is compared as it stands (compare.py).

    SELECT … FROM (SELECT c.*, <before meets it> AS was, <after meets it> AS is
                   FROM changes(:s) AS c) WHERE was OR is
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from msgspec import structs
from sqlglot import exp

from epql.engine.errors import ProgrammingError
from epql.nodes import AsOf, Clauses, Diff, Expression, Instant, copied
from epql.plan import catalog

_SLOT = ("subject", "predicate")
_SIDES = ("object", "confidence", "lifecycle", "agent", "valid_from", "valid_to", "id")
_FILTERS = (*_SLOT, *_SIDES, "topic", "source", "recorded_at", "tx")
"""Columns whose change shows in a change row, or that never change for one id."""


class Side(AsOf, frozen=True):
    """The belief time of one side of a DIFF: AS OF what it is compared at.

    `stands`: the AS OF of the DIFF itself, from which its instants count; None: now, or the
    session's. It may be a Side too, where a DIFF stands inside another.
    """

    which: Literal["before", "after"]
    diff: Diff
    stands: AsOf | None

    @property
    def is_now(self) -> bool:
        """Whether this is the present: the after side of a DIFF at now, without UNTIL."""
        if self.which == "before" or self.diff.until is not None:
            return False
        return self.stands is None or (isinstance(self.stands, Side) and self.stands.is_now)


def side(which: Literal["before", "after"], diff: Diff, stands: AsOf | None) -> Side:
    """One side of a DIFF that stands at an AS OF."""
    instant: Instant = diff.since if which == "before" or diff.until is None else diff.until
    return Side(instant, False, diff.span, which, diff, stands)


def of_relation(select: exp.Query, clauses: Clauses, stands: AsOf | None) -> exp.Query | None:
    """The query over the relation's changes, if it is `SELECT * FROM relation [WHERE …]`.

    `stands`: the AS OF at which the DIFF stands, that of the query or of one around it.
    """
    assert clauses.diff is not None
    table = _only_table(select)
    if table is None or not isinstance(select, exp.Select) or clauses.diff.key:
        return None
    where = select.args.get("where")
    if where is not None and not _is_filter(where.this, table.alias_or_name):
        return None
    own = copied(table)
    own.meta["clauses"] = structs.replace(clauses, purpose=None)
    made = exp.Select(
        expressions=[exp.Star()],
        from_=exp.From(this=own if where is None else _filtered(own, where.this, clauses, stands)),
        order=select.args.get("order"),
        limit=select.args.get("limit"),
        offset=select.args.get("offset"),
    )
    return made


def key_of(select: exp.Query, diff: Diff) -> tuple[str, ...] | None:
    """The columns that tell rows apart: KEY, else those grouped by; None: the whole row."""
    if diff.key is not None:
        return diff.key
    if not isinstance(select, exp.Select) or select.args.get("group") is None:
        return None
    names = {item.alias_or_name.lower(): item for item in select.expressions}
    key = []
    for item in select.args["group"].expressions:
        if isinstance(item, exp.Literal) and not item.is_string:
            position = int(item.this) - 1
            if 0 <= position < len(select.expressions):
                key.append(select.expressions[position].alias_or_name)
        elif isinstance(item, exp.Column) and item.name.lower() in names:
            key.append(names[item.name.lower()].alias_or_name)
    return tuple(key) or None


def _only_table(select: exp.Query) -> exp.Table | None:
    if not isinstance(select, exp.Select) or select.args.get("joins"):
        return None
    if any(select.args.get(name) for name in ("group", "having", "distinct", "windows", "with_")):
        return None
    if [type(item) for item in select.expressions] != [exp.Star]:
        return None
    source = select.args.get("from_")
    table = source.this if source is not None else None
    if not isinstance(table, exp.Table) or table.meta.get("clauses"):
        return None
    return table if table.name.lower() in catalog.DIFFS else None


def _is_filter(condition: Expression, name: str) -> bool:
    """Whether a condition looks at nothing but the row, through columns that a change shows."""
    if condition.find(exp.Select, exp.Subquery, exp.Exists):
        return False
    columns = list(condition.find_all(exp.Column))
    relation_name = name.lower()
    return all(
        column.name.lower() in _FILTERS and column.table.lower() in ("", relation_name)
        for column in columns
    )


def _filtered(
    table: exp.Table, condition: Expression, clauses: Clauses, stands: AsOf | None
) -> exp.Subquery:
    """The changes of the sides that meet the condition."""
    assert clauses.diff is not None
    at_side = structs.replace(clauses, diff=None, purpose=None)
    before = structs.replace(at_side, as_of=side("before", clauses.diff, stands))
    after = structs.replace(at_side, as_of=side("after", clauses.diff, stands))
    alias = table.alias_or_name
    changes = copied(table)
    changes.set("alias", exp.TableAlias(this=exp.to_identifier("c")))
    was = exp.Alias(this=_meets(table, condition, before, "before"), alias=_name("was"))
    is_ = exp.Alias(this=_meets(table, condition, after, "after"), alias=_name("is"))
    inner = exp.Select(expressions=[_column("*", "c"), was, is_], from_=exp.From(this=changes))
    pushed = [part for part in conjuncts(condition) if _is_about_slot(part)]
    if pushed:
        inner.set("where", exp.Where(this=exp.and_(*[_moved(p, alias, "c") for p in pushed])))
    outer = exp.Select(
        expressions=list(_change_columns(catalog.DIFFS[table.name.lower()])),
        from_=exp.From(this=exp.Subquery(this=inner)),
        where=exp.Where(this=exp.Or(this=_column("was"), expression=_column("is"))),
    )
    return exp.Subquery(this=outer, alias=exp.TableAlias(this=exp.to_identifier(alias)))


def _meets(table: exp.Table, condition: Expression, at_side: Clauses, which: str) -> Expression:
    """Whether the assertion of one side meets the condition, as it stood at that side."""
    seen = copied(table)
    seen.set("alias", exp.TableAlias(this=exp.to_identifier(table.alias_or_name, quoted=True)))
    seen.meta["clauses"] = at_side
    one = exp.Select(
        expressions=[exp.Literal.number(1)],
        from_=exp.From(this=seen),
        where=exp.Where(
            this=exp.and_(
                exp.EQ(
                    this=_column("id", table.alias_or_name), expression=_column(f"{which}_id", "c")
                ),
                exp.Paren(this=copied(condition)),
            )
        ),
    )
    return exp.Exists(this=one)


def _change_columns(relation: str) -> Iterator[Expression]:
    for name in catalog.columns(relation):
        if name == "change":
            yield exp.Alias(this=_kind(), alias=_name("change"))
        elif name.startswith("before_"):
            yield _if("was", name)
        elif name.startswith("after_"):
            yield _if("is", name)
        else:
            yield _column(name)


def _kind() -> Expression:
    both = exp.And(this=_column("was"), expression=_column("is"))
    return exp.Case(
        ifs=[
            exp.If(this=both, true=exp.Literal.string("CHANGED")),
            exp.If(this=_column("is"), true=exp.Literal.string("ADDED")),
        ],
        default=exp.Literal.string("REMOVED"),
    )


def _if(test: str, name: str) -> Expression:
    chosen = exp.Case(ifs=[exp.If(this=_column(test), true=_column(name))])
    return exp.Alias(this=chosen, alias=_name(name))


def conjuncts(condition: Expression) -> list[Expression]:
    """The conditions that AND joins."""
    if isinstance(condition, exp.Paren):
        return conjuncts(condition.this)
    if isinstance(condition, exp.And):
        return conjuncts(condition.this) + conjuncts(condition.expression)
    return [condition]


def _is_about_slot(condition: Expression) -> bool:
    return all(column.name.lower() in _SLOT for column in condition.find_all(exp.Column))


def _moved(condition: Expression, old: str, new: str) -> Expression:
    moved = copied(condition)
    for column in moved.find_all(exp.Column):
        column.set("table", exp.to_identifier(new))
    return moved


def _column(name: str, table: str | None = None) -> exp.Column:
    this = exp.Star() if name == "*" else exp.to_identifier(name, quoted=True)
    return exp.Column(this=this, table=exp.to_identifier(table, quoted=True) if table else None)


def _name(name: str) -> exp.Identifier:
    return exp.to_identifier(name, quoted=True)


def places_of(key: tuple[str, ...], names: list[str], diff: Diff) -> list[int]:
    """The positions of the key's columns. Raises ProgrammingError `diff.key`."""
    lowered = [name.lower() for name in names]
    for column in key:
        if column.lower() not in lowered:
            raise ProgrammingError(
                f"the answer has no column {column!r} for KEY",
                code="diff.key",
                span=diff.span,
                hint="its columns are " + ", ".join(names),
            )
    return list(dict.fromkeys(lowered.index(column.lower()) for column in key))
