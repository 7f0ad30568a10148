"""DESCRIBE and SHOW on one connection: what they answer, beside its rows what there is to tell."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from epql.engine.errors import Error, Span
from epql.engine.vtab.register import RELATIONS
from epql.explain import describe, show
from epql.nodes import Describe, Query, Show
from epql.queries import Queries


class Told(NamedTuple):
    """An answer: its columns, its rows, its notices."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]
    notices: list[str]


def of_describe(queries: Queries, statement: Describe) -> Told:
    """DESCRIBE name, DESCRIBE query."""
    what = statement.what
    if isinstance(what, Query):
        return describe_query(queries, what)
    return describe_name(queries, what.name, what.meta.get("span"))


def of_show(queries: Queries, statement: Show, settings: show.Settings) -> Told:
    """SHOW words, SHOW COLUMNS FROM name."""
    if statement.words == "columns" and statement.relation is not None:
        relation = statement.relation
        return describe_name(queries, relation.name, relation.meta.get("span"))
    words = statement.words
    if statement.relation is not None:
        words = f"{words} from {statement.relation.name}"
    return show_name(queries, words, statement.span, settings)


def describe_name(queries: Queries, name: str, span: Span | None) -> Told:
    """DESCRIBE name. Raises ProgrammingError `name.unknown_relation`.

    A scratch table hides a view and a view a relation of its name, as in FROM.
    """
    known = name.lower()
    names = queries.catalog
    if known in names.scratch:
        return _told(describe.COLUMNS, describe.of_columns(queries.scratch_columns(known)))
    if known in names.views:
        view = names.views[known]
        try:
            found = queries.typed_columns(view.query)
        except Error as error:  # its place is one in the view's text
            error.span = span
            error.message += f" in the view {view.name!r}"
            raise
        called = view.columns or [column for column, _ in found]
        kinds = [kind for _, kind in found]
        return _told(describe.COLUMNS, describe.of_columns(zip(called, kinds, strict=False)))
    relation = RELATIONS.get(known)
    if relation is None:
        raise describe.unknown(name, span, [*names.views, *sorted(names.scratch)])
    return _told(describe.COLUMNS, describe.of_relation(relation), describe.told(relation))


def describe_query(queries: Queries, query: Query) -> Told:
    """DESCRIBE query: the columns its answer would have."""
    return _told(describe.COLUMNS, describe.of_columns(queries.typed_columns(query)))


def show_name(queries: Queries, name: str, span: Span, session: show.Settings) -> Told:
    """SHOW name. Raises ProgrammingError `show.unknown`, `name.unknown_relation`."""
    words = name.lower().split()
    names = queries.catalog
    views = [view.name for view in names.views.values()]
    if words in (["tables"], ["relations"]):
        return _told(show.LIST_COLUMNS, show.relations(views, sorted(names.scratch)))
    if words == ["queries"]:
        return _told(show.LIST_COLUMNS, show.queries(views))
    return _told(show.COLUMNS, show.setting(name, span, session))


def _told(
    columns: tuple[str, ...], rows: Iterable[tuple[Any, ...]], notices: Iterable[str] = ()
) -> Told:
    return Told(columns, [tuple(row) for row in rows], list(notices))
