"""ASSERT SELECT: every row of a query becomes an assertion.

The columns subject, predicate and object are found by their names, or else are the first three.
Other columns are called what they say (PLAIN, _OTHERS); options of the statement hold where a
row has no such column or NULL in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from epql.engine.content import check_confidence, check_name, check_object, check_optional
from epql.engine.errors import DataError, Error, ProgrammingError
from epql.engine.records import Assertion
from epql.nodes import Assert, QueryExpression
from epql.plan.catalog import nearest
from epql.verbs import asserter, targets
from epql.verbs.asserter import Common
from epql.verbs.returning import answer
from epql.verbs.work import Answer, Row, Work

TRIPLE = ("subject", "predicate", "object")
PLAIN: dict[str, Callable[[Any], Any]] = {
    "agent": lambda value: check_optional("agent", value),
    "confidence": check_confidence,
    "source": lambda value: check_optional("source", value),
    "key": lambda value: check_optional("key", value),
    "lifecycle": asserter.landing,
}
"""Columns that are taken as they are, by the options they stand for."""
_OTHERS = ("valid_from", "valid_to", "parents", "qualifiers")
PARTS = (*TRIPLE, *PLAIN, *_OTHERS)
"""All that a column may say of an assertion."""


@dataclass(frozen=True)
class Places:
    """Which column holds what: positions by name."""

    triple: tuple[int, int, int]
    plain: tuple[tuple[str, int], ...]
    others: dict[str, int]


EVERY = Places(
    (0, 1, 2),
    tuple((name, PARTS.index(name)) for name in PLAIN),
    {name: PARTS.index(name) for name in _OTHERS},
)
"""Rows that have every part, in the order of PARTS."""


def run(work: Work, statement: Assert) -> Answer:
    """Carry out ASSERT SELECT, or INSERT INTO assertions."""
    assert statement.query is not None
    columns, rows = work.query(statement.query, work.resolver)
    places = _places(statement.columns or columns, columns, statement.query)
    common = asserter.asserter_of(work, statement).common(work)
    reason = work.reason(statement.reason)
    contents, states = [], []
    for number, row in enumerate(rows, start=1):
        try:
            content, state = content_of(work, row, places, common)
            asserter.check_guards(work, statement, content.subject, content.predicate, None)
        except Error as error:
            error.message += f" (row {number})"
            raise error.with_span(statement.query.meta.get("span")) from None
        contents.append(content)
        states.append(state)
    outcomes = work.transaction.assert_many(contents, states, reason) if contents else []
    asserter.tell_retries(work, outcomes)
    asserter.tell_of_grounds(work, contents)
    if not contents:
        work.notice("the query gives no row: nothing was asserted")
    written = sum(outcome.done != "same" for outcome in outcomes)
    return answer(work, [o.digest for o in outcomes], statement.returning, written)


def _places(names: Sequence[str], given: Sequence[str], query: QueryExpression) -> Places:
    """Raises: ProgrammingError `assert.columns`, `assert.column`."""
    lowered = [name.lower() for name in names]
    if len(names) != len(given):
        raise _columns(f"{len(names)} columns are named and {len(given)} are given", query)
    known = [name for name in lowered if name in PARTS]
    if len(set(known)) < len(known):
        raise _columns("two columns have one name", query)
    if all(name in lowered for name in TRIPLE):
        triple = tuple(lowered.index(name) for name in TRIPLE)
    elif len(names) >= 3:
        triple = (0, 1, 2)
    else:
        raise _columns("subject, predicate and object are needed", query)
    rest = {name: place for place, name in enumerate(lowered) if place not in triple}
    for name in rest:
        if name not in PLAIN and name not in _OTHERS:
            raise ProgrammingError(
                f"the column {name!r} is nothing that can be asserted",
                code="assert.column",
                span=query.meta.get("span"),
                hint=nearest(name, PARTS, "name columns with AS; known are "),
            )
    plain = tuple((name, place) for name, place in rest.items() if name in PLAIN)
    others = {name: place for name, place in rest.items() if name in _OTHERS}
    return Places((triple[0], triple[1], triple[2]), plain, others)


def _columns(message: str, query: QueryExpression) -> ProgrammingError:
    return ProgrammingError(
        message,
        code="assert.columns",
        span=query.meta.get("span"),
        hint="ASSERT SELECT subject, predicate, object, 0.9 AS confidence FROM …",
    )


def content_of(work: Work, row: Row, places: Places, common: Common) -> tuple[Assertion, str]:
    """The assertion that a row says, and the state it lands in."""
    subject, predicate, obj = (row[place] for place in places.triple)
    said = dict(common.plain)
    for name, place in places.plain:
        if row[place] is not None:
            said[name] = PLAIN[name](row[place])
    start, end, parents, qualifiers = common.start, common.end, common.parents, common.qualifiers
    if places.others:
        other = {name: row[place] for name, place in places.others.items()}
        start = _time(work, other.get("valid_from"), start)
        end = _time(work, other.get("valid_to"), end)
        parents = _parents(work, other.get("parents"), parents)
        qualifiers = _qualifiers(other.get("qualifiers"), qualifiers)
    content = Assertion(
        check_name("subject", subject), check_name("predicate", predicate), check_object(obj),
        said["confidence"], said["agent"] or work.agent, said["source"], start, end, 0, parents,
        qualifiers, said["key"],
    )  # fmt: skip
    return content, said["lifecycle"]


def _time(work: Work, value: Any, default: int | None) -> int | None:
    return default if value is None else work.resolver.point_of_time(value, work.resolver.now)


def _parents(work: Work, value: Any, default: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """An id, or a JSON list of ids, as the column `parents` of assertions shows it."""
    if value is None:
        return default
    names = _json(value, list) if str(value).startswith("[") else [value]
    return tuple(dict.fromkeys(targets.by_id(work, name) for name in names))


def _qualifiers(value: Any, default: tuple[tuple[str, Any], ...]) -> tuple[tuple[str, Any], ...]:
    """A JSON object, as the column `qualifiers` of assertions shows it."""
    if value is None:
        return default
    pairs: Iterable[tuple[str, Any]] = _json(value, dict).items()
    checked = {check_name("qualifier", name): check_object(one, "qualifier") for name, one in pairs}
    return tuple(sorted(checked.items()))


def _json(value: Any, kind: type) -> Any:
    try:
        found = json.loads(value)
    except (TypeError, ValueError):
        found = None
    if not isinstance(found, kind):
        raise DataError(
            f"{value!r} is not written in JSON",
            code="value.json",
            hint="""parents: ["a:1f3c9e"]; qualifiers: {"unit": "ms"}""",
        )
    return found
