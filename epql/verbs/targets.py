"""Ids, slots, triples and queries to the assertions they name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from epql.engine import lookup
from epql.engine.content import check_object
from epql.engine.errors import Error, ProgrammingError
from epql.engine.records import assertion_id
from epql.engine.store.objects import NAMED, malformed
from epql.nodes import IdTarget, QueryTarget, SlotTarget, Target
from epql.verbs.work import Asking


def resolve(asking: Asking, target: Target) -> list[bytes]:
    """The digests of the assertions a target names, in order, each once.

    Raises: ProgrammingError `target.none`, `target.ambiguous`, `id.*`, with the target's span.
    """
    try:
        if isinstance(target, IdTarget):
            return [by_id(asking, asking.value(target.id))]
        if isinstance(target, SlotTarget):
            return [_slot(asking, target)]
        digests = by_query(asking, target)
    except Error as error:
        raise error.with_span(target.span) from None
    if not digests:
        asking.notice("the query names no assertion: nothing was done")
    return digests


def each(asking: Asking, target: Target, act: Callable[[bytes], object]) -> list[bytes]:
    """Do something to each assertion a target names; an error about one says about which."""
    digests = resolve(asking, target)
    for digest in digests:
        try:
            act(digest)
        except Error as error:
            if error.span is None:
                error.message = f"{assertion_id(digest)[:14]}…: {error.message}"
            raise error.with_span(target.span) from None
    return digests


def by_id(asking: Asking, name: object) -> bytes:
    """The digest of the assertion an id names."""
    if not isinstance(name, str):
        raise malformed(name, NAMED["H"].prefix, NAMED["H"].what)
    return lookup.by_id(asking.database, name)


def rule_by_id(asking: Asking, name: object) -> bytes:
    """The digest of the rule an id names."""
    if not isinstance(name, str):
        raise malformed(name, NAMED["C"].prefix, NAMED["C"].what)
    return lookup.rule_by_id(asking.database, name)


def _slot(asking: Asking, target: SlotTarget) -> bytes:
    subject = asking.name("subject", target.subject)
    predicate = asking.name("predicate", target.predicate)
    snapshot = asking.resolver.snapshot(asking.resolver.standing)
    if target.object is None:
        return lookup.by_slot(asking.database, snapshot, subject, predicate).digest
    obj = asking.checked(target.object, check_object)
    return lookup.by_triple(asking.database, snapshot, subject, predicate, obj).digest


def by_query(asking: Asking, target: QueryTarget) -> list[bytes]:
    """The digests of the assertions whose ids a query gives, each once."""
    return list(dict.fromkeys(by_id(asking, name) for name in ids_of(asking, target)))


def ids_of(asking: Asking, target: QueryTarget) -> list[object]:
    """What the query of a target gives in its column id, or in its only column.

    Raises: ProgrammingError `target.query`.
    """
    # it names assertions and answers nothing: no policy forbids that
    resolver = replace(asking.resolver, is_strict=False)
    columns, rows = asking.query(target.query, resolver)
    lowered = [column.lower() for column in columns]
    if len(columns) > 1 and "id" not in lowered:
        raise ProgrammingError(
            "the query gives no column id", code="target.query", hint="SELECT id FROM …"
        )
    place = lowered.index("id") if "id" in lowered else 0
    return [row[place] for row in rows]
