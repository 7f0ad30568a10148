"""Which plans can be fused: run straight over the index, with no virtual table between (design §5).

    SELECT b.object FROM beliefs(:n_0s0) AS b WHERE …       through the virtual table
    SELECT b.object FROM (SELECT … FROM slot …) AS b WHERE … fused

Where such a plan has a relation, its SQL has a hole. What goes in says only the execution: it
depends on the states, the valid time and the declarations that it is read at (engine/fused.py).
SQLite takes the inner query apart and finds its own way in, as by a subject. Fused is what has
no less of a way in so than the virtual table gives it; everything else is left to that.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from sqlglot import exp

from epql.engine.fused import COLUMNS, DIFFS, INTERNAL, SAW, SINK, Gap, Texts
from epql.engine.guard import TABLE_FUNCTIONS
from epql.engine.vtab.base import HIDDEN, SEEN
from epql.nodes import Bind, Expression, Hole, Words, every
from epql.plan.carried import Carried, is_star, number_of
from epql.plan.diff import conjuncts
from epql.sqlgen import to_sqlite
from epql.sqlgen.expressions import HOLE

_TABLES_MAX = 8
"""Relations in one statement: each joins up to five tables, and SQLite joins 64."""

_ROWIDS = ("rowid", "oid", "_rowid_")
_NOT_IN_CONDITIONS = frozenset(("id", "tx", "tx_from"))
"""Columns by which a virtual table finds its slots, and SQLite cannot."""
_NOT_ANYWHERE = frozenset((*HIDDEN, *_ROWIDS))


class Fusion(NamedTuple):
    """How a plan can be fused: what its holes stand for, and its texts.

    `predicates`: what the column predicate of each is compared with, None if it is not known.
    `is_point`: it asks for what is believed of one slot.
    """

    gaps: tuple[Gap, ...]
    predicates: tuple[Expression | None, ...]
    texts: Texts
    is_point: bool


def written(
    tree: exp.Expr, found: Sequence[exp.Expr], carried: Carried, uses: int, names: Sequence[str]
) -> tuple[str, Fusion | None]:
    """The SQL of a rewritten query through the virtual tables, and how it can be fused.

    `found`: the nodes of the tree, which is changed. `uses`: how many scopes it has; `names`: what
    SQL calls the person's parameters.
    """
    tables = _holes(tree, found, carried)
    marks = [node for node in found if isinstance(node, Hole)]
    if tables is None:
        for mark in marks:
            mark.replace(exp.Null())
        return to_sqlite(tree), None
    calls = [to_sqlite(table.this) for table in tables]
    is_point = _is_point(tables, found)
    gaps, predicates = _dug(tree, tables, found)
    for number, mark in enumerate(marks, start=len(tables)):
        mark.set("this", number)
    pieces = to_sqlite(tree).split(HOLE)
    through = _filled(pieces, [*calls, *["NULL"] * len(marks)])
    fused = _filled(pieces, [*map(_kept, range(len(tables))), *map(_noting, marks)])
    texts = Texts("".join(fused).split(HOLE), gaps, uses, names)
    return "".join(through), Fusion(gaps, predicates, texts, is_point)


def _filled(pieces: Sequence[str], into: Sequence[str]) -> list[str]:
    """A text with holes, and what goes into them by their numbers."""
    return [into[int(part)] if place % 2 else part for place, part in enumerate(pieces)]


def _kept(number: int) -> str:
    return f"{HOLE}{number}{HOLE}"


def _noting(mark: exp.Expr) -> str:
    """What has a fused plan note each row that it sums up (engine/fused.py)."""
    seen = exp.Column(this=exp.Identifier(this=SEEN), table=mark.meta["seen_of"].copy())
    return f"count({SAW}(:{SINK}, {to_sqlite(seen)}))"


def _holes(tree: exp.Expr, found: Sequence[exp.Expr], carried: Carried) -> list[exp.Table] | None:
    """The relations of a query, where all of them can be holes."""
    if not isinstance(tree, exp.Query) or (carried.scanned and not carried.counted):
        return None
    tables = _relations(found)
    if tables is None or not 0 < len(tables) <= _TABLES_MAX:
        return None
    if not all(map(_is_harmless, found)) or (carried.columns and _has_star(tree)):
        return None
    if len(tables) > 1 and any(isinstance(node, exp.Window) for node in found):
        return None  # SQLite takes no query apart whose surroundings have windows
    if any(table.this.name == "history" and _is_joined(table) for table in tables):
        return None  # nor one that ends in an outer join, within a join
    if any(table.this.name in DIFFS for table in tables) and not _is_one_diff(tables, found):
        return None
    return tables


def _is_one_diff(tables: Sequence[exp.Table], found: Sequence[exp.Expr]) -> bool:
    """Whether a query reads the changes between two answers, all of them and nothing else, and
    no column that only Python can tell."""
    selects = [node for node in found if isinstance(node, exp.Query)]
    if len(tables) > 1 or len(selects) > 1 or _is_joined(tables[0]) or _has_star(selects[0]):
        return False
    known = COLUMNS[tables[0].this.name] | {SEEN}
    names = {node.name.lower() for node in found if isinstance(node, exp.Column)}
    where = selects[0].args.get("where")
    asked = () if where is None else where.find_all(exp.Column)
    leads = any(column.name.lower() in ("subject", "predicate") for column in asked)
    return names <= known and not leads


def _relations(found: Sequence[exp.Expr]) -> list[exp.Table] | None:
    """The relations, if there are no other tables than they, common tables and JSON."""
    common = {node.alias.lower() for node in found if isinstance(node, exp.CTE)}
    if common & INTERNAL:
        return None
    tables = []
    for node in found:
        if not isinstance(node, exp.Table):
            continue
        if node.args.get("db"):
            return None
        if not isinstance(node.this, exp.Anonymous):
            if node.name.lower() not in common:
                return None
        elif node.this.name in COLUMNS and len(node.this.expressions) == 1:
            tables.append(node)
        elif node.this.name.lower() not in TABLE_FUNCTIONS:
            return None
    return tables


def _is_harmless(node: exp.Expr) -> bool:
    """Whether a node means the same to a fused plan, and is no better way in for a relation."""
    if isinstance(node, (Words, exp.Glob)):
        return False
    if isinstance(node, exp.Column):
        return node.name.lower() not in _NOT_ANYWHERE
    if isinstance(node, exp.Join):
        if node.args.get("using") or node.args.get("method"):
            return False
        side = str(node.side).upper()
        if side and (side != "LEFT" or _reads(node.this)):
            return False
        return node.args.get("on") is None or _is_plain(node.args["on"])
    return not isinstance(node, exp.Where) or _is_plain(node)


def _reads(joined: exp.Expr) -> bool:
    return any(
        isinstance(node, exp.Table) and isinstance(node.this, exp.Anonymous)
        for node in every(joined)
    )


def _is_plain(condition: exp.Expr) -> bool:
    return not any(
        isinstance(node, exp.Column) and node.name.lower() in _NOT_IN_CONDITIONS
        for node in every(condition)
    )


def _has_star(query: exp.Expr) -> bool:
    return isinstance(query, exp.Select) and any(map(is_star, query.expressions))


def _is_joined(table: exp.Table) -> bool:
    return isinstance(table.parent, exp.Join) or bool(_select_of(table).args.get("joins"))


def _select_of(table: exp.Table) -> exp.Select:
    select = table.find_ancestor(exp.Select)
    assert select is not None
    return select


# ---------------------------------------------------------------- what goes into the holes


def _dug(
    tree: exp.Expr, tables: Sequence[exp.Table], found: Sequence[exp.Expr]
) -> tuple[tuple[Gap, ...], tuple[Expression | None, ...]]:
    """What each hole stands for, and the predicate it is about; the tables become holes."""
    names, has_star = _named(found)
    for node in found:
        if isinstance(node, Hole):
            names.setdefault(node.meta["seen_of"].name.lower(), set()).add(SEEN)
    is_whole = _is_whole(tables, found)
    gaps, predicates = [], []
    for number, table in enumerate(tables):
        relation, use = table.this.name, number_of(table)
        predicate = _said_of(table, "predicate")
        is_alone = _is_alone(table)
        columns = set(COLUMNS[relation])
        if not has_star:
            columns &= names.get("", set()) | names.get(table.alias_or_name.lower(), set())
        if _select_of(table) is tree and SEEN in names.get(table.alias_or_name.lower(), ()):
            columns.add(SEEN)
        gaps.append(Gap(use, relation, frozenset(columns), is_alone, is_whole))
        predicates.append(predicate)
        table.set("this", Hole(this=number))
    return tuple(gaps), tuple(predicates)


def _named(found: Sequence[exp.Expr]) -> tuple[dict[str, set[str]], bool]:
    """The names of columns by what stands before them, and whether some star stands for all."""
    names: dict[str, set[str]] = {}
    has_star = False
    for node in found:
        if isinstance(node, exp.Column):
            has_star |= isinstance(node.this, exp.Star)
            names.setdefault(node.table.lower(), set()).add(node.name.lower())
        elif isinstance(node, exp.Select):
            has_star |= _has_star(node)
    return names, has_star


def _is_alone(table: exp.Table) -> bool:
    """Whether every row of the relation is read, and nothing is joined to it."""
    select = _select_of(table)
    return not select.args.get("joins") and select.args.get("where") is None


def _is_whole(tables: Sequence[exp.Table], found: Sequence[exp.Expr]) -> bool:
    """Whether a query reads one relation, all its slots, in no order that an index has."""
    if not _is_single(tables, found) or _is_joined(tables[0]):
        return False
    select = _select_of(tables[0])
    parts = [select.args.get(part) for part in ("where", "order")]
    columns = (column for part in parts if part for column in part.find_all(exp.Column))
    return all(column.name.lower() not in _OF_SLOTS for column in columns)


_OF_SLOTS = ("subject", "predicate", "topic")


def _is_single(tables: Sequence[exp.Table], found: Sequence[exp.Expr]) -> bool:
    """Whether a query is one SELECT that reads one relation."""
    return len(tables) == 1 and sum(isinstance(node, exp.Query) for node in found) == 1


def _is_point(tables: Sequence[exp.Table], found: Sequence[exp.Expr]) -> bool:
    """Whether a query reads the one belief of a slot that it names."""
    if not _is_single(tables, found) or tables[0].this.name != "beliefs":
        return False
    return all(_said_of(tables[0], name) is not None for name in ("subject", "predicate"))


def _said_of(table: exp.Table, name: str) -> Expression | None:
    """What `name = …` says of a relation, where that is known before a row is read."""
    select = _select_of(table)
    where = select.args.get("where")
    names = ("", table.alias_or_name.lower())
    is_joined = bool(select.args.get("joins"))
    for condition in () if where is None else conjuncts(where.this):
        for column, other in _sides(condition):
            if (
                isinstance(column, exp.Column)
                and column.name.lower() == name
                and column.table.lower() in names[is_joined:]
                and isinstance(other, (exp.Literal, Bind))
            ):
                return other
    return None


def _sides(condition: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    if isinstance(condition, exp.EQ):
        yield condition.this, condition.expression
        yield condition.expression, condition.this
