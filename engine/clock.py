"""Time as the engine keeps it: microseconds since 1970 UTC, as int.

A leaf. Text forms of instants belong to the language (epql/instants.py).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from epql.engine.errors import InterfaceError

Clock = Callable[[], datetime]
"""Returns an aware datetime; tests and replays pass their own."""

SECOND = 1_000_000
FOREVER = 1 << 62
"""Beyond every instant: the open end of valid time and of belief time inside the index."""
EVER = -FOREVER
"""Before every instant: the open start of valid time inside the index."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


FIRST = (datetime(1, 1, 1, tzinfo=UTC) - EPOCH) // _MICROSECOND
LAST = (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC) - EPOCH) // _MICROSECOND
"""The instants that a calendar has: those of the years 1 to 9999."""


def system_clock() -> datetime:
    """The machine's clock in UTC."""
    return datetime.now(UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 UTC of an aware datetime, exactly (no floats)."""
    if getattr(moment, "tzinfo", None) is None:
        raise InterfaceError(
            f"the clock returned {moment!r}, not a datetime with a zone",
            code="clock.naive",
            hint="return an aware datetime, such as datetime.now(timezone.utc)",
        )
    return (moment - EPOCH) // _MICROSECOND


def moment(us: int) -> datetime:
    """The aware UTC datetime of an instant."""
    return EPOCH + timedelta(microseconds=us)
