"""A DIFF of a whole answer as SQL: the query at two instants, its rows compared.

    WITH epql_sides(side, c0, c1) AS
           (SELECT 0, * FROM (<before>) UNION ALL SELECT 1, * FROM (<after>)),
         epql_rows AS
           (SELECT c0, c1, sum(side) AS came, sum(1 - side) AS went
            FROM epql_sides GROUP BY c0, c1),
         epql_left AS
           (SELECT c0, c1, came - went AS d FROM epql_rows WHERE came <> went
            UNION ALL SELECT c0, c1, d - iif(d > 0, 1, -1) FROM epql_left WHERE abs(d) > 1)
    SELECT iif(d > 0, 'ADDED', 'REMOVED') AS change, c0 AS …, c1 AS … FROM epql_left

Values are the same where GROUP BY puts them in one group, byte by byte for texts: 1 and 1.0 are,
NULL and NULL are, 'a' and x'61' are not. A row counts as often as it is there.

With a key, the rows of one key that are left become one CHANGED; a key that has several rows on
a side does not say which became which: then those that went are REMOVED, those that came ADDED.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlglot import exp

from epql.nodes import Expression
from epql.plan.catalog import COMPARING

SIDES, _ROWS, _MARKED, LEFT = COMPARING


def compared(
    before: exp.Query, after: exp.Query, names: Sequence[str], key: Sequence[int] | None
) -> exp.Query:
    """The query that compares two answers with these columns.

    Shape: `key` holds positions of columns; None compares whole rows. The rows stand in the
    order of the query, if it has one: what went by its place before, what came by its place after.
    """
    keeps_order = before.args.get("order") is not None
    places = ["place"] if keeps_order else []
    columns = [f"c{number}" for number in range(len(names))]
    keys = columns if key is None else [columns[number] for number in key]
    rest = [name for name in columns if name not in keys]
    tables = [
        _cte(SIDES, _sides(before, after, places), ["side", *places, *columns]),
        _cte(_ROWS, _counted([*keys, *rest], places)),
    ]
    marks = list(places)
    source = _ROWS
    if key is not None:
        tables.append(_cte(_MARKED, _marked(keys)))
        marks, source = [*places, "many"], _MARKED
    tables.append(_cte(LEFT, _left(source, [*columns, *marks])))
    if key is None:
        made = _whole_rows(columns, names, keeps_order)
    else:
        made = _by_key(columns, names, key, keeps_order)
    made.set("with_", exp.With(expressions=tables, recursive=True))
    return made


# ---------------------------------------------------------------- the tables


def _sides(before: exp.Query, after: exp.Query, places: list[str]) -> exp.Query:
    branches = [
        exp.Select(
            expressions=[_number(side), *(_place() for _ in places), exp.Star()],
            from_=exp.From(this=exp.Subquery(this=_kept_in_order(query) if places else query)),
        )
        for side, query in enumerate((before, after))
    ]
    return exp.Union(this=branches[0], expression=branches[1], distinct=False)


def _kept_in_order(query: exp.Query) -> exp.Query:
    """A LIMIT keeps SQLite from leaving out the ORDER BY of a subquery."""
    if query.args.get("limit") is None:
        query.set("limit", exp.Limit(expression=_number(-1)))
    return query


def _counted(columns: list[str], places: list[str]) -> exp.Query:
    """How often each row is there, before and after."""
    side = _column("side")
    return exp.Select(
        expressions=[
            *map(_column, columns),
            *(_as(_call("min", _column(place)), place) for place in places),
            _as(_call("sum", side), "came"),
            _as(_call("sum", exp.Sub(this=_number(1), expression=side.copy())), "went"),
        ],
        from_=_from(SIDES),
        group=exp.Group(expressions=[_exactly(name) for name in columns]),
    )


def _marked(keys: list[str]) -> exp.Query:
    """`many`: whether a key has several rows on one side."""
    parts = [
        exp.GT(
            this=exp.Window(
                this=_call("sum", _column(name)), partition_by=[_exactly(key) for key in keys]
            ),
            expression=_number(1),
        )
        for name in ("came", "went")
    ]
    many = _as(exp.Or(this=parts[0], expression=parts[1]), "many")
    return exp.Select(expressions=[exp.Star(), many], from_=_from(_ROWS))


def _left(source: str, columns: list[str]) -> exp.Query:
    """The rows that one side has more of, each as often as it has more; d < 0: it went."""
    came, went, d = _column("came"), _column("went"), _column("d")
    first = exp.Select(
        expressions=[
            *map(_column, columns),
            _as(exp.Sub(this=came, expression=went), "d"),
        ],
        from_=_from(source),
        where=exp.Where(this=exp.NEQ(this=came.copy(), expression=went.copy())),
    )
    nearer = exp.Sub(this=d, expression=_call("iif", _is_here(), _number(1), _number(-1)))
    again = exp.Select(
        expressions=[*map(_column, columns), nearer],
        from_=_from(LEFT),
        where=exp.Where(this=exp.GT(this=_call("abs", d.copy()), expression=_number(1))),
    )
    return exp.Union(this=first, expression=again, distinct=False)


# ---------------------------------------------------------------- the answer


def _whole_rows(columns: list[str], names: Sequence[str], keeps_order: bool) -> exp.Select:
    change = _call("iif", _is_here(), _text("ADDED"), _text("REMOVED"))
    order = [_is_here(), *([_column("place")] if keeps_order else [])]
    return exp.Select(
        expressions=[
            _as(change, "change"),
            *(_as(_column(c), name) for c, name in zip(columns, names, strict=True)),
        ],
        from_=_from(LEFT),
        order=_order(order),
    )


def _by_key(
    columns: list[str], names: Sequence[str], key: Sequence[int], keeps_order: bool
) -> exp.Select:
    kept = [number for number in range(len(columns)) if number not in key]
    number = exp.Window(this=_call("row_number"))
    numbered = exp.Select(expressions=[exp.Star(), _as(number, "number")], from_=_from(LEFT))
    alone = _call("iif", _column("many"), _column("number"), _number(0))
    order = None
    if keeps_order:
        order = _order([_call("min", _is_here()), _call("min", _column("place"))])
    return exp.Select(
        expressions=[
            _as(_change(), "change"),
            *(_as(_column(columns[k]), names[k]) for k in key),
            *(
                _as(_one(columns[k], is_before), f"{side}_{names[k]}")
                for k in kept
                for side, is_before in (("before", True), ("after", False))
            ),
        ],
        from_=exp.From(this=exp.Subquery(this=numbered)),
        group=exp.Group(expressions=[*(_exactly(columns[k]) for k in key), alone]),
        order=order,
    )


def _change() -> Expression:
    both = exp.EQ(this=_call("count", exp.Star()), expression=_number(2))
    return exp.Case(
        ifs=[
            exp.If(this=both, true=_text("CHANGED")),
            exp.If(this=_call("max", _is_here()), true=_text("ADDED")),
        ],
        default=_text("REMOVED"),
    )


def _one(column: str, is_before: bool) -> Expression:
    """The value of the one row of a side; max() leaves the NULL of the other side out."""
    null, value = exp.Null(), _column(column)
    chosen = (null, value) if is_before else (value, null)
    return _call("max", _call("iif", _is_here(), *chosen))


def _is_here() -> Expression:
    return exp.GT(this=_column("d"), expression=_number(0))


# ---------------------------------------------------------------- small trees


def _column(name: str) -> exp.Column:
    return exp.Column(this=exp.Identifier(this=name))


def _exactly(name: str) -> Expression:
    """A column compared byte by byte, whatever collation the query gave it."""
    return exp.Collate(this=_column(name), expression=exp.Identifier(this="BINARY"))


def _place() -> Expression:
    return exp.Window(this=_call("row_number"))


def _call(name: str, *arguments: exp.Expr) -> Expression:
    return exp.Anonymous(this=name, expressions=list(arguments))


def _as(value: exp.Expr, name: str) -> Expression:
    return exp.Alias(this=value, alias=exp.Identifier(this=name, quoted=True))


def _number(value: int) -> Expression:
    literal = exp.Literal.number(abs(value))
    return literal if value >= 0 else exp.Neg(this=literal)


def _text(value: str) -> Expression:
    return exp.Literal.string(value)


def _from(name: str) -> exp.From:
    return exp.From(this=exp.Table(this=exp.Identifier(this=name)))


def _order(items: Iterable[exp.Expr]) -> exp.Order:
    return exp.Order(expressions=[exp.Ordered(this=item) for item in items])


def _cte(name: str, query: exp.Query, columns: Sequence[str] = ()) -> exp.CTE:
    names = [exp.Identifier(this=column) for column in columns]
    alias = exp.TableAlias(this=exp.Identifier(this=name), columns=names)
    return exp.CTE(this=query, alias=alias)
