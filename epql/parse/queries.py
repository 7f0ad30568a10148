"""What the rules of select.lark mean, and which level each clause governs (R1 to R3).

While a query is read, the clauses after a table or a condition are kept in two places:
a source's own list (R1), and its select's list, for those after WHERE … WINDOW. When the
query ends, the clauses after the last table move up (R2), DIFF and HISTORY excepted (R3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

from sqlglot import exp

from epql.engine.errors import ProgrammingError, Span
from epql.nodes import LABELS, NO_CLAUSES, Clauses, Expression
from epql.parse.clauses import Clause, ClauseRules, combine
from epql.parse.expressions import Parts, is_token, without_tokens
from epql.parse.lexer import Token
from epql.parse.places import at, span_of

SET_OPERATIONS: dict[str, type[exp.SetOperation]] = {
    "UNION": exp.Union,
    "INTERSECT": exp.Intersect,
    "EXCEPT": exp.Except,
}
STAYS = ("diff", "history")
"""Clauses that belong to the table they directly follow (R3)."""


@dataclass
class Source:
    """One table of a FROM and the clauses after it, until their level is known."""

    item: Expression
    clauses: list[Clause]

    @property
    def is_table(self) -> bool:
        return isinstance(self.item, exp.Table)


@dataclass
class Joins:
    """What follows FROM: the sources, the joins made of all but the first, clauses at the end."""

    sources: list[Source]
    joins: list[exp.Join] = field(default_factory=list)
    after: list[Clause] = field(default_factory=list)  # after the last ON or USING


class Queries(ClauseRules):
    """The rules of select.lark."""

    # ------------------------------------------------------------ the query and its branches

    def query(self, parts: Parts, start: int, end: int) -> exp.Query:
        made: exp.Query = next(part for part in parts if isinstance(part, exp.Query))
        clauses = self._end_of_branch(self._last_branch(made))
        for part in parts:
            if isinstance(part, exp.With):
                made.set("with_", part)
            elif isinstance(part, exp.Order):
                made.set("order", part)
                made.meta.pop("values", None)
            elif isinstance(part, tuple):
                made.meta.pop("values", None)
                limit, offset = part
                made.set("limit", limit)
                made.set("offset", offset)
            elif isinstance(part, list):
                clauses.extend(part)
        for clause in clauses:
            if clause.field == "history":
                raise _history_misplaced(clause)
        level = combine(clauses, self.text)
        if level:
            made.meta["clauses"] = level
        return at(made, start, end)

    def set_operation(self, parts: Parts, start: int, end: int) -> exp.Query:
        left: exp.Query = parts[0]
        for clause in self._end_of_branch(self._last_branch(left)):
            raise ProgrammingError(
                f"{LABELS[clause.field]} at the end of an earlier branch could mean the "
                "branch or the whole",
                code="clause.misplaced",
                span=clause.span,
                hint="put it after the last branch, where it governs all of them, or make "
                "the branch SELECT * FROM (SELECT …)",
            )
        operation = SET_OPERATIONS[parts[1].kind]
        distinct = not is_token(parts[2], "ALL")
        made = operation(this=left, expression=parts[-1], distinct=distinct)
        return at(made, start, end)

    def _last_branch(self, query: exp.Query) -> exp.Expr:
        return cast(exp.Expr, query.expression if isinstance(query, exp.SetOperation) else query)

    def _end_of_branch(self, branch: exp.Expr) -> list[Clause]:
        """Take the clauses that stand at the end of a branch, leaving a table's own (R2, R3)."""
        end: list[Clause] = branch.meta.pop("end", [])
        return end

    def select(self, parts: Parts, start: int, end: int) -> exp.Query:
        made = exp.Select()
        level: list[Clause] = []
        joins: Joins | None = None
        for part in parts:
            if isinstance(part, list):  # the columns, or clauses after them
                if part and isinstance(part[0], Clause):
                    level.extend(part)
                else:
                    made.set("expressions", part)
            elif isinstance(part, Token):
                if part.kind == "DISTINCT":
                    made.set("distinct", at(exp.Distinct(), part.start, part.end))
            elif isinstance(part, Joins):
                joins = part
            elif isinstance(part, tuple):
                key, node, clauses = part
                made.set(key, node)
                level.extend(clauses)
        if joins is None:
            _check_stars(made)
        else:
            is_last = isinstance(parts[-1], Joins)
            level = [*self._settle(joins, at_end=is_last), *level]
            first = joins.sources[0].item
            made.set("from_", at(exp.From(this=first), *span_of(first)))
            made.set("joins", joins.joins)
        made.meta["end"] = level
        return at(made, start, end)

    def values(self, parts: Parts, start: int, end: int) -> exp.Query:
        """VALUES as SELECT * FROM (VALUES …): the same rows and names, and a Query."""
        rows = [part for part in parts if isinstance(part, exp.Tuple)]
        inner = at(exp.Values(expressions=rows), start, span_of(rows[-1]).end)
        made = exp.Select(
            expressions=[at(exp.Star(), start, start)],
            from_=exp.From(this=inner),
        )
        made.meta["values"] = True
        made.meta["end"] = parts[-1] if isinstance(parts[-1], list) else []
        return at(made, start, end)

    def value_row(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Tuple(expressions=parts[1]), start, end)

    # ------------------------------------------------------------ WITH

    def with_(self, parts: Parts, start: int, end: int) -> Expression:
        recursive = is_token(parts[1], "RECURSIVE")
        return at(exp.With(expressions=without_tokens(parts), recursive=recursive), start, end)

    def cte(self, parts: Parts, start: int, end: int) -> Expression:
        name: Expression = parts[0]
        columns = next((part for part in parts if isinstance(part, list)), None)
        words = [part.kind for part in parts if is_token(part, "NOT", "MATERIALIZED")]
        alias = at(exp.TableAlias(this=name, columns=columns), *span_of(name))
        made = exp.CTE(
            this=parts[-2],
            alias=alias,
            materialized="NOT" not in words if words else None,
        )
        return at(made, start, end)

    # ------------------------------------------------------------ columns

    def result_columns(self, parts: Parts, start: int, end: int) -> list[Expression]:
        return parts[::2]

    def result_expr(self, parts: Parts, start: int, end: int) -> Expression:
        made: Expression = parts[0]
        made.meta["text"] = self.text[start:end]
        return made

    def result_alias(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Alias(this=parts[0], alias=parts[-1]), start, end)

    result_bare_alias = result_alias

    def star(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Star(), start, end)

    def table_star(self, parts: Parts, start: int, end: int) -> Expression:
        *names, star = parts[::2]
        args = dict(zip(("table", "db"), reversed(names), strict=False))
        return at(exp.Column(this=at(exp.Star(), star.start, star.end), **args), start, end)

    # ------------------------------------------------------------ FROM

    def from_(self, parts: Parts, start: int, end: int) -> Joins:
        made: Joins = parts[1]
        return made

    def joins(self, parts: Parts, start: int, end: int) -> Joins:
        if len(parts) == 1:
            return Joins([parts[0]])
        made: Joins = parts[0]
        for clause in made.after:
            raise _misplaced_condition(clause)
        operator: dict[str, Any] = parts[1]
        source: Source = parts[2]
        args = dict(operator)
        if len(parts) > 3:
            key, node, made.after = parts[3]
            args[key] = node
        made.sources.append(source)
        made.joins.append(at(exp.Join(this=source.item, **args), span_of(source.item).start, end))
        return made

    def join_operator(self, parts: Parts, start: int, end: int) -> dict[str, Any]:
        """SQL: the words come in any order; LEFT and RIGHT together are FULL."""
        words = {part.kind for part in parts}
        sides = words & {"LEFT", "RIGHT", "FULL"}
        inner = words & {"INNER", "CROSS"}
        if (inner and (sides or "OUTER" in words)) or ("OUTER" in words and not sides):
            raise ProgrammingError(
                f"{self.text[start:end]} contradicts itself",
                code="join.kind",
                span=Span(start, end),
                hint="LEFT, RIGHT or FULL [OUTER] JOIN, [INNER] JOIN, CROSS JOIN",
            )
        args: dict[str, Any] = {}
        if "NATURAL" in words:
            args["method"] = "NATURAL"
        if sides:
            args["side"] = sides.pop() if len(sides) == 1 else "FULL"
        for kind in ("CROSS", "INNER", "OUTER"):
            if kind in words:
                args.setdefault("kind", kind)
        return args

    def join_on(self, parts: Parts, start: int, end: int) -> tuple[str, Any, list[Clause]]:
        return "on", parts[1], parts[2] if len(parts) > 2 else []

    def join_using(self, parts: Parts, start: int, end: int) -> tuple[str, Any, list[Clause]]:
        return "using", parts[2], parts[4] if len(parts) > 4 else []

    def _settle(self, joins: Joins, *, at_end: bool) -> list[Clause]:
        """Give each table its own clauses; return those that move up from the end (R2)."""
        up = list(joins.after)
        if up and not at_end:
            raise _misplaced_condition(up[0])
        last = joins.sources[-1]
        for source in joins.sources:
            own = source.clauses
            if at_end and source is last and not _has_condition(joins):
                stays = [item for item in own if source.is_table and item.field in STAYS]
                up = [item for item in own if item not in stays]
                own = stays
            for clause in own:
                if clause.field == "purpose" or (clause.field in STAYS and not source.is_table):
                    raise _misplaced(clause)
            level = combine(own, self.text)
            if level:
                source.item.meta["clauses"] = level
        return up

    def source(self, parts: Parts, start: int, end: int) -> Source:
        item: Expression = parts[0]
        clauses: list[Clause] = []
        for part in parts[1:]:
            if isinstance(part, list):
                clauses.extend(part)
            elif isinstance(part, exp.TableAlias):
                item.set("alias", part)
            else:
                _set_indexed(item, part)
        combine(clauses, self.text)  # twice for one table is an error wherever it will belong
        return Source(item, clauses)

    def indexed(self, parts: Parts, start: int, end: int) -> Expression:
        """The index's name; NULL for NOT INDEXED."""
        named = parts[2] if len(parts) > 2 else exp.Null()
        return at(exp.IndexTableHint(this=named), start, end)

    def source_alias(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.TableAlias(this=parts[-1]), start, end)

    def named_table(self, parts: Parts, start: int, end: int) -> Expression:
        made: Expression = parts[0]
        return made

    def table_name(self, parts: Parts, start: int, end: int) -> Expression:
        args = dict(zip(("this", "db"), reversed(parts[::2]), strict=False))
        return at(exp.Table(**args), start, end)

    def table_function(self, parts: Parts, start: int, end: int) -> Expression:
        names = [part for part in parts if isinstance(part, exp.Identifier)]
        arguments = next((part for part in parts if isinstance(part, list)), [])
        call = exp.Anonymous(this=names[-1].name, expressions=arguments)
        at(call, span_of(names[-1]).start, end)
        return at(exp.Table(this=call, db=names[0] if len(names) > 1 else None), start, end)

    def derived_table(self, parts: Parts, start: int, end: int) -> Expression:
        inner: exp.Query = parts[1]
        if inner.meta.get("values") and not (inner.meta.get("clauses") or inner.args.get("with_")):
            values: Expression = inner.args["from_"].this.pop()
            return at(values, start, end)
        return at(exp.Subquery(this=inner), start, end)

    def joined_table(self, parts: Parts, start: int, end: int) -> Expression:
        """(a JOIN b …): a Subquery around the first source, which carries the joins."""
        joins: Joins = parts[1]
        self._settle(joins, at_end=False)
        first = joins.sources[0].item
        first.set("joins", joins.joins)
        return at(exp.Subquery(this=first), start, end)

    # ------------------------------------------------------------ the rest

    def where(self, parts: Parts, start: int, end: int) -> tuple[str, Any, list[Clause]]:
        node = at(exp.Where(this=parts[1]), start, span_of(parts[1]).end)
        return "where", node, parts[2] if len(parts) > 2 else []

    def group_by(self, parts: Parts, start: int, end: int) -> tuple[str, Any, list[Clause]]:
        node = at(exp.Group(expressions=parts[2]), start, end)
        return "group", node, parts[3] if len(parts) > 3 else []

    def having(self, parts: Parts, start: int, end: int) -> tuple[str, Any, list[Clause]]:
        node = at(exp.Having(this=parts[1]), start, span_of(parts[1]).end)
        return "having", node, parts[2] if len(parts) > 2 else []

    def window(self, parts: Parts, start: int, end: int) -> tuple[str, Any, list[Clause]]:
        items = [part for part in parts if isinstance(part, exp.Window)]
        return "windows", items, parts[-1] if isinstance(parts[-1], list) else []

    def window_item(self, parts: Parts, start: int, end: int) -> Expression:
        definition = parts[3] if isinstance(parts[3], dict) else {}
        return at(exp.Window(this=parts[0], **definition), start, end)

    def order_by(self, parts: Parts, start: int, end: int) -> Expression:
        return at(exp.Order(expressions=parts[2::2]), start, end)

    def ordered(self, parts: Parts, start: int, end: int) -> Expression:
        words = [part.kind for part in parts[1:]]
        nulls = None if "NULLS" not in words else "FIRST" in words
        made = exp.Ordered(this=parts[0], desc="DESC" in words, nulls_first=nulls)
        return at(made, start, end)

    def limit(self, parts: Parts, start: int, end: int) -> tuple[Any, Any]:
        count, offset = parts[1], parts[3] if len(parts) > 3 else None
        if len(parts) > 3 and parts[2].kind == "COMMA":
            count, offset = offset, count
        return (
            at(exp.Limit(expression=count), start, end),
            at(exp.Offset(expression=offset), start, end) if offset is not None else None,
        )


