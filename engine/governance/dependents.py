"""Who is derived from whom: what was asserted BECAUSE of an assertion, and because of that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw

from epql.engine.clock import FOREVER
from epql.engine.lifecycle import CODE, LANDING


class Dependent(NamedTuple):
    """An assertion derived from another, in that many steps; `id` is its number."""

    id: int
    digest: bytes
    hops: int


def dependents(db: apsw.Connection, roots: Iterable[bytes], before: int) -> list[Dependent]:
    """What is derived from the roots, transitively, each at its fewest steps, the nearest first.

    `before`: only what was first recorded before this position; what became of it since does not
    matter here.
    """
    return _derived(db, roots, _DERIVED, before)


def standing_on(db: apsw.Connection, roots: Iterable[bytes]) -> list[Dependent]:
    """What is derived from the roots and stands, live or deprecated; not what rests on what does
    not stand."""
    return _derived(db, roots, _STANDING, FOREVER)


_DERIVED = (
    "SELECT a.id, a.digest FROM parent p JOIN assertion a ON a.id=p.child"
    " WHERE p.parent=? AND p.child<? ORDER BY a.id"
)
_STATES = ", ".join(str(CODE[state]) for state in LANDING)
_STANDING = _DERIVED.replace("WHERE", f"WHERE a.state IN ({_STATES}) AND")


def _derived(db: apsw.Connection, roots: Iterable[bytes], sql: str, before: int) -> list[Dependent]:
    seen = set(roots)
    found: list[Dependent] = []
    fresh, hops = list(seen), 0
    while fresh:
        hops += 1
        rows = list(db.executemany(sql, [(digest, before) for digest in fresh]))
        fresh = []
        for number, digest in sorted(rows):
            if digest not in seen:
                seen.add(digest)
                fresh.append(digest)
                found.append(Dependent(number, digest, hops))
    return found
