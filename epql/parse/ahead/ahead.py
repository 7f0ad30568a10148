"""A text and a cursor to what may stand there: see the package."""

from __future__ import annotations

from dataclasses import dataclass

from epql.parse.ahead import following, meaning
from epql.parse.ahead.around import Around, Table, around
from epql.parse.ahead.cursor import Place
from epql.parse.ahead.stack import NO_SLOT, Slot, Stack
from epql.parse.driver import driver


@dataclass(frozen=True)
class Ahead:
    """What may stand at a cursor.

    `start` is where the word at the cursor begins, `typed` what there is of it (in a string:
    without quotes); `quote` opened it. `keywords` are whole, as far as only one way leads on
    (ORDER BY). `kinds` says what a name or a text there may mean, the likeliest first; none where
    it is one's own. `of` is the table before a dot, the policy before its value, the first word
    behind SHOW. `tables` are those the place sees, `common` the names of CTEs; `clause` is the one
    it stands in ('WHERE'). `used`: keywords of the statement so far are written small ('lower'),
    in capitals ('upper'), or there are none ('').
    """

    start: int
    typed: str = ""
    quote: str = ""
    keywords: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    of: str | None = None
    tables: tuple[Table, ...] = ()
    common: tuple[str, ...] = ()
    clause: str = ""
    slot: Slot = NO_SLOT
    used: str = ""


def ahead(text: str, cursor: int) -> Ahead:
    """What may stand at a cursor of a text, which may hold several statements. Never raises.

    >>> ahead("SELECT * FROM beliefs ORDER ", 28).keywords
    ('BY',)
    >>> ahead("SET AGENT 'an", 13).kinds
    ('agent',)
    """
    place = Place.of(text, cursor)
    if place is None:
        return Ahead(cursor)
    way, made = following.way(place.tokens), driver()
    if way is None:
        last = place.tokens[-1].value
        second = () if place.quote else following.second(made, place.tokens)
        used = "lower" if last.islower() else "upper"
        return Ahead(place.start, place.typed, place.quote, second, used=used)
    stack = Stack(way, place.tokens)
    seen = _seen(place, stack)
    return Ahead(
        place.start,
        place.typed,
        place.quote,
        () if place.quote else following.keywords(made, way, place.tokens),
        meaning.kinds(made, stack),
        stack.of,
        seen.tables,
        seen.common,
        stack.clause,
        stack.slot(place.after),
        following.case(way, place.tokens),
    )


def _seen(place: Place, stack: Stack) -> Around:
    """The tables around. Where the columns of one that is written are listed, it alone; in a rule's
    condition the row that is asserted; in RETURNING of other verbs what they touched."""
    if stack.written is not None:
        return Around((Table(stack.written, stack.written),), ())
    if stack.is_condition:
        return Around((Table("assertions", "", "row"),), ())
    found = around((*place.tokens, *place.after), len(place.tokens))
    if not found.tables and "RETURNING " in stack.text:
        return Around((Table("assertions", ""),), found.common)
    return found
