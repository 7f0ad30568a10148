"""Which states a read sees where nothing says so: the policy `lifecycle`.

Under `required` a read that chooses no states is an error. LIVE and ANY written out choose none
(docs/decisions/0019): relations that answer refuse them too, those that list take them.
"""

from __future__ import annotations

from dataclasses import replace

from epql.engine.errors import ProgrammingError
from epql.engine.index.declarations import Declarations, Declared
from epql.engine.index.snapshot import LIVE_STATES, Snapshot, StatesBy, Window
from epql.engine.lifecycle import CODE

_APPROVED = (CODE["approved"],)


def default_states(declared: Declared) -> tuple[int, ...]:
    """The states that are seen without LIFECYCLE; under `required` they are those of LIVE."""
    return _APPROVED if declared.value("lifecycle") == "approved" else LIVE_STATES


def states_by(names: tuple[str, ...], negated: bool = False) -> StatesBy:
    """Whether a LIFECYCLE clause chooses states, or is LIVE or ANY written out.

    >>> states_by(("live",))
    'unfiltered'
    """
    chooses = negated or any(name.lower() not in ("live", "any") for name in names)
    return "clause" if chooses else "unfiltered"


def as_chosen(scope: Snapshot | Window) -> Snapshot | Window:
    """The same for a caller that knows what it wants: never refused."""
    if isinstance(scope, Window):
        since, until = (replace(side, states_by="clause") for side in (scope.since, scope.until))
        return replace(scope, since=since, until=until)
    return replace(scope, states_by="clause")


def check_states(declarations: Declarations, scope: Snapshot | Window, *, answers: bool) -> None:
    """Refuse a read that chooses no states where the policy requires it.

    `answers`: whether the relation says what is believed, rather than list what was said.
    Raises: ProgrammingError `policy.lifecycle_required`, without a span.
    """
    sides = (scope.since, scope.until) if isinstance(scope, Window) else (scope,)
    for side in sides:
        if side.states_by == "clause" or (side.states_by == "unfiltered" and not answers):
            continue
        if declarations.at(side.tx).value("lifecycle") == "required":
            raise ProgrammingError(
                "the policy lifecycle = required refuses a read that chooses no states",
                code="policy.lifecycle_required",
                hint="add LIFECYCLE APPROVED, or name the states you want to see",
            )
