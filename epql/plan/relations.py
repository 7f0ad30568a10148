"""Each relation in a query becomes a table function of its scope.

`FROM beliefs AS OF '-24h' AS b` becomes `FROM beliefs(:s1) AS b`, and the scope behind :s1 holds
the clauses of the table over those of its query over those of the statement (R4). HISTORY and
DIFF after a table make it another relation: its versions, or its changes (R3).

The name of a view becomes its query (R2), for which clauses after the name are a level of their
own (R4); so does the name of a common table that clauses follow. A query with a DIFF at its end
becomes the comparison of two of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from msgspec import structs
from sqlglot import exp

from epql.engine.errors import Error, ProgrammingError, Span
from epql.engine.guard import TABLE_FUNCTIONS
from epql.engine.vtab.register import RELATIONS
from epql.nodes import LABELS, LEVELLED, NO_CLAUSES, Bind, Clauses, Diff, Words, copied, every
from epql.plan import catalog, columns, compare, diff, views
from epql.plan.columns import ColumnsOf
from epql.plan.diff import Side
from epql.plan.views import Catalog, View

_SIDES: tuple[Literal["after", "before"], ...] = ("after", "before")


@dataclass(frozen=True)
class Use:
    """A relation as a query uses it: its name, and the clauses in force for it."""

    relation: str
    clauses: Clauses
    span: Span | None
    name: str = ""
    """What the query calls it: its alias, or the relation's name."""
    may_choose_states: bool = False
    """Whether an argument or a condition may say lifecycle_in, which only its rows will tell."""

    @property
    def side(self) -> str | None:
        """'before' or 'after': read at that side of a DIFF."""
        return self.clauses.as_of.which if isinstance(self.clauses.as_of, Side) else None


@dataclass(frozen=True)
class Common:
    """A common table: itself once it is rewritten, and what a copy of it is made of.

    `with_`: the WITH as it was written; None inside the table itself.
    """

    cte: exp.CTE
    with_: exp.With | None
    level: Clauses
    names: Names


@dataclass(frozen=True)
class Names:
    """What names mean at a place of a query, besides relations.

    `shadowing`: names of common tables that SQLite sees here, also around a view.
    `opened`: the views whose text this is, outermost first.
    """

    common: Mapping[str, Common] = field(default_factory=dict)
    shadowing: frozenset[str] = frozenset()
    opened: tuple[str, ...] = ()

    @property
    def around(self) -> list[exp.CTE]:
        """The common tables that can be read here."""
        return [common.cte for common in self.common.values()]


