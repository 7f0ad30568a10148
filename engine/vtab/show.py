"""How raw values of the index become what SQL sees, in Python and, for fused plans, in SQL."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import apsw

from epql.engine.clock import EVER, FOREVER, SECOND, moment
from epql.engine.lifecycle import NAME


@lru_cache(maxsize=100_000)
def instant(us: int | None) -> str | None:
    """Microseconds as text of fixed width, so that it sorts as it counts; open ends are NULL.

    >>> instant(0)
    '1970-01-01T00:00:00.000000Z'
    """
    if us is None or us in (EVER, FOREVER):
        return None
    second, part = divmod(us, SECOND)
    return f"{_second(second)}.{part:06}Z"


@lru_cache(maxsize=10_000)
def _second(second: int) -> str:
    """A whole second; many instants are of the same one."""
    return moment(second * SECOND).isoformat()[:19]


state = NAME.get
"""The code of a state as its name."""


def address(digest: bytes | None) -> str | None:
    """A digest as the id that names its assertion."""
    return None if digest is None else "a:" + digest.hex()


def rule_address(digest: bytes | None) -> str | None:
    """A digest as the id that names its rule."""
    return None if digest is None else "c:" + digest.hex()


def query_address(digest: bytes | None) -> str | None:
    """A digest as the id that names its question."""
    return None if digest is None else "q:" + digest.hex()


_UNITS = (("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000))


def duration(us: int | None) -> str | None:
    """Microseconds as a duration.

    >>> duration(129_600_000_000)
    '1d12h'
    """
    if us is None:
        return None
    parts = []
    for unit, size in _UNITS:
        count, us = divmod(us, size)
        if count:
            parts.append(f"{count}{unit}")
    if us:
        parts.append(f"{us}us")
    return "".join(parts) or "0s"


_STATES = " ".join(f"WHEN {code} THEN '{name}'" for code, name in NAME.items())
_IN_SQL: dict[Callable[[Any], Any], str] = {
    state: f"CASE {{}} {_STATES} END",
    address: "'a:'||nullif(lower(hex({})),'')",
    instant: "epql_instant({})",
}


def in_sql(show: Callable[[Any], Any], raw: str) -> str:
    """SQL for what `show` makes of a raw value; needs what `register` registers."""
    return _IN_SQL[show].format(raw)


def as_seen(raw: str, kind: str, show: Callable[[Any], Any] | None) -> str:
    """SQL for what a reader sees of a raw value, with the affinity that it has for him.

    `kind`: the type of its column; a column of a table has it already.
    """
    if show is not None:
        raw = in_sql(show, raw)
    elif kind == "" or _STORED.fullmatch(raw):
        return raw
    return f"CAST({raw} AS {kind})"


_STORED = re.compile(r"\w+\.\w+")

FUNCTIONS = frozenset(("epql_instant",))
"""The functions that `in_sql` calls, besides SQLite's own."""


def register(db: apsw.Connection) -> None:
    """Make the functions of `in_sql` known to a connection."""
    db.create_scalar_function("epql_instant", instant, 1, deterministic=True)
