"""DEFINE PREDICATE, MARK EPOCH."""

from __future__ import annotations

from typing import Any

from epql import instants
from epql.engine.content import TYPES
from epql.engine.errors import DataError, Error, ProgrammingError
from epql.nodes import DefinePredicate, MarkEpoch
from epql.plan.catalog import nearest
from epql.verbs.work import Answer, Work

_HALF_LIFE_MAX = 10_000 * 366 * 86_400 * 1_000_000


def define_predicate(work: Work, statement: DefinePredicate) -> Answer:
    """DEFINE PREDICATE; what is not said again stays as it was declared."""
    name = work.name("predicate", statement.name)
    known = work.database.declarations.as_of(work.transaction.tx).get(name)
    body: dict[str, Any] = {"cardinality": "one", "half_life": None, "type": None}
    if known is not None:
        body = {k: getattr(known, k) for k in body}
    if statement.cardinality is not None:
        body["cardinality"] = statement.cardinality
    if statement.type is not None:
        body["type"] = _type(statement)
    if statement.half_life is not None:
        body["half_life"] = work.checked(statement.half_life, _half_life)
    work.transaction.define("predicate", name, body, work.agent)
    return Answer(0)


def mark_epoch(work: Work, statement: MarkEpoch) -> Answer:
    """MARK EPOCH 'name'."""
    name = work.name("epoch", statement.name)
    try:
        work.transaction.mark_epoch(name, work.agent)
    except Error as error:
        raise error.with_span(statement.name.meta.get("span")) from None
    return Answer(0)


def _type(statement: DefinePredicate) -> str:
    assert statement.type is not None
    name = statement.type.lower()
    if name not in TYPES:
        raise ProgrammingError(
            f"no type is called {statement.type!r}",
            code="predicate.unknown_type",
            span=statement.span,
            hint=nearest(name, TYPES, "the types are "),
        )
    return name


def _half_life(value: Any) -> int:
    if not isinstance(value, str):
        raise DataError(
            f"{value!r} is no duration", code="instant.unreadable", hint="such as '180d'"
        )
    duration = instants.parse_duration(value)
    if duration.months:
        raise DataError(
            "a half-life counts in days or shorter: months and years differ in length",
            code="predicate.half_life",
            hint="'180d'",
        )
    if duration.micros <= 0:
        raise DataError("a half-life must be longer than nothing", code="predicate.half_life")
    if duration.micros > _HALF_LIFE_MAX:
        raise DataError("a half-life has at most 10,000 years", code="predicate.half_life")
    return duration.micros
