"""Each relation in a query becomes a table function of its scope.

`FROM beliefs AS OF '-24h' AS b` becomes `FROM beliefs(:s1) AS b`, and the scope behind :s1 holds
the clauses of the table over those of its query over those of the statement (R4). HISTORY and
DIFF after a table make it another relation: its versions, or its changes (R3).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp

from epql.engine.errors import NotSupportedError, ProgrammingError, Span
from epql.engine.vtab.register import RELATIONS
from epql.nodes import NO_CLAUSES, Bind, Clauses
from epql.plan import catalog, diff

_LEVELLED = ("as_of", "valid", "lifecycle", "resolve")
"""The clauses that a table takes from its query when it has none of its own."""


@dataclass(frozen=True)
class Use:
    """A relation as a query uses it: its name, and the clauses in force for it."""

    relation: str
    clauses: Clauses
    span: Span | None
    side: str | None = None
    """'before' or 'after': read at that side of the DIFF in `clauses`."""
    name: str = ""
    """What the query calls it: its alias, or the relation's name."""


@dataclass
class Relations:
    """Rewrites the tables of one query, and collects how they are used."""

    uses: list[Use] = field(default_factory=list)
    scratch: frozenset[str] = frozenset()

    def rewrite(self, query: exp.Query, level: Clauses) -> None:
        """Rewrite every relation below `query`, in place. Raises ProgrammingError."""
        before = len(self.uses)
        _check_outer_joins(query)
        self._visit(query, level, frozenset())
        _check_meaning(level, self.uses[before:])

    def _visit(self, node: exp.Expr, level: Clauses, ctes: frozenset[str]) -> None:
        if isinstance(node, (exp.Query, exp.Subquery)):
            own = node.meta.get("clauses", NO_CLAUSES)
            if own.diff is not None:
                node, own = _inner_diff(node, own)
            level = merged(own, level)
            ctes = ctes | self._visit_ctes(node, level, ctes)
        if isinstance(node, exp.Table):
            self._table(node, level, ctes)
        for child in node.iter_expressions():
            if not isinstance(child, exp.With):
                self._visit(child, level, ctes)

    def _visit_ctes(self, query: exp.Expr, level: Clauses, ctes: frozenset[str]) -> frozenset[str]:
        names: frozenset[str] = frozenset()
        with_ = query.args.get("with_") or query.args.get("with")
        if with_ is None:
            return names
        names = frozenset(cte.alias.lower() for cte in with_.expressions)
        for cte in with_.expressions:
            self._visit(cte.this, level, ctes | names)
        return names

    def _table(self, table: exp.Table, level: Clauses, ctes: frozenset[str]) -> None:
        own: Clauses = table.meta.get("clauses", NO_CLAUSES)
        call = table.this if isinstance(table.this, exp.Anonymous) else None
        name = (call.name if call is not None else table.name).lower()
        span: Span | None = table.meta.get("span")
        if self._is_plain(name, table, call, ctes):
            if own:
                clause = next(n for n in Clauses.__slots__ if getattr(own, n) is not None)
                raise _meaningless(clause, name, getattr(own, clause).span)
            return
        if table.args.get("db") and table.args["db"].name.lower() != "main":
            raise ProgrammingError(
                f"there is no database called {table.args['db'].name!r}",
                code="name.unknown_database",
                span=span,
                hint=f"write {name} alone",
            )
        relation = catalog.relation(name, span).name
        for clause in Clauses.__slots__:
            if getattr(own, clause) is not None and clause not in catalog.clauses_of(relation):
                raise _meaningless(clause, relation, getattr(own, clause).span)
        side = table.meta.get("side")
        used, clauses = relation, merged(own, level)
        if side is None:
            used, clauses = _as_used(relation, clauses, own)
        mark = Bind(this=f"0s{self._number(Use(used, clauses, span, side, table.alias or name))}")
        given = call.expressions if call is not None else []
        _check_arguments(used, len(given), span)
        arguments = [mark, *map(_argument, given)]
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
        table.set("this", exp.Anonymous(this=used, expressions=arguments))
        table.set("db", None)

    def _is_plain(
        self, name: str, table: exp.Table, call: exp.Anonymous | None, ctes: frozenset[str]
    ) -> bool:
        if call is not None:
            return name in catalog.TABLE_FUNCTIONS
        return not table.args.get("db") and (name in ctes or name in self.scratch)

    def _number(self, use: Use) -> int:
        for number, known in enumerate(self.uses):
            if replace(known, span=use.span, name=use.name) == use:
                return number
        self.uses.append(use)
        return len(self.uses) - 1


def _check_arguments(relation: str, number: int, span: Span | None) -> None:
    known = RELATIONS[relation].hidden
    if number > len(known):
        raise ProgrammingError(
            f"{relation} takes {len(known)} arguments at most, not {number}",
            code="hidden.arguments",
            span=span,
            hint=f"{relation}({', '.join(known)})",
        )


