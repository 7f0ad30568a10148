"""Rebuilding the index: under other connections, over garbage, after it was deleted."""

from __future__ import annotations

from pathlib import Path

import pytest

import epql
from epql.engine.clock import system_clock
from epql.engine.opening import Options
from epql.engine.rebuild import rebuild


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "kb.epql"
    with epql.connect(path, agent="a", autocommit=True) as connection:
        for number in range(20):
            connection.execute("ASSERT ('s', ?, ?)", (f"p{number % 4}", number))
        connection.close()
    return path


def count(connection: epql.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM assertions").fetchall()[0][0])


def test_progress_ends_at_the_last_commit(path: Path) -> None:
    told: list[tuple[int, int]] = []
    assert rebuild(str(path), Options(system_clock), lambda n, all_: told.append((n, all_))) == 20
    assert told[-1] == (20, 20)
    assert sorted(p.name for p in path.glob("index.db*.tmp*")) == []


def test_other_connections_go_on_over_a_rebuild(path: Path) -> None:
    reader = epql.connect(path, autocommit=True)
    writer = epql.connect(path, agent="b", autocommit=True)
    half_read = reader.execute("SELECT predicate FROM beliefs")
    half_read.fetchone()
    rebuild(str(path), Options(system_clock))
    assert len(half_read.fetchall()) == 3
    writer.execute("ASSERT ('s', 'p9', 'after')")
    assert count(reader) == count(writer) == 21


def test_garbage_is_made_anew_at_open_and_told(path: Path) -> None:
    (path / "index.db").write_bytes(b"garbage" * 1000)
    connection = epql.connect(path)
    assert any("made anew from the journal" in notice for notice in connection.notices)
    assert count(connection) == 20


def test_garbage_is_replaced_by_rebuild(path: Path) -> None:
    (path / "index.db").write_bytes(b"garbage" * 1000)
    rebuild(str(path), Options(system_clock))
    assert count(epql.connect(path)) == 20


def test_what_a_deleted_index_leaves_beside_it_is_not_taken_for_the_new_one(path: Path) -> None:
    connection = epql.connect(path, agent="a", autocommit=True)
    connection.execute("ASSERT ('s', 'p9', 'x')")
    wal = (path / "index.db-wal").read_bytes()
    assert wal, "the last commit stands in the -wal"
    connection.close()
    (path / "index.db").unlink()
    (path / "index.db-wal").write_bytes(wal)
    assert count(epql.connect(path)) == 21
