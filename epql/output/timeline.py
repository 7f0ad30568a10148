"""A strip that shows who believed what when: lanes over a time axis. Pure.

    auth/jwt
    algorithm
      RS256  architect       ████████████████████████████████
      ES256  research-agent             ▒▒▒▒▒▒▒▒▒▒▒××××××××××
                             ├──────────┬──────────┬─────────┤
                             01-05      01-08      01-10    01-12

A lane is a predicate; in it there is a line for each object and agent. What it is not: a reader of
the database; it is given spans of microseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from epql.output.cells import cut, escape, pad, short, width

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_STRIP_MIN = 10

_MARKS = {
    "approved": ("█", "#", "32"),
    "review": ("▓", "=", "36"),
    "proposed": ("▒", "-", "33"),
    "deprecated": ("░", "~", "2"),
    "superseded": ("·", ".", "2"),
    "rejected": ("·", ".", "2"),
    "retracted": ("·", ".", "2"),
    "incorrect": ("×", "x", "31"),
}
"""How a state is drawn: on a screen of Unicode, of ASCII, and its colour."""


@dataclass(frozen=True)
class Span:
    """An object in one state. Units: microseconds UTC; `until` None: it lasts."""

    predicate: str
    object: object
    agent: str
    state: str
    since: int
    until: int | None


@dataclass(frozen=True)
class Canvas:
    """What is drawn on. `columns` in all; `is_ascii`: nothing else can be shown."""

    columns: int
    color: bool = False
    is_ascii: bool = False

    def paint(self, text: str, color: str) -> str:
        return f"\x1b[{color}m{text}\x1b[0m" if self.color and text.strip() else text

    @property
    def more(self) -> str:
        return "~" if self.is_ascii else "…"


def draw(subject: str, spans: Sequence[Span], now: int, canvas: Canvas) -> Iterator[str]:
    """The lines of the strip, from the first span to now."""
    since = min(span.since for span in spans)
    until = max(now, since + 1)
    labels = {(span.object, span.agent): _names(span) for span in spans}
    wide = [max(width(label[i]) for label in labels.values()) for i in (0, 1)]
    wide = [min(wide[0], canvas.columns * 3 // 10), min(wide[1], canvas.columns * 2 // 10)]
    left = 2 + wide[0] + 2 + wide[1] + 2
    strip = max(canvas.columns - left, _STRIP_MIN)  # about half of the columns
    yield canvas.paint(_fit(escape(subject), canvas.columns, canvas), "1")
    yield _fit(f"{_text(since, _FULL)} to {_text(until, _FULL)} UTC", canvas.columns, canvas)
    for predicate in dict.fromkeys(span.predicate for span in spans):
        yield canvas.paint(_fit(escape(predicate), canvas.columns, canvas), "1")
        lane = [span for span in spans if span.predicate == predicate]
        for key in dict.fromkeys((span.object, span.agent) for span in lane):
            names = [
                pad(_fit(text, w, canvas), w) for text, w in zip(labels[key], wide, strict=True)
            ]
            own = [span for span in lane if (span.object, span.agent) == key]
            bar = _bar(own, since, until, strip, canvas)
            yield f"  {names[0]}  {names[1]}  {bar}".rstrip()
    yield from (" " * left + line for line in _axis(since, until, strip, canvas))
    legend = _legend({span.state for span in spans}, canvas)
    yield canvas.paint(_fit(legend, canvas.columns, canvas), "2")


def _names(span: Span) -> tuple[str, str]:
    return short(span.object), escape(span.agent)


def _fit(text: str, room: int, canvas: Canvas) -> str:
    if canvas.is_ascii:
        text = text.encode("ascii", "backslashreplace").decode()
    return cut(text, room).replace("…", canvas.more)


def _bar(spans: Sequence[Span], since: int, until: int, strip: int, canvas: Canvas) -> str:
    """The line's cells; a state that lasted shorter than a cell still has one."""
    cells = [""] * strip
    for span in spans:
        first = _cell(span.since, since, until, strip)
        last = _cell(until if span.until is None else span.until, since, until, strip)
        for place in range(min(first, strip - 1), max(last, first + 1)):
            if place < strip:
                cells[place] = span.state
    parts = []
    start = 0
    while start < strip:
        end = start
        while end < strip and cells[end] == cells[start]:
            end += 1
        parts.append(_piece(cells[start], end - start, canvas))
        start = end
    return "".join(parts)


def _cell(instant: int, since: int, until: int, strip: int) -> int:
    return min(strip, (instant - since) * strip // (until - since))


def _piece(state: str, length: int, canvas: Canvas) -> str:
    if not state:
        return " " * length
    mark, plain, color = _MARKS[state]
    return canvas.paint((plain if canvas.is_ascii else mark) * length, color)


def _axis(since: int, until: int, strip: int, canvas: Canvas) -> Iterator[str]:
    """A rule with ticks, and what they stand for; the last is the right end."""
    form = _form(until - since)
    room = len(_text(since, form)) + 2
    ticks = max(2, min(7, strip // room))
    places = [round(i * (strip - 1) / (ticks - 1)) for i in range(ticks)]
    rule = ["─"] * strip
    line = [" "] * strip
    end = strip
    for number, place in reversed(list(enumerate(places))):
        rule[place] = "├" if number == 0 else "┤" if number == ticks - 1 else "┬"
        text = _text(since + (until - since) * place // (strip - 1), form)
        start = min(place, strip - len(text))
        if start + len(text) < end or end == strip:
            line[start : start + len(text)] = text
            end = start
    drawn = "".join(rule)
    yield drawn.translate(_PLAIN_RULE) if canvas.is_ascii else drawn
    yield "".join(line).rstrip()


_PLAIN_RULE = str.maketrans("─├┤┬", "-|||")
_DAY = 86_400_000_000
_FULL = "%Y-%m-%d %H:%M:%S"


def _form(length: int) -> str:
    """How instants are written on an axis of that length."""
    if length > 500 * _DAY:
        return "%Y-%m"
    if length > 10 * _DAY:
        return "%Y-%m-%d"
    if length > _DAY // 24:
        return "%m-%d %H:%M"
    return "%H:%M:%S" if length > _DAY // 1440 else "%M:%S.%f"


def _text(instant: int, form: str) -> str:
    return (_EPOCH + timedelta(microseconds=instant)).strftime(form)


def _legend(states: set[str], canvas: Canvas) -> str:
    column = 1 if canvas.is_ascii else 0
    return "  ".join(
        f"{marks[column]} {state}" for state, marks in _MARKS.items() if state in states
    )
