"""A query with the DIFF at its end that compares its answer with what an audited query saw."""

from __future__ import annotations

from msgspec import structs
from sqlglot import exp

from epql.engine.errors import Span
from epql.nodes import Diff, Instant, Query, every

_SLOT = ("subject", "predicate")


def has_diff(query: Query) -> bool:
    """Whether a query, or anything inside it, is a DIFF already."""
    inner = (node.meta.get("clauses") for node in every(query.select))
    return any(clauses and clauses.diff is not None for clauses in (query.clauses, *inner))


def diff_since(query: Query, seen_by: str, span: Span, *, one_row: bool) -> Query:
    """The query … DIFF SINCE QUERY 'q:…'. `one_row`: both answers have one, so no key is needed."""
    since = Instant("query", exp.Literal.string(seen_by), span)
    diff = Diff(since, span, key=_key(query, one_row))
    return structs.replace(query, clauses=structs.replace(query.clauses, diff=diff))


def _key(query: Query, one_row: bool) -> tuple[str, ...] | None:
    """What tells rows apart where the query does not say it: the slot, or nothing."""
    select = query.select
    if not isinstance(select, exp.Select) or select.args.get("group") is not None:
        return None
    if any(isinstance(node, exp.Star) for item in select.expressions for node in (item, item.this)):
        return None
    names = [item.alias_or_name.lower() for item in select.expressions]
    if set(_SLOT) <= set(names) and len(names) > len(_SLOT):
        return _SLOT
    return () if one_row else None
