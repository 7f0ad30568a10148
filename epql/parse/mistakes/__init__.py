"""Frequent mistakes, each with its own words: a table of small recognisers.

A recogniser looks at the token that has no place, at those around it and at what would have
been possible, and returns the error to raise, or None. The first that answers wins: those
that know one exact mistake stand before those that only know a kind of mistake.

    mistake      what a recogniser sees
    foreign      other systems' ways to read the past
    times        instants that are none
    places       clauses in wrong places, or twice
    writing      statements: the first word, what follows a verb
    instead      the words that writing knows, in tables
    operators    operators and clauses of other SQLs
    quotes       texts and names
    marks        commas, parentheses, words too many or misspelt
    characters   characters that begin nothing
"""

from __future__ import annotations

from epql.engine.errors import Error
from epql.parse.driver import Unexpected
from epql.parse.mistakes import foreign, marks, operators, places, quotes, times, writing
from epql.parse.mistakes.mistake import Mistake, Recogniser


def find(text: str, error: Unexpected) -> Error | None:
    """The error of the first recogniser that knows the mistake."""
    mistake = Mistake.of(text, error)
    for recognise in RECOGNISERS:
        found = recognise(mistake)
        if found is not None:
            return found
    return None


RECOGNISERS: tuple[Recogniser, ...] = (
    *foreign.RECOGNISERS,
    *writing.EXACT,
    *operators.RECOGNISERS,
    times.tx_without_number,
    times.unquoted_time,
    marks.misspelt,
    foreign.almost_as_of,
    *places.EXACT,
    *times.RECOGNISERS,
    marks.comma_before,
    *places.RECOGNISERS,
    *writing.RECOGNISERS,
    *quotes.RECOGNISERS,
    *marks.RECOGNISERS,
)
