"""`text REGEXP pattern`, which SQLite leaves to the program: RE2's regular expressions.

A pattern may be found anywhere in the text. RE2 takes time linear in the text whatever the
pattern, where Python's `re`, in the middle of which nothing can be stopped, takes for ever with
'(a+)+b'; in return it has no look-around and no back-references.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import apsw

from epql.engine.errors import DataError


def register(db: apsw.Connection, look: Callable[[], None] | None = None) -> None:
    """Make the operator work on a connection; `look` is called before each use and may raise."""

    def regexp(*given: object) -> int | None:
        if look is not None:
            look()
        return matches(*given)

    db.create_scalar_function("regexp", regexp, 2, deterministic=True)


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
    return int(_compiled(str(pattern)).search(str(value).encode()) is not None)


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> Any:
    import re2  # type: ignore[import-untyped]  # its library is loaded by the first pattern, not by every start

    options = re2.Options()
    options.log_errors, options.never_capture = False, True
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        reason = error.args[0].decode(errors="replace")
        raise DataError(
            f"{pattern[:60]!r} is no regular expression: {reason}",
            code="value.pattern",
            hint="\\ makes a special character plain; LIKE and GLOB are simpler",
        ) from None
