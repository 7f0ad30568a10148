"""What an answer tells the audit about the assertions in it, without a look of its own.

    SELECT b.object FROM beliefs b LEFT JOIN trust t ON …
    SELECT b.object, b.epql_seen FROM beliefs(:n_0s0) AS b LEFT JOIN trust(:n_0s1) AS t ON …

A plain SELECT carries, behind the person's columns, which assertion each table of its FROM showed
in the row, and in which state; they are taken off before the rows are given out. Where the rows of
the answer are the rows of one table, one by one and in the same order, nothing is carried: what the
virtual table gives is noted in step with the answer. Where a row stands
for many (GROUP BY, aggregates, DISTINCT, UNION, a DIFF of an answer), or the table is inside
another query, the scopes are named instead, and the virtual tables note what they were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlglot import exp

from epql.engine.vtab.base import SEEN
from epql.engine.vtab.register import RELATIONS
from epql.nodes import Bind, every


class Carried(NamedTuple):
    """`columns`: how many stand behind the person's own. `scanned`: numbers of uses to watch.

    `followed`: the use whose rows are the answer's rows; `disputed`: where the answer itself has
    that column. `uses`: whose the columns are; `unchosen`: those of tables that chose no states,
    where other tables did, as places from the end of a row.
    """

    columns: int = 0
    scanned: tuple[int, ...] = ()
    followed: int | None = None
    disputed: int | None = None
    uses: tuple[int, ...] = ()
    unchosen: tuple[int, ...] = ()

    def beside(self, chosen: frozenset[int]) -> Carried:
        """The same, where the uses of these numbers chose states."""
        places = [place for place, number in enumerate(self.uses) if number not in chosen]
        if not places or len(places) == self.columns:
            return self
        return self._replace(unchosen=tuple(place - self.columns for place in places))


NOTHING = Carried()


def carry(query: exp.Query) -> Carried:
    """Add the columns to a rewritten query, in place, where its rows allow it."""
    disputed = _disputed(query) if isinstance(query, exp.Select) else None
    exact = _tables(query) if isinstance(query, exp.Select) and _is_plain(query) else []
    followed = number_of(exact[0]) if exact and _is_step_by_step(query) else None
    for number, table in enumerate(exact if followed is None else ()):
        assert isinstance(query, exp.Select)
        column = exp.Column(this=exp.Identifier(this=SEEN), table=table.args["alias"].this.copy())
        name = exp.Identifier(this=f"{SEEN}{number}")
        query.expressions.append(exp.Alias(this=column, alias=name))
    known = {id(table) for table in exact}
    scanned = {
        number_of(node)
        for node in every(query)
        if isinstance(node, exp.Table) and is_seen(node) and id(node) not in known
    }
    uses = tuple(number_of(table) for table in exact) if followed is None else ()
    return Carried(len(uses), tuple(sorted(scanned)), followed, disputed, uses)


def is_seen(table: exp.Table) -> bool:
    """Whether it is a relation whose rows show assertions, already rewritten."""
    call = table.this
    relation = RELATIONS.get(call.name.lower()) if isinstance(call, exp.Anonymous) else None
    return relation is not None and relation.seen is not None


def number_of(table: exp.Table) -> int:
    """The number of the use a rewritten table stands for (relations.py: 0s<number>)."""
    mark = table.this.expressions[0]
    assert isinstance(mark, Bind)
    return int(str(mark.this).removeprefix("0s"))


# ---------------------------------------------------------------- where a row is one row


def _is_plain(select: exp.Select) -> bool:
    """Whether each row of the answer stands for one row of its FROM."""
    if any(select.args.get(part) is not None for part in ("distinct", "group", "having")):
        return False
    order = select.args.get("order")
    parts = [*select.expressions, *([] if order is None else [order])]
    return not any(_is_aggregate(node) for part in parts for node in every(part))


def _is_step_by_step(query: exp.Expr) -> bool:
    """Whether a plain SELECT gives the rows of its first table, all of them, in their order."""
    if any(query.args.get(part) for part in ("joins", "where", "order", "limit", "offset")):
        return False
    return not any(isinstance(node, exp.Window) for one in query.expressions for node in every(one))


def _is_aggregate(node: exp.Expr) -> bool:
    """Whether it sums rows up; one inside a subquery counts too, it may be the outer query's."""
    if not isinstance(node, exp.Anonymous) or node.name.lower() not in _AGGREGATES:
        return False
    if node.name.lower() in ("min", "max") and len(node.expressions) > 1:
        return False
    around = node.parent
    if isinstance(around, exp.Filter):
        around = around.parent
    return not isinstance(around, exp.Window)


_AGGREGATES = frozenset(
    (
        "avg",
        "count",
        "group_concat",
        "json_group_array",
        "json_group_object",
        "jsonb_group_array",
        "jsonb_group_object",
        "max",
        "median",
        "min",
        "percentile",
        "percentile_cont",
        "percentile_disc",
        "string_agg",
        "sum",
        "total",
    )
)
"""SQLite's functions that make one value of many rows."""


def _disputed(select: exp.Select) -> int | None:
    """The place of the column disputed, unless a star stands before it."""
    for place, item in enumerate(select.expressions):
        if isinstance(item, exp.Star) or isinstance(item.this, exp.Star):
            return None
        if isinstance(item, exp.Column) and item.name.lower() == "disputed":
            return place
    return None


def _tables(select: exp.Select) -> list[exp.Table]:
    """The relations of FROM that can be told apart by name."""
    sources = list(_sources(select))
    names = [source.alias_or_name.lower() for source in sources]
    return [
        source
        for source, name in zip(sources, names, strict=True)
        if isinstance(source, exp.Table) and is_seen(source) and names.count(name) == 1
    ]


def _sources(select: exp.Select) -> Iterator[exp.Expr]:
    from_ = select.args.get("from_")
    joins: Sequence[exp.Join] = select.args.get("joins") or ()
    if from_ is not None:
        yield from_.this
    for join in joins:
        yield join.this
