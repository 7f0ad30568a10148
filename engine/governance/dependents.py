"""Who is derived from whom: what was asserted BECAUSE of an assertion, and because of that."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import apsw


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
    sql = (
        "SELECT a.id, a.digest FROM parent p JOIN assertion a ON a.id=p.child"
        " WHERE p.parent=? AND p.child<? ORDER BY a.id"
    )
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
