"""Ids, slots, triples and queries to the assertions they name."""

from __future__ import annotations

from epql.engine import lookup
from epql.engine.content import check_object
from epql.engine.errors import Error, ProgrammingError
from epql.nodes import IdTarget, QueryTarget, SlotTarget, Target
from epql.verbs.work import Work


def resolve(work: Work, target: Target) -> list[bytes]:
    """The digests of the assertions a target names, in order, each once.

    Raises: ProgrammingError `target.none`, `target.ambiguous`, `id.*`, with the target's span.
    """
    try:
        if isinstance(target, IdTarget):
            return [by_id(work, work.value(target.id))]
        if isinstance(target, SlotTarget):
            return [_slot(work, target)]
        return _query(work, target)
    except Error as error:
        raise error.with_span(target.span) from None


def by_id(work: Work, name: object) -> bytes:
    """The digest of the assertion an id names."""
    if not isinstance(name, str):
        raise ProgrammingError(
            f"{name!r} is not the id of an assertion",
            code="id.malformed",
            hint="an id is 'a:' and hexadecimal digits, such as 'a:1f3c9e'",
        )
    return lookup.by_id(work.database, name)


def _slot(work: Work, target: SlotTarget) -> bytes:
    subject = work.name("subject", target.subject)
    predicate = work.name("predicate", target.predicate)
    snapshot = work.resolver.snapshot(work.resolver.standing)
    if target.object is None:
        return lookup.by_slot(work.database, snapshot, subject, predicate).digest
    obj = work.checked(target.object, check_object)
    return lookup.by_triple(work.database, snapshot, subject, predicate, obj).digest


def _query(work: Work, target: QueryTarget) -> list[bytes]:
    columns, rows = work.query(target.query, work.resolver)
    lowered = [column.lower() for column in columns]
    if len(columns) > 1 and "id" not in lowered:
        raise ProgrammingError(
            "the query gives no column id", code="target.query", hint="SELECT id FROM …"
        )
    place = lowered.index("id") if "id" in lowered else 0
    digests = [by_id(work, row[place]) for row in rows]
    if not digests:
        work.notice("the query names no assertion: nothing was done")
    return list(dict.fromkeys(digests))
