"""Assertions by content address: an index over what the table `assertion` has anyway.

An address is 32 random bytes, and each new one falls on another page. So the index holds no more
than its first bytes, which nearly always tell one from all others; the row says the rest.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import apsw

_HEAD = 6
HEAD = f"substr({{}}, 1, {_HEAD})"
"""SQL for the part of an address that is indexed, to be formatted with it."""

_OF_ROW = HEAD.format("a.digest")
_ONE = f"SELECT a.id FROM assertion a WHERE {_OF_ROW}={HEAD.format('?1')} AND a.digest=?1"
_MANY = (
    "SELECT a.digest, a.id FROM carray(?) c CROSS JOIN assertion a"
    f" ON {_OF_ROW}={HEAD.format('c.value')} AND a.digest=c.value"
)


class Addresses:
    """The addresses of assertions, inside whatever transaction is open there."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def find(self, address: bytes) -> int | None:
        """The seq of the assertion's first appearance, or None."""
        row = self._db.execute(_ONE, (address,)).fetchone()
        return None if row is None else int(row[0])

    def find_many(self, addresses: Iterable[bytes]) -> dict[bytes, int]:
        """The seqs of those that are known."""
        ordered = tuple(sorted(addresses))  # neighbours lie on one page
        if len(ordered) > 1:
            return dict(self._db.execute(_MANY, (apsw.carray(ordered),)))
        return {one: seq for one in ordered if (seq := self.find(one)) is not None}

    def scan_prefix(self, prefix: bytes) -> Iterator[tuple[bytes, int]]:
        """(address, seq) of those that start with `prefix`, in order of the addresses."""
        head = prefix[:_HEAD]
        sql = (
            f"SELECT a.digest, a.id FROM assertion a WHERE {_OF_ROW} BETWEEN ? AND ?"
            f" ORDER BY {_OF_ROW}, a.digest"
        )
        for address, seq in self._db.execute(sql, (head, head.ljust(_HEAD, b"\xff"))):
            if address.startswith(prefix):
                yield address, seq
