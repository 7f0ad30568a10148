"""One ASSERT for many rows of parameters, taken column by column.

What it is: the way of a bulk whose statement is plain: each value is a parameter or a literal, and
the values of one column pass their check together.
What it is not: another set of checks. Where a column does not pass as a whole, the rows are taken
one by one by `Asserter.contents`, which also says which of them is wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any, NamedTuple

from epql.engine.content import (
    are_confidences,
    are_names,
    are_names_or_null,
    are_text_objects,
)
from epql.engine.errors import Error
from epql.engine.lifecycle import LANDING
from epql.engine.records import Assertion
from epql.nodes import Bind, Expression
from epql.plan.values import Getter, Params, is_constant

Values = Sequence[Any]


class Part(NamedTuple):
    """A part of what is asserted: its expression, and what gives its checked value for a row."""

    name: str
    expression: Expression | None
    get: Getter


def _are_landings(values: Values) -> bool:
    return set(map(type, values)) == {str} and set(values) <= set(LANDING)


_FIT: dict[str, Callable[[Values], bool]] = {
    "subject": are_names,
    "predicate": are_names,
    "object": are_text_objects,
    "confidence": are_confidences,
    "agent": are_names_or_null,
    "source": are_names_or_null,
    "key": are_names_or_null,
    "lifecycle": _are_landings,
}
"""Whether all values of a column are what the check of each would give, or NULL by default."""


def are_columns(parts: Sequence[Part]) -> bool:
    """Whether all parts are parameters or literals."""
    return all(
        part.expression is None or isinstance(part.expression, Bind) or is_constant(part.expression)
        for part in parts
    )


def contents(
    parts: Sequence[Part], rows: Sequence[Params], agent: str
) -> tuple[list[Assertion], Sequence[str]] | None:
    """The assertions of many rows and the states they land in; None where a row is at fault.

    `agent`: who says what names nobody.
    """
    try:
        said = {part.name: _column(part, rows) for part in parts}
    except (Error, LookupError):
        return None
    agents = [one or agent for one in said["agent"]]
    columns = [said["subject"], said["predicate"], said["object"], said["confidence"], agents]
    columns.append(said["source"])
    if any(said["key"]):
        nothing = repeat(None), repeat(None), repeat(0), repeat(()), repeat(())
        return list(map(Assertion, *columns, *nothing, said["key"])), said["lifecycle"]
    return list(map(Assertion, *columns)), said["lifecycle"]


def _column(part: Part, rows: Sequence[Params]) -> Values:
    """The values of one part in all rows. Raises: what its check raises."""
    if not isinstance(part.expression, Bind):
        return [part.get(rows[0])] * len(rows)
    place = part.expression.this
    values = [row[place] for row in rows]
    return values if _FIT[part.name](values) else [part.get(row) for row in rows]