class Relations:
    """Rewrites the tables of one query, and collects how they are used."""

    def __init__(self, known: Catalog, ask: ColumnsOf) -> None:
        self.uses: list[Use] = []
        self.comparisons: list[tuple[Diff, tuple[str, ...] | None]] = []
        """The DIFFs of whole answers, and the columns of their keys."""
        self._catalog = known
        self._ask = ask
        self._read: list[Use] = []
        """As `uses`, but a relation stands there as often as it is read."""

    def rewrite(self, query: exp.Query, level: Clauses) -> exp.Query:
        """The query with every relation in it rewritten. Raises ProgrammingError."""
        _check_outer_joins(query)
        query.meta["clauses"] = level
        return self._query(query, NO_CLAUSES, Names())

    def rewrite_words(self, words: Words, level: Clauses) -> None:
        """Rewrite every relation in a statement about a scratch table, in place."""
        _check_outer_joins(words)
        with_ = next((part for part in words.expressions if isinstance(part, exp.With)), None)
        names = self._with_common(with_, level, Names())
        self._children(words, level, names)
        _check_meaning(level, self._read)

    # ------------------------------------------------------------ queries

    def _query(self, node: exp.Query, level: Clauses, names: Names) -> exp.Query:
        own: Clauses = node.meta.get("clauses", NO_CLAUSES)
        if own.diff is not None:
            return self._diff(node, own, level, names)
        first = len(self._read)
        level = merged(own, level)
        names = self._with_common(node.args.get("with_"), level, names)
        self._children(node, level, names)
        _check_meaning(own, self._read[first:])
        return node

    def _children(self, node: exp.Expr, level: Clauses, names: Names) -> None:
        """What stands below a node, from left to right; compounds and sums may be long chains."""
        waiting = [node]
        while waiting:
            child = waiting.pop()
            if isinstance(child, exp.With):
                continue
            if isinstance(child, exp.Query) and child is not node and not _is_plain_compound(child):
                made = self._query(child, level, names)
                if made is not child:
                    child.replace(made)
            elif isinstance(child, exp.Table) and child is not node:
                self._table(child, level, names)
            else:
                waiting.extend(reversed(list(child.iter_expressions())))

    def _with_common(self, with_: exp.With | None, level: Clauses, names: Names) -> Names:
        """Rewrite the common tables of a query; the names inside it."""
        if with_ is None:
            return names
        written = copied(with_)
        common = dict(names.common)
        for cte in with_.expressions:
            common[cte.alias.lower()] = Common(cte, written, level, names)
        shadowing = names.shadowing | common.keys()
        inside = replace(names, common=common, shadowing=shadowing)
        for cte in with_.expressions:
            itself = {cte.alias.lower(): replace(common[cte.alias.lower()], with_=None)}
            self._children(cte, level, replace(inside, common={**common, **itself}))
        return inside

    def _diff(self, node: exp.Query, own: Clauses, level: Clauses, names: Names) -> exp.Query:
        """A query with a DIFF at its end: a relation's own changes, or two answers compared."""
        assert own.diff is not None
        inside = structs.replace(own, diff=None)
        stands = merged(inside, level).as_of
        made = diff.of_relation(node, own, stands)
        if made is not None and not self._is_shadowed(made, names):
            return self._query(made, level, names)
        first = len(self._read)
        answers: dict[str, exp.Query] = {}
        for which in _SIDES:
            copy = copied(node)
            side = diff.side(which, own.diff, stands)
            copy.meta["clauses"] = structs.replace(inside, as_of=side)
            answers[which] = self._query(copy, level, names)
            if not any(_is_moved(use.clauses, side) for use in self._read[first:]):
                raise _nothing_moves(own.diff, self._read[first:])
        called = columns.names_of(answers["after"], names.around, self._ask)
        wanted = diff.key_of(node, own.diff)
        key = None if wanted is None else diff.places_of(wanted, called, own.diff)
        self.comparisons.append((own.diff, wanted))
        return compare.compared(answers["before"], answers["after"], called, key)

    def _is_shadowed(self, select: exp.Query, names: Names) -> bool:
        """Whether a table that looks like a relation is something else here."""
        tables = [table for table in select.find_all(exp.Table) if not table.args.get("db")]
        return any(self._other(_name_of(table), names) is not None for table in tables)

    # ------------------------------------------------------------ tables

    def _table(self, table: exp.Table, level: Clauses, names: Names) -> None:
        if "target" in table.meta:
            return
        own: Clauses = table.meta.get("clauses", NO_CLAUSES)
        call = table.this if isinstance(table.this, exp.Anonymous) else None
        name = _name_of(table)
        if isinstance(table.parent, exp.In) and table.arg_key == "field":
            self._in_table(table, level, names)
            return
        if catalog.is_temp(table):
            other: View | Common | str | None = catalog.scratch(table, self._catalog.scratch)
        else:
            other = None if table.args.get("db") else self._other(name, names)
        if isinstance(other, View):
            self._view(table, other, own, level, names)
        elif isinstance(other, Common) and own and other.with_ is not None:
            copy = exp.Select(
                expressions=[exp.Star()],
                from_=exp.From(
                    this=exp.Table(this=exp.to_identifier(other.cte.alias, quoted=True))
                ),
                with_=copied(other.with_),
            )
            self._put(table, copy, own, other.level, other.names, (level, names))
        elif (other is not None and call is None) or (call and name in TABLE_FUNCTIONS):
            if own:
                clause = next(n for n in Clauses.__struct_fields__ if getattr(own, n) is not None)
                raise _meaningless(clause, name, getattr(own, clause).span)
            self._children(table, level, names)
        else:
            self._relation(table, own, level, names)
            self._children(table, level, names)

    def _other(self, name: str, names: Names) -> View | Common | str | None:
        """What a name means besides a relation; a scratch table is its name."""
        if name in names.common:
            return names.common[name]
        if name in self._catalog.scratch and not names.opened:
            return name
        return self._catalog.views.get(name)

    def _in_table(self, table: exp.Table, level: Clauses, names: Names) -> None:
        """x IN table, as x IN (SELECT * FROM table)."""
        within = table.parent
        assert within is not None
        query = exp.Select(expressions=[exp.Star()])
        within.set("field", None)
        query.set("from_", exp.From(this=table))
        within.set("query", exp.Subquery(this=query))
        self._children(query, level, names)

    def _view(
        self, table: exp.Table, view: View, own: Clauses, level: Clauses, names: Names
    ) -> None:
        span: Span | None = table.meta.get("span")
        if isinstance(table.this, exp.Anonymous):
            raise ProgrammingError(
                f"{view.name} is a view and takes no arguments",
                code="hidden.arguments",
                span=span,
                hint=f"say it with clauses: FROM {view.name} AS OF '-24h'",
            )
        if view.name.lower() in names.opened:
            raise ProgrammingError(
                f"the view {view.name!r} reads itself",
                code="view.recursive",
                span=span,
                hint="WITH RECURSIVE inside the view can follow what it reads",
            )
        query, inside = views.body(view, span)
        opened = (*names.opened, view.name.lower())
        within = Names(shadowing=names.shadowing, opened=opened)
        if view.columns or (inside.diff is not None and own.diff is not None):
            query.meta["clauses"] = inside
            query, inside = views.named(query, view.name, view.columns), NO_CLAUSES
        combined = merged(inside, own)
        combined = structs.replace(
            combined, diff=own.diff or inside.diff, history=own.history, purpose=None
        )
        try:
            self._put(table, query, combined, level, within, (level, names))
        except Error as error:
            if len(opened) == 1 and error.code != "view.recursive":
                error.message += f" in the view {view.name!r}"
            raise

    def _put(
        self,
        table: exp.Table,
        query: exp.Query,
        own: Clauses,
        level: Clauses,
        inside: Names,
        around: tuple[Clauses, Names],
    ) -> None:
        """Put a query in the place of a table; what is joined to the table stays around it."""
        if own.history is not None:
            raise _meaningless("history", _name_of(table), own.history.span)
        query.meta["clauses"] = own
        alias = table.args.get("alias") or exp.TableAlias(
            this=exp.to_identifier(table.name, quoted=True)
        )
        made = exp.Subquery(this=query, alias=alias)
        rewritten = self._query(query, level, inside)
        made.set("this", rewritten)
        made.set("joins", table.args.get("joins"))
        table.replace(made)
        for join in made.args.get("joins") or ():
            self._children(join, *around)

    def _relation(self, table: exp.Table, own: Clauses, level: Clauses, names: Names) -> None:
        name = _name_of(table)
        span: Span | None = table.meta.get("span")
        if table.args.get("db") and table.args["db"].name.lower() != "main":
            raise ProgrammingError(
                f"there is no database called {table.args['db'].name!r}",
                code="name.unknown_database",
                span=span,
                hint=f"write {name} alone",
            )
        relation = catalog.relation(name, span, self._catalog.named).name
        for clause in Clauses.__struct_fields__:
            if getattr(own, clause) is not None and clause not in catalog.clauses_of(relation):
                raise _meaningless(clause, relation, getattr(own, clause).span)
        used, clauses = _as_used(relation, merged(own, level), own)
        called = " in ".join([table.alias or name, *reversed(names.opened)])
        given = table.this.expressions if isinstance(table.this, exp.Anonymous) else []
        may_choose = "lifecycle_in" in RELATIONS[used].hidden[: len(given)]
        use = Use(used, clauses, span, called, may_choose)
        mark = Bind(this=f"0s{self._number(use)}")
        _check_index(table, relation)
        _check_arguments(used, len(given), span)
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(name, quoted=True)))
        arguments = [mark, *map(_argument, given)]
        table.set("this", exp.Anonymous(this=used, expressions=arguments))
        # a common table of this name would stand in the way
        table.set("db", exp.to_identifier("main") if used in names.shadowing else None)

    def _number(self, use: Use) -> int:
        self._read.append(use)
        for number, known in enumerate(self.uses):
            if replace(known, span=use.span, name=use.name) == use:
                return number
        self.uses.append(use)
        return len(self.uses) - 1


