"""`.timeline subject [predicate]`: who believed what when, drawn (epql/output/timeline.py)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from epql.engine.errors import ProgrammingError
from epql.output.timeline import Canvas, Span, draw
from epql.repl.commands.arguments import words, wrong

if TYPE_CHECKING:
    from epql.repl.session import Session

_ASKED = """\
SELECT predicate, object, agent, lifecycle, believed_from, believed_to FROM history
WHERE subject = ? {} ORDER BY predicate, recorded_at, believed_from LIFECYCLE ANY VALID ANYTIME"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WIDTH = 100
"""Where nothing says how wide the screen is."""


def run(session: Session, argument: str) -> None:
    """Draw what was believed about the subject from the first assertion to where one stands."""
    given = words(argument)
    if not 1 <= len(given) <= 2:
        raise wrong(".timeline takes a subject, and a predicate if you like", ".timeline auth/jwt")
    statement = _ASKED.format("AND predicate = ?" if len(given) == 2 else "")
    rows, now = session.rows_and_clock(statement, given)
    if not rows:
        raise ProgrammingError(
            f"nothing was ever asserted about {' '.join(given)}",
            code="shell.nothing",
            hint="SELECT DISTINCT subject FROM assertions LIFECYCLE ANY shows the subjects",
        )
    screen = session.screen
    canvas = Canvas(screen.columns or _WIDTH, screen.is_colored, screen.is_ascii)
    screen.pieces(line + "\n" for line in draw(given[0], [_span(row) for row in rows], now, canvas))


def _span(row: tuple[Any, ...]) -> Span:
    predicate, value, agent, state, since, until = row
    return Span(predicate, value, agent, state, _us(since), None if until is None else _us(until))


def _us(instant: str) -> int:
    return (datetime.fromisoformat(instant) - _EPOCH) // timedelta(microseconds=1)
