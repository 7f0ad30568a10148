"""The nearest assertion to a triple, or a slot, that nobody asserted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from epql.engine.explain.slot import Index, same
from epql.engine.spelling import closest

_LOOKED_AT_MAX = 5000
"""Names that a misspelt one is compared with."""


class Near(NamedTuple):
    """An assertion, by its number, and its triple."""

    assertion: int
    triple: tuple[str, str, Any]


def nearest(index: Index, subject: str, predicate: str, obj: Any) -> Near | None:
    """The assertion that is nearest to one that is not there: one name differs; obj may be None.

    A number and a text that look alike are near; so are names that differ in case.
    """
    names = {"s": subject, "p": predicate, "most": _LOOKED_AT_MAX}
    places = (
        ("s.subject=:s AND s.predicate=:p", 3, obj),
        ("s.subject=:s AND s.predicate<>:p", 2, predicate),
        ("s.predicate=:p AND s.subject<>:s", 1, subject),
    )
    for where, place, wanted in places[obj is None :]:
        sql = (
            "SELECT a.id, s.subject, s.predicate, a.object FROM slot s"
            " JOIN span x ON x.slot=s.id JOIN assertion a ON a.id=x.assertion"
            f" WHERE {where} LIMIT :most"
        )
        found = list(index.db.execute(sql, names))
        near = _nearest_of(wanted, (row[place] for row in found))
        if near is not None:
            fitting = [row for row in found if same(row[place], near)]
            best = next((row for row in fitting if same(row[3], obj)), fitting[-1])
            return Near(best[0], tuple(best[1:4]))
    return None


def _nearest_of(wanted: Any, known: Iterable[Any]) -> Any:
    """The value that is nearest as a text; one that differs in type or case only is nearest."""
    by_text = {str(value): value for value in known}
    text = str(wanted)
    if text in by_text:
        return by_text[text]
    folded = {one.casefold(): one for one in by_text}
    near = [folded[text.casefold()]] if text.casefold() in folded else closest(text, by_text)
    return by_text[near[0]] if near else None
