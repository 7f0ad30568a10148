"""What the rules of scratch.lark mean: SQLite's own statements, kept word for word.

Each rule becomes `Words`: its keywords and marks, and the names, expressions and queries between
them, in their order. What a statement does (and to which table) stands beside it in its node.
"""

from __future__ import annotations

from typing import Any, Literal

from sqlglot import exp

from epql import nodes
from epql.engine.errors import Span
from epql.nodes import Expression, Words
from epql.parse.clauses import Clause
from epql.parse.expressions import Parts, is_token
from epql.parse.lexer import Token
from epql.parse.options import Option, Options
from epql.parse.places import at, span_of
from epql.parse.queries import Joins


class Scratch(Options):
    """The rules of scratch.lark."""

    # ------------------------------------------------------------ definitions

    def create_table(self, parts: Parts, start: int, end: int) -> nodes.ScratchDefinition:
        _mark(parts[1])
        tree = self._words(parts, start, end)
        return nodes.ScratchDefinition("create table", parts[1], tree, Span(start, end))

    create_table_as = create_table

    def create_index(self, parts: Parts, start: int, end: int) -> nodes.ScratchDefinition:
        place = next(i for i, part in enumerate(parts) if isinstance(part, exp.Identifier))
        name = _index(parts[place])
        table = next(part for part in parts if isinstance(part, exp.Table))
        table.meta["target"] = True
        table.set("db", None)  # an index is where its table is; SQLite lets only one of them say it
        tree = self._words([*parts[:place], name, *parts[place + 1 :]], start, end)
        return nodes.ScratchDefinition("create index", name, tree, Span(start, end), table)

    def drop_table(self, parts: Parts, start: int, end: int) -> nodes.ScratchDefinition:
        _mark(parts[-1])
        tree = self._words(parts, start, end)
        return nodes.ScratchDefinition("drop table", parts[-1], tree, Span(start, end))

    def drop_index(self, parts: Parts, start: int, end: int) -> nodes.ScratchDefinition:
        name = _index(parts[-1])
        tree = self._words([*parts[:-1], name], start, end)
        return nodes.ScratchDefinition("drop index", name, tree, Span(start, end))

    # ------------------------------------------------------------ rows

    def insert(self, parts: Parts, start: int, end: int) -> nodes.Insert:
        into = _marked(parts, "table")
        returned = _marked(parts, "returned")
        assert into is not None
        query = next((part for part in parts if isinstance(part, exp.Query)), None)
        if query is not None and _marked(parts, "upsert") is not None:
            _close(query)
        known = [part for part in (into, query, returned) if part is not None]
        options = [part for part in parts if isinstance(part, Option)]
        names = None if returned is None else _names(returned.meta["returned"])
        return nodes.Insert(
            into.meta["table"],
            into.meta["columns"],
            query,
            self._words([part for part in parts if part not in options], start, end),
            Span(start, end),
            names,
            into.meta["is_plain"]
            and query is not None
            and len(parts) == len(known + options)
            and (returned is None or names is not None),
            bool(options),
        )

    def insert_into(self, parts: Parts, start: int, end: int) -> Words:
        made = self._words(parts, start, end)
        written = _marked(parts, "table")
        assert written is not None
        names = next((part for part in parts if isinstance(part, list)), None)
        made.meta["table"] = written.meta["table"]
        made.meta["columns"] = None if names is None else tuple(name.name for name in names)
        made.meta["is_plain"] = len(written.expressions) == 1 and is_token(parts[1], "INTO")
        return made

    def update(self, parts: Parts, start: int, end: int) -> nodes.ScratchChange:
        return self._change("update", parts, start, end)

    def delete(self, parts: Parts, start: int, end: int) -> nodes.ScratchChange:
        return self._change("delete", parts, start, end)

    def _change(
        self, verb: Literal["update", "delete"], parts: Parts, start: int, end: int
    ) -> nodes.ScratchChange:
        written = _marked(parts, "table")
        assert written is not None
        where = next((part for part in parts if type(part) is tuple), None)
        joins = next((part for part in parts if isinstance(part, Joins)), None)
        clauses: list[Clause] = [] if where is None else list(where[2])
        if joins is not None:
            clauses = [*self._settle(joins, at_end=where is None), *clauses]
        return nodes.ScratchChange(
            verb,
            written.meta["table"],
            self._words(parts, start, end),
            self._level([clauses], f"an {verb.upper()}" if verb == "update" else "a DELETE"),
            Span(start, end),
            _marked(parts, "returned") is not None,
        )

    def written_table(self, parts: Parts, start: int, end: int) -> Words:
        _mark(parts[0])
        made = self._words(parts, start, end)
        made.meta["table"] = parts[0]
        return made

    def upsert_nothing(self, parts: Parts, start: int, end: int) -> Words:
        made = self._words(parts, start, end)
        made.meta["upsert"] = True
        return made

    upsert_update = upsert_nothing

    def returned(self, parts: Parts, start: int, end: int) -> Words:
        made = self._words(parts, start, end)
        made.meta["returned"] = tuple(parts[1])
        return made

    # ------------------------------------------------------------ pieces, as they stand

    def _words(self, parts: Parts, start: int, end: int) -> Words:
        return at(Words(expressions=list(_flat(parts))), start, end)

    create_temp = column_definition = constraint_name = rule_primary_key = rule_null = _words
    rule_unique = rule_check = rule_default = rule_collate = rule_generated = direction = _words
    column_constraint = table_constraint = on_conflict = resolution = table_options = _words
    table_option = indexed_columns = if_not_exists = if_exists = or_resolution = _words
    default_values = conflict_target = assignments = assignment = _words


