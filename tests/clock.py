"""A clock for tests: stands still until it is set or moved."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class TestClock:
    """A callable that returns an aware datetime, as `epql.connect(clock=…)` takes it."""

    __test__ = False  # not a test class, whatever its name says

    def __init__(self, start: str = "2024-01-01T00:00:00Z") -> None:
        self.now = datetime.fromisoformat(start)

    def __call__(self) -> datetime:
        return self.now

    def set(self, instant: str) -> None:
        """Move to an instant in ISO 8601."""
        self.now = datetime.fromisoformat(instant)

    def set_us(self, us: int) -> None:
        """Move to microseconds since 1970."""
        self.now = EPOCH + timedelta(microseconds=us)

    def move(self, **delta: float) -> None:
        """Move on, in the words of timedelta."""
        self.now += timedelta(**delta)

    @property
    def us(self) -> int:
        """Microseconds since 1970."""
        return (self.now - EPOCH) // timedelta(microseconds=1)


def text_of(us: int | None) -> str | None:
    """An instant as the engine writes it: 'YYYY-MM-DDTHH:MM:SS.ffffffZ', None for an open end."""
    if us is None:
        return None
    return (EPOCH + timedelta(microseconds=us)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
