"""`text REGEXP pattern`, which SQLite leaves to the program: Python's regular expressions.

A pattern may be found anywhere in the text. It is a Python call a row, and a pattern made for it
can take long; LIKE and GLOB never do.
"""

from __future__ import annotations

import re
from functools import lru_cache

import apsw

from epql.engine.errors import DataError


def register(db: apsw.Connection) -> None:
    """Make the operator work on a connection."""
    db.create_scalar_function("regexp", lambda *given: matches(*given), 2, deterministic=True)


def matches(pattern: object, value: object) -> int | None:
    """1 or 0: whether the pattern is found in the value; None if either is NULL.

    A number is looked at as it is written; a blob never matches.

    Raises: DataError `value.pattern` if it is no regular expression.

    >>> matches("^auth/", "auth/jwt"), matches("^80", 8080), matches("x", None)
    (1, 1, None)
    """
    if pattern is None or value is None:
        return None
    if isinstance(pattern, bytes) or isinstance(value, bytes):
        return 0
    return int(_compiled(str(pattern)).search(str(value)) is not None)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise DataError(
            f"{pattern!r} is no regular expression: {error}",
            code="value.pattern",
            hint="\\ makes a special character plain; LIKE and GLOB are simpler",
        ) from None
