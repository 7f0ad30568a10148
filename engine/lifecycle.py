"""The lifecycle: its states, and which moves are legal. Pure tables, no I/O.

    proposed → review → approved → deprecated
    proposed, review → rejected        approved → superseded
    any live state → retracted, incorrect; a terminal state → proposed (REVIVE)

The states are numbered because the index clusters on them (docs/formats/index.md).
"""

from __future__ import annotations

from functools import lru_cache

from epql.engine.errors import DataError, IntegrityError
from epql.engine.spelling import closest

STATES = (
    "proposed",
    "review",
    "approved",
    "deprecated",
    "rejected",
    "superseded",
    "retracted",
    "incorrect",
)
CODE = {name: number for number, name in enumerate(STATES, start=1)}
NAME = dict(enumerate(STATES, start=1))

LIVE = ("proposed", "review", "approved")
TERMINAL = ("rejected", "superseded", "retracted", "incorrect")
LANDING = (*LIVE, "deprecated")
"""The states in which ASSERT may land."""

MOVES: dict[str, tuple[str, ...]] = {
    "proposed": ("review", "approved", "rejected", "retracted", "incorrect"),
    "review": ("approved", "rejected", "retracted", "incorrect"),
    "approved": ("deprecated", "superseded", "retracted", "incorrect"),
    "deprecated": ("retracted", "incorrect"),
    "rejected": (),
    "superseded": (),
    "retracted": (),
    "incorrect": (),
}


def check_state(name: str) -> str:
    """The state of that name, in lower case, or a DataError with the nearest one.

    >>> check_state("Approved")
    'approved'
    """
    lowered = name.lower()
    if lowered in CODE:
        return lowered
    near = closest(lowered, (*STATES, "live", "any"))
    hint = f"did you mean {near[0].upper()}? " if near else ""
    raise DataError(
        f"no lifecycle state is called {name!r}",
        code="lifecycle.unknown",
        hint=hint + "the states are " + ", ".join(STATES),
    )


def check_move(was: str, to: str) -> None:
    """Raise IntegrityError, naming the legal moves, unless `was` may become `to`."""
    legal = MOVES[was]
    if to in legal:
        return
    if to == was:
        raise IntegrityError(
            f"the assertion is {was} already", code="lifecycle.same", hint="nothing to do"
        )
    if legal:
        hint = f"from {was} it may go to " + ", ".join(legal)
    else:
        hint = f"{was} is a terminal state; only REVIVE leads out of it, to proposed"
    raise IntegrityError(f"{was} cannot become {to}", code="lifecycle.illegal_move", hint=hint)


@lru_cache(maxsize=1000)
def states_of(names: tuple[str, ...], negated: bool = False) -> tuple[int, ...]:
    """The codes that a LIFECYCLE clause names; 'live' and 'any' stand for several.

    >>> states_of(("live",))
    (1, 2, 3)
    """
    codes: set[int] = set()
    for name in names:
        word = name.lower()
        if word == "live":
            codes.update(CODE[state] for state in LIVE)
        elif word == "any":
            codes.update(CODE.values())
        else:
            codes.add(CODE[check_state(word)])
    chosen = set(CODE.values()) - codes if negated else codes
    return tuple(sorted(chosen))
