"""What a question is about, as the arguments of the relation that answers it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from msgspec import structs

from epql.engine.content import check_object
from epql.engine.errors import Error, ProgrammingError
from epql.engine.explain import words
from epql.engine.explain.events import subjects
from epql.engine.explain.near import nearest
from epql.engine.explain.slot import Asked, slot_named, slot_of
from epql.engine.index.snapshot import Snapshot
from epql.engine.records import assertion_id
from epql.engine.store.objects import tx_of
from epql.nodes import Clauses, IdTarget, SlotTarget, Target
from epql.plan.relations import merged
from epql.questions.inquiry import Inquiry
from epql.verbs import targets

Arguments = tuple[Any, ...]
"""(id, None, None), (subject, predicate, None) or (subject, predicate, object)."""


def named(
    inquiry: Inquiry, target: Target, clauses: Clauses, snapshot: Snapshot
) -> list[Arguments]:
    """What a target names, in order; all of it was there at the snapshot.

    Raises: ProgrammingError `target.none`, `target.query`, `id.*`, with the target's span.
    """
    try:
        if isinstance(target, SlotTarget):
            return [_slot(inquiry, target, snapshot)]
        if isinstance(target, IdTarget):
            digests = [targets.by_id(inquiry, inquiry.value(target.id))]
        else:
            level = merged(clauses, inquiry.resolver.standing)
            inside = replace(inquiry.resolver, standing=structs.replace(level, purpose=None))
            digests = targets.by_query(replace(inquiry, resolver=inside), target)
            if not digests:
                inquiry.notice("the query names no assertion")
        return [_assertion(inquiry, digest, snapshot) for digest in digests]
    except Error as error:
        raise error.with_span(target.span) from None


def one_for_each_slot(inquiry: Inquiry, arguments: list[Arguments]) -> list[Arguments]:
    """The first of those that are about the same slot."""
    if len(arguments) < 2:
        return arguments
    found: dict[int, Arguments] = {}
    for one in arguments:
        number = inquiry.database.objects.resolve(one[0])[1]
        found.setdefault(slot_of(inquiry.database, number).id, one)
    return list(found.values())


def _assertion(inquiry: Inquiry, digest: bytes, snapshot: Snapshot) -> Arguments:
    name = assertion_id(digest)
    tx = tx_of(inquiry.database.objects.resolve(name)[1])
    if tx > snapshot.tx:
        raise ProgrammingError(
            f"{name[:14]}… was recorded later",
            code="target.none",
            hint=f"ask AS OF TX {tx} or later",
        )
    return name, None, None


def _slot(inquiry: Inquiry, target: SlotTarget, snapshot: Snapshot) -> Arguments:
    index = inquiry.database
    subject = inquiry.name("subject", target.subject)
    predicate = inquiry.name("predicate", target.predicate)
    obj = None if target.object is None else inquiry.checked(target.object, check_object)
    slot = slot_named(index, subject, predicate, snapshot.tx)
    if slot is not None:
        asked = Asked(slot, object=obj)
        if obj is None or any(subjects(index, asked, snapshot.tx)):
            return subject, predicate, obj
    near = nearest(index, subject, predicate, obj)
    found = (subject, predicate) if obj is None else (subject, predicate, obj)
    raise ProgrammingError(
        f"nothing was asserted about {words.triple(*found)}",
        code="target.none",
        hint="SELECT DISTINCT subject, predicate FROM assertions LIFECYCLE ANY VALID ANYTIME"
        " lists what was"
        if near is None
        else f"did you mean {words.triple(*near.triple[: len(found)])}?",
    )