def _check_outer_joins(query: exp.Expr) -> None:
    """In ON of RIGHT and FULL JOIN SQLite cannot hand a parameter to a relation."""
    for join in query.find_all(exp.Join):
        if str(join.side).upper() not in ("RIGHT", "FULL"):
            continue
        relations = {
            table.alias_or_name.lower(): _name_of(table)
            for table in join.parent.find_all(exp.Table)  # type: ignore[union-attr]
            if _name_of(table) in RELATIONS
        }
        call = join.this.this if isinstance(join.this, exp.Table) else None
        if isinstance(call, exp.Anonymous) and _name_of(join.this) in RELATIONS:
            for column in call.find_all(exp.Column):
                raise _outer_join(join, column)
        on = join.args.get("on")
        for column in () if on is None else on.find_all(exp.Column):
            owners = [relations.get(column.table.lower())] if column.table else relations.values()
            if any(owner and column.name.lower() in RELATIONS[owner].hidden for owner in owners):
                raise _outer_join(join, column)


def _outer_join(join: exp.Join, column: exp.Column) -> ProgrammingError:
    return ProgrammingError(
        f"{join.side} JOIN cannot give a relation a parameter from another table",
        code="hidden.outer_join",
        span=column.meta.get("span"),
        hint="LEFT JOIN can, with the relation on its right",
    )


def _name_of(table: exp.Table) -> str:
    called = table.this.name if isinstance(table.this, exp.Anonymous) else table.name
    return str(called).lower()


def _argument(given: exp.Expr) -> exp.Expr:
    """An argument of a relation; NULL leaves the default (engine/vtab/base.py, NOT_GIVEN)."""
    if isinstance(given, exp.Literal):
        return given
    return exp.Anonymous(this="ifnull", expressions=[given, exp.HexString(this="")])


def _inner_diff(node: exp.Expr, own: Clauses) -> tuple[exp.Expr, Clauses]:
    """An inner query with a DIFF at its end: over a relation it becomes one over its changes."""
    made = None
    if isinstance(node, exp.Query) and not isinstance(node, exp.Subquery):
        made = diff.of_relation(node, own)
    if made is None:
        assert own.diff is not None
        raise NotSupportedError(
            "DIFF of a whole answer works at the end of the statement only, for now",
            code="diff.inner",
            span=own.diff.span,
            hint="inside a query: SELECT * FROM beliefs [WHERE …] DIFF SINCE …",
        )
    node.replace(made)
    return made, NO_CLAUSES


def merged(own: Clauses, outer: Clauses) -> Clauses:
    """The clauses of a level over those of the level around it (R4)."""
    if not outer:
        return own
    taken = {
        name: getattr(outer, name)
        for name in _LEVELLED
        if getattr(own, name) is None and getattr(outer, name) is not None
    }
    return replace(own, **taken) if taken else own


def _as_used(relation: str, clauses: Clauses, own: Clauses) -> tuple[str, Clauses]:
    """The relation that is read once HISTORY and DIFF have had their say."""
    if own.history is not None and own.diff is not None:
        raise ProgrammingError(
            "a table is asked for its versions or for its changes, not both",
            code="clause.both",
            span=own.diff.span,
            hint="keep HISTORY or DIFF",
        )
    if own.diff is not None:
        if own.diff.key:
            raise ProgrammingError(
                "KEY belongs to a DIFF of a whole answer",
                code="diff.key",
                span=own.diff.span,
                hint=f"{relation} has its own key; put DIFF at the end of the query to use KEY",
            )
        relation = catalog.DIFFS[relation]
    elif own.history is not None:
        relation = "history"
    allowed = (*catalog.clauses_of(relation), "diff", "history")
    kept = {name: None for name in _LEVELLED if name not in allowed}
    return relation, replace(clauses, **kept, purpose=None)


def _check_meaning(level: Clauses, uses: list[Use]) -> None:
    """A clause of the statement must mean something to one of its relations (R5)."""
    for clause in _LEVELLED:
        node = getattr(level, clause)
        if node is None or any(clause in catalog.clauses_of(use.relation) for use in uses):
            continue
        raise _meaningless(clause, uses[0].relation if uses else None, node.span)


def _meaningless(clause: str, relation: str | None, span: Span) -> ProgrammingError:
    where = f"on {relation}" if relation else "without a relation"
    allowed = ", ".join(map(catalog.label, catalog.clauses_of(relation or "")))
    hint = f"{relation} takes {allowed}" if relation in catalog.CLAUSES_OF else None
    return ProgrammingError(
        f"{catalog.label(clause)} has no meaning {where}",
        code="clause.meaningless",
        span=span,
        hint=hint or "it belongs to beliefs, assertions and history",
    )