def take_clauses(query: exp.Query) -> Clauses:
    """The clauses of the outermost query, which are the statement's."""
    found: Clauses = query.meta.pop("clauses", NO_CLAUSES)
    return found


def _set_indexed(item: Expression, indexed: Expression) -> None:
    if not isinstance(item, exp.Table) or isinstance(item.this, exp.Anonymous):
        raise ProgrammingError(
            "INDEXED belongs after a table's name",
            code="table.indexed",
            span=span_of(indexed),
        )
    item.set("indexed", indexed)


def _has_condition(joins: Joins) -> bool:
    """Whether ON or USING stands between the last table and the end."""
    if not joins.joins:
        return False
    last = joins.joins[-1]
    return bool(last.args.get("on") or last.args.get("using"))


def _history_misplaced(clause: Clause) -> ProgrammingError:
    return ProgrammingError(
        "HISTORY belongs directly after a table",
        code="clause.misplaced",
        span=clause.span,
        hint="SELECT … FROM beliefs HISTORY [FROM a TO b] WHERE …",
    )


def _misplaced_condition(clause: Clause) -> ProgrammingError:
    return ProgrammingError(
        f"{LABELS[clause.field]} after a join's condition is only possible at the end",
        code="clause.misplaced",
        span=clause.span,
        hint="put it directly after the table it is for, or at the end of the query",
    )


def _misplaced(clause: Clause) -> ProgrammingError:
    if clause.field == "history":
        return _history_misplaced(clause)
    what = "governs the statement" if clause.field == "purpose" else "belongs after a table"
    return ProgrammingError(
        f"{LABELS[clause.field]} {what} and cannot stand here",
        code="clause.misplaced",
        span=Span(*clause.span),
        hint="put it at the end of the query",
    )


def _check_stars(select: exp.Select) -> None:
    """A star stands for the columns of tables; without FROM there are none."""
    for item in select.expressions:
        if isinstance(item, exp.Star):
            place = span_of(item)
            raise ProgrammingError(
                "* stands for all columns, and there is no table",
                code="select.no_table",
                span=place,
                expected="expected FROM after it",
                hint="write SELECT * FROM beliefs",
            )