def _is_plain_compound(query: exp.Query) -> bool:
    """A UNION and the like with nothing of its own: its branches are on the level around it."""
    is_plain = not query.meta.get("clauses") and not query.args.get("with_")
    return isinstance(query, exp.SetOperation) and is_plain


def _check_index(table: exp.Table, relation: str) -> None:
    """No index of SQLite's can be named for a relation; NOT INDEXED changes nothing."""
    indexed = table.args.get("indexed")
    if indexed is not None and not isinstance(indexed.this, exp.Null):
        raise ProgrammingError(
            f"{relation} has no index called {indexed.this.name!r}",
            code="name.unknown_index",
            span=indexed.meta.get("span"),
            hint="leave INDEXED BY out: a relation finds its own way",
        )
    table.set("indexed", None)


def _nothing_moves(wanted: Diff, uses: Sequence[Use]) -> ProgrammingError:
    if not uses:
        return _meaningless("diff", None, wanted.span)
    return ProgrammingError(
        "DIFF compares nothing: every relation here has an AS OF of its own",
        code="clause.meaningless",
        span=wanted.span,
        hint="leave out the AS OF inside the query",
    )


def _is_moved(clauses: Clauses, side: Side) -> bool:
    """Whether a relation is read at a side, directly or in a DIFF that stands there."""
    as_of = clauses.as_of
    while isinstance(as_of, Side):
        if as_of == side:
            return True
        as_of = as_of.stands
    return False


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
    for join in every(query):
        if not isinstance(join, exp.Join) or str(join.side).upper() not in ("RIGHT", "FULL"):
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


