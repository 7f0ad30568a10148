"""How much one statement of a person may take, as the engine knows it."""

from __future__ import annotations

import apsw
import msgspec

LIKE_STEPS = 200_000_000
"""Steps of LIKE in a second or less: the length of a text times that of a pattern."""
_PATTERN_MIN, _PATTERN_MAX = 50, 50_000


class Allowed(msgspec.Struct, frozen=True):
    """None is no limit. Units: seconds, bytes, levels of an expression as SQLite counts them."""

    time_s: float | None = None
    memory_bytes: int | None = None
    length: int = 100_000_000
    depth: int = 1000


def set_limits(db: apsw.Connection, allowed: Allowed) -> None:
    """Hold a person's SQLite connection to what is allowed.

    SQLite looks at the time between its steps and not within one, so what one step can take
    follows from the lengths (reliability.md §2.8).
    """
    pattern = _PATTERN_MAX
    if allowed.time_s is not None:
        pattern = min(max(LIKE_STEPS // allowed.length, _PATTERN_MIN), _PATTERN_MAX)
    db.limit(apsw.SQLITE_LIMIT_LENGTH, allowed.length)
    db.limit(apsw.SQLITE_LIMIT_EXPR_DEPTH, allowed.depth)
    db.limit(apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, pattern)
    for what, most in _ALWAYS:
        db.limit(what, most)


_ALWAYS = (
    (apsw.SQLITE_LIMIT_ATTACHED, 0),
    (apsw.SQLITE_LIMIT_SQL_LENGTH, 10_000_000),  # views are written out
    (apsw.SQLITE_LIMIT_COLUMN, 2000),
    (apsw.SQLITE_LIMIT_COMPOUND_SELECT, 500),
    (apsw.SQLITE_LIMIT_FUNCTION_ARG, 1000),
    (apsw.SQLITE_LIMIT_TRIGGER_DEPTH, 1),
    (apsw.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766),
    (apsw.SQLITE_LIMIT_WORKER_THREADS, 0),
)