def _mark(table: exp.Table) -> None:
    """It is the table that a statement is about: always a scratch table."""
    table.meta["target"] = True
    table.meta["database"] = table.args["db"].name.lower() if table.args.get("db") else "temp"
    table.set("db", exp.to_identifier("temp", quoted=True))


def _index(name: exp.Identifier) -> exp.Table:
    made = at(exp.Table(this=name), *span_of(name))
    _mark(made)
    return made


def _marked(parts: Parts, mark: str) -> Words | None:
    """The part that carries what `mark` names."""
    return next((part for part in parts if isinstance(part, Words) and mark in part.meta), None)


def _names(items: tuple[Expression, ...]) -> tuple[str, ...] | None:
    """The columns that RETURNING names; None if it asks for more than columns."""
    if [type(item) for item in items] == [exp.Star]:
        return ("*",)
    if all(isinstance(item, exp.Column) and item.name != "*" for item in items):
        return tuple(item.name for item in items)
    return None


def _close(query: exp.Query) -> None:
    """SQLite takes ON after FROM for a join's: WHERE TRUE stands between, as its manual says."""
    last: Any = query.expression if isinstance(query, exp.SetOperation) else query
    is_open = not any(last.args.get(key) for key in ("where", "group", "order", "limit"))
    if last.args.get("from_") is not None and is_open:
        last.set("where", exp.Where(this=exp.true()))


def _flat(parts: Parts) -> list[Expression]:
    """The parts of a rule as nodes, in order."""
    found: list[Expression] = []
    for part in parts:
        if isinstance(part, Token):
            found.append(exp.var("ON CONFLICT" if part.kind == "ON_CONFLICT" else part.value))
        elif isinstance(part, Joins):
            first = part.sources[0].item
            found += [exp.From(this=first), *part.joins]
        elif isinstance(part, tuple):  # WHERE, and the clauses after it
            found.append(part[1])
        elif isinstance(part, list):
            found += _commas(part)
        elif part is not None:
            found.append(part)
    return found


def _commas(items: list[Expression]) -> list[Expression]:
    found: list[Expression] = []
    for item in items:
        found += [exp.var(","), item] if found else [item]
    return found