def merged(own: Clauses, outer: Clauses) -> Clauses:
    """The clauses of a level over those of the level around it (R4)."""
    if outer is NO_CLAUSES or not outer:
        return own
    taken = {
        name: getattr(outer, name)
        for name in LEVELLED
        if getattr(own, name) is None and getattr(outer, name) is not None
    }
    return structs.replace(own, **taken) if taken else own


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
    kept = {name: None for name in LEVELLED if name not in allowed}
    return relation, structs.replace(clauses, **kept, purpose=None)


def _check_meaning(level: Clauses, uses: Sequence[Use]) -> None:
    """A clause of a query must mean something to one of its relations (R5)."""
    for clause in LEVELLED:
        node = getattr(level, clause)
        if node is None or isinstance(node, Side):
            continue
        if not any(clause in catalog.clauses_of(use.relation) for use in uses):
            raise _meaningless(clause, uses[0].relation if uses else None, node.span)


def _meaningless(clause: str, relation: str | None, span: Span) -> ProgrammingError:
    where = f"on {relation}" if relation else "without a relation"
    allowed = ", ".join(LABELS[name] for name in catalog.clauses_of(relation or ""))
    hint = f"{relation} takes {allowed}" if relation in catalog.CLAUSES_OF else None
    return ProgrammingError(
        f"{LABELS[clause]} has no meaning {where}",
        code="clause.meaningless",
        span=span,
        hint=hint or "it belongs to beliefs, assertions and history",
    )
