"""What an index is opened with is in force: how much of it is kept in memory, when the log is
written back, when SQLite syncs."""

from __future__ import annotations

from pathlib import Path

import pytest

from epql.engine.index.schema import CACHE_KB, keep_in_memory, open_index


@pytest.mark.parametrize("read_only", [False, True])
def test_all_that_is_set_is_in_force(tmp_path: Path, read_only: bool) -> None:
    path = str(tmp_path / "index.db")
    open_index(path).close()
    db = open_index(path, read_only=read_only)
    found = {
        name: db.pragma(name)
        for name in ("synchronous", "mmap_size", "cache_size", "wal_autocheckpoint")
    }
    db.close()
    assert found == {
        "synchronous": 1, "mmap_size": 0, "cache_size": -CACHE_KB, "wal_autocheckpoint": 8000,
    }  # fmt: skip


def test_less_is_kept_where_memory_is_limited() -> None:
    db = open_index(":memory:")
    for memory_bytes, kept_kb in ((2**20, 256), (2**40, CACHE_KB), (1, 1), (None, CACHE_KB)):
        keep_in_memory(db, memory_bytes)
        assert db.pragma("cache_size") == -kept_kb
