"""What an answer tells the audit about the assertions in it, without a look of its own.

    SELECT b.object FROM beliefs b LEFT JOIN trust t ON …
    SELECT b.object, b.epql_seen FROM beliefs(:n_0s0) AS b LEFT JOIN trust(:n_0s1) AS t ON …

A plain SELECT carries, behind the person's columns, which assertion each table of its FROM showed
in the row, and in which state; they are taken off before the rows are given out. Where a row stands
for many (GROUP BY, aggregates, DISTINCT, UNION, a DIFF of an answer), or the table is inside
another query, the scopes are named instead, and the virtual tables note what they were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlglot import exp

from epql.engine.vtab.base import SEEN, Relation
from epql.engine.vtab.register import RELATIONS
from epql.nodes import Bind, Hole, every


class Carried(NamedTuple):
    """`columns`: how many stand behind the person's own. `scanned`: numbers of uses to watch.

    `counted`: how many of them hold nothing, and only make a fused plan note what it sums up.
    `disputed`: where the answer itself has that column. `uses`: whose the columns are;
    `unchosen`: those of tables that chose no states, where other tables did, as places from the
    end of a row.
    """

    columns: int = 0
    counted: int = 0
    scanned: tuple[int, ...] = ()
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
    if isinstance(query, exp.Select) and _is_summed(query):
        return _counted(query)
    exact = _tables(query) if isinstance(query, exp.Select) and _is_plain(query) else []
    if exact:
        _write_stars_out(query)
    disputed = _disputed(query) if isinstance(query, exp.Select) else None
    for number, table in enumerate(exact):
        column = exp.Column(this=exp.Identifier(this=SEEN), table=table.args["alias"].this.copy())
        name = exp.Identifier(this=f"{SEEN}{number}")
        query.expressions.append(exp.Alias(this=column, alias=name))
    uses = tuple(number_of(table) for table in exact)
    return Carried(len(uses), 0, _scanned(query, exact), disputed, uses)


def _counted(select: exp.Select) -> Carried:
    """The same where each row of the answer sums rows up."""
    tables, scanned = _tables(select), _scanned(select, ())
    if len(tables) < sum(map(_is_seen_table, every(select))):
        return Carried(scanned=scanned)  # there are others, deeper down
    for number, table in enumerate(tables):
        hole = Hole(this="")
        hole.meta["seen_of"] = table.args["alias"].this
        name = exp.Identifier(this=f"{SEEN}{number}")
        select.expressions.append(exp.Alias(this=hole, alias=name))
    return Carried(len(tables), len(tables), scanned)


def _scanned(query: exp.Expr, exact: Sequence[exp.Table]) -> tuple[int, ...]:
    """The uses whose tables only virtual tables can tell of."""
    known = {id(table) for table in exact}
    tables = (node for node in every(query) if _is_seen_table(node) and id(node) not in known)
    return tuple(sorted({number_of(table) for table in tables}))  # type: ignore[arg-type]


def _is_seen_table(node: exp.Expr) -> bool:
    return isinstance(node, exp.Table) and is_seen(node)


def is_seen(table: exp.Table) -> bool:
    """Whether it is a relation whose rows show assertions, already rewritten."""
    relation = _relation(table)
    return relation is not None and relation.seen is not None


def _relation(table: exp.Expr) -> Relation | None:
    call = table.this
    return RELATIONS.get(call.name.lower()) if isinstance(call, exp.Anonymous) else None


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


def _write_stars_out(select: exp.Expr) -> None:
    """Name the columns that stars stand for, in place, where relations alone have them."""
    joins: Sequence[exp.Join] = select.args.get("joins") or ()
    sources = list(_sources(select))
    is_merged = any(join.args.get("using") or join.args.get("method") for join in joins)
    if is_merged or not all(isinstance(one, exp.Table) and _relation(one) for one in sources):
        return
    written: list[exp.Expr] = []
    for item in select.expressions:
        if not is_star(item):
            written.append(item)
            continue
        name = item.table.lower() if isinstance(item, exp.Column) else None
        for source in sources:
            if name in (None, source.alias_or_name.lower()):
                written += _columns(source)
    select.set("expressions", written)


def is_star(item: exp.Expr) -> bool:
    """Whether an item of SELECT stands for many columns."""
    return isinstance(item, exp.Star) or isinstance(item.this, exp.Star)


def _columns(table: exp.Expr) -> Iterator[exp.Column]:
    relation = _relation(table)
    assert relation is not None
    for column in relation.columns:
        alias = table.args["alias"].this.copy()
        yield exp.Column(this=exp.Identifier(this=column.name), table=alias)


def _is_summed(select: exp.Select) -> bool:
    """Whether it sums rows up, each row of its FROM in one row of the answer."""
    parts = ("distinct", "with_", "windows", "limit", "offset")
    if any(select.args.get(part) for part in parts):
        return False
    nodes = [node for item in select.expressions for node in every(item)]
    if any(map(is_star, select.expressions)) or any(
        isinstance(node, (exp.Window, exp.Query)) for node in nodes
    ):
        return False
    return select.args.get("group") is not None or any(map(_is_aggregate, nodes))


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
        if is_star(item):
            return None
        if isinstance(item, exp.Column) and item.name.lower() == "disputed":
            return place
    return None


def _tables(select: exp.Expr) -> list[exp.Table]:
    """The relations of FROM that can be told apart by name."""
    sources = list(_sources(select))
    names = [source.alias_or_name.lower() for source in sources]
    return [
        source
        for source, name in zip(sources, names, strict=True)
        if isinstance(source, exp.Table) and is_seen(source) and names.count(name) == 1
    ]


def _sources(select: exp.Expr) -> Iterator[exp.Expr]:
    from_ = select.args.get("from_")
    joins: Sequence[exp.Join] = select.args.get("joins") or ()
    if from_ is not None:
        yield from_.this
    for join in joins:
        yield join.this
