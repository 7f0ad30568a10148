"""What the audit has to say of an answer: short names that are kept, sentences that are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from epql.audit.seen import Read
from epql.engine.audit.record import EXACT
from epql.engine.lifecycle import CODE, NAME

MIXED_TIMES = "mixed-times"
DISPUTED = "disputed"
_UNFILTERED = "unfiltered-"
_OF_STATE = {code: _UNFILTERED + name for code, name in NAME.items()}
_APPROVED = CODE["approved"]


def unapproved(reads: Sequence[Read]) -> list[str]:
    """The findings of a read that chose no states: it returned what is not approved."""
    return of_states({code for _, code, via in reads if via == EXACT})


def of_states(codes: set[int]) -> list[str]:
    """The findings of a read to which states were shown that it did not choose."""
    return [_OF_STATE[code] for code in sorted(codes) if code != _APPROVED]


def sentence(names: Iterable[str]) -> str | None:
    """Findings as a person reads them; None without any.

    >>> sentence(["unfiltered-proposed"])
    'no lifecycle filter: a PROPOSED assertion was returned'
    >>> sentence(["unfiltered-proposed", "unfiltered-review", "disputed"])
    'no lifecycle filter: PROPOSED and REVIEW assertions were returned; the answer was disputed'
    """
    names = list(names)
    states = [
        name.removeprefix(_UNFILTERED).upper() for name in names if name.startswith(_UNFILTERED)
    ]
    told = []
    if len(states) == 1:
        article = "an" if states[0][0] in "AEIOU" else "a"
        told.append(f"no lifecycle filter: {article} {states[0]} assertion was returned")
    elif states:
        listed = f"{', '.join(states[:-1])} and {states[-1]}"
        told.append(f"no lifecycle filter: {listed} assertions were returned")
    if MIXED_TIMES in names:
        told.append("tables were read at different times")
    if DISPUTED in names:
        told.append("the answer was disputed")
    return "; ".join(told) or None
