"""KVStore: an ordered key-value store, on SQLite and in memory.

Keys and values are bytes; keys are ordered as bytes. What the keys mean is objects.py's.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Protocol

import apsw


class KVStore(Protocol):
    """What the engine asks of a key-value store."""

    def get(self, key: bytes) -> bytes | None:
        """The value, or None."""

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """The values of those keys that are present."""

    def put(self, key: bytes, value: bytes) -> None:
        """Set the value of a key."""

    def put_many(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        """Set many values as one batch, all or none."""

    def delete(self, key: bytes) -> None:
        """Forget a key; an absent key is no error."""

    def scan_prefix(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        """The pairs whose key starts with `prefix`, in key order."""


class MemoryStore:
    """KVStore in memory."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []

    def get(self, key: bytes) -> bytes | None:
        return self._values.get(key)

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        return {key: self._values[key] for key in keys if key in self._values}

    def put(self, key: bytes, value: bytes) -> None:
        if key not in self._values:
            insort(self._keys, key)
        self._values[key] = value

    def put_many(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        for key, value in list(pairs):
            self.put(key, value)

    def delete(self, key: bytes) -> None:
        if self._values.pop(key, None) is not None:
            del self._keys[bisect_left(self._keys, key)]

    def scan_prefix(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key in self._keys[bisect_left(self._keys, prefix) :]:
            if not key.startswith(prefix):
                return
            yield key, self._values[key]


class DiskStore:
    """KVStore in the table kv of the index, inside whatever transaction is open there."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db

    def get(self, key: bytes) -> bytes | None:
        row = self._db.execute("SELECT value FROM kv WHERE key=?", (key,)).fetchone()
        return None if row is None else bytes(row[0])

    def get_many(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        sql = "SELECT key, value FROM kv WHERE key=?"
        return dict(self._db.executemany(sql, [(key,) for key in keys]))

    def put(self, key: bytes, value: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO kv VALUES(?, ?)", (key, value))

    def put_many(self, pairs: Iterable[tuple[bytes, bytes]]) -> None:
        with self._db:
            self._db.executemany("INSERT OR REPLACE INTO kv VALUES(?, ?)", pairs)

    def delete(self, key: bytes) -> None:
        self._db.execute("DELETE FROM kv WHERE key=?", (key,))

    def scan_prefix(self, prefix: bytes) -> Iterator[tuple[bytes, bytes]]:
        end = _after(prefix)
        if end is None:
            return self._db.execute(
                "SELECT key, value FROM kv WHERE key>=? ORDER BY key", (prefix,)
            )
        sql = "SELECT key, value FROM kv WHERE key>=? AND key<? ORDER BY key"
        return self._db.execute(sql, (prefix, end))


def _after(prefix: bytes) -> bytes | None:
    """The first key after all that start with `prefix`; None when there is none.

    >>> _after(b"H:")
    b'H;'
    """
    trimmed = prefix.rstrip(b"\xff")
    if not trimmed:
        return None
    return trimmed[:-1] + bytes([trimmed[-1] + 1])
